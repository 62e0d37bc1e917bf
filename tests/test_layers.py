"""Imports point strictly downward: a room knows those below it, and none above or beside it."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import pytest

import indelible

SRC = Path(indelible.__file__).parent.parent

# Each line is a level. A room may import from the lines above its own, and from itself.
LEVELS = (
    ("errors",),
    ("background",),
    ("values", "merkle", "files", "urls", "wording", "legible", "retry", "routes"),
    ("event",),
    ("actions", "store", "sent"),
    ("signer", "group", "capture", "prover", "index", "client"),
    ("log", "owners"),
    ("alarm",),
    ("sealer", "drift", "verify", "reconcile", "search", "summary", "viewer", "integrations", "follow", "work"),
    ("monitor", "memory", "export", "publish", "webhooks", "schedule", "views", "keys"),
    ("digests", "exports"),
    ("desk",),
    ("upkeep",),
    ("api",),
    ("web",),
    ("audit", "serve"),
    ("cli",),
    (
        "django",
    ),  # integrations/django: a whole host with pages, commands and a sealer, so a door; its commands are the CLI's
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
NO_LOG = {
    "capture": {"event", "errors", "values", "actions", "urls", "files"},
    "integrations": {"actions", "capture", "event", "errors"},
    "signer": {"errors", "files", "merkle"},
}
PURE = {
    "hashlib", "base64", "binascii", "collections", "typing", "dataclasses", "functools", "itertools", "re", "urllib",
    "cryptography", "indelible",
}  # fmt: skip


def modules(package: str) -> list[Path]:
    return sorted((SRC / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of each import, wherever in the file it stands; name is "" for `import module`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it points"
            yield from ((node.module or "", alias.name) for alias in node.names)


def room(path: Path) -> str:
    return room_of(path.relative_to(SRC / "indelible").with_suffix("").parts)


def room_of(parts: Sequence[str]) -> str:
    """Of a module below `indelible`. Django's package stands in `integrations` and is a room of its own."""
    return "django" if tuple(parts[:2]) == ("integrations", "django") else parts[0]


def rooms_used(path: Path) -> set[str]:
    used = set()
    for module, name in imports(path):
        if module == "indelible":
            used.add(name if name in LEVEL else "__init__")
        elif module.startswith("indelible."):
            used.add(room_of([*module.split(".")[1:], name]))
    return used - {room(path)}


def test_every_room_has_its_level() -> None:
    assert {room(path) for path in modules("indelible")} - {"__init__"} == LEVEL.keys()


@pytest.mark.parametrize("path", modules("indelible"), ids=lambda path: str(path.relative_to(SRC)))
def test_imports_point_strictly_downward(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    allowed = {other for other in LEVEL if LEVEL[other] < LEVEL[here]}
    if here == "cli":
        allowed.add("__init__")  # for the version
    assert rooms_used(path) <= allowed
    assert rooms_used(path) <= NO_LOG.get(here, allowed)


def test_the_tree_is_pure() -> None:
    """No input, no output, no clock, no chance; signing keys are the one thing that is drawn."""
    for path in modules("indelible/merkle"):
        assert {module.split(".")[0] for module, _ in imports(path)} <= PURE


def public_names(module: str) -> set[str]:
    """What a customer may import from there: `indelible` itself, and the modules for a framework, have a list."""
    if module != "indelible" and not module.startswith("indelible.integrations."):
        return set()
    return set(getattr(import_module(module), "__all__", ()))


def test_the_portal_uses_public_names_only_and_nothing_knows_the_portal() -> None:
    public = set(indelible.__all__)
    for path in modules("portal"):
        for module, name in imports(path):
            if module.split(".")[0] == "indelible":
                assert name in public_names(module) | {""}, f"{path} reaches into {module} for {name!r}"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "indelible":
                assert node.attr in public | {"__version__"}, f"{path} uses indelible.{node.attr}"
    for path in modules("indelible"):
        assert not [module for module, _ in imports(path) if module.split(".")[0] == "portal"]


def test_a_wheel_has_the_library_alone(tmp_path: Path) -> None:
    """A host's own program may well be called `portal`."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=SRC.parent, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    rooms = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert rooms == {"indelible", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}


def test_public_names_are_there_and_sorted() -> None:
    assert [name for name in indelible.__all__ if not hasattr(indelible, name)] == []
    assert len(indelible.__all__) == len(set(indelible.__all__))


@pytest.mark.parametrize("name", ["asgi", "wsgi", "jobs", "request"])
def test_a_middleware_and_a_job_need_no_other_package(name: str) -> None:
    used = {module.split(".")[0] for module, _ in imports(SRC / f"indelible/integrations/{name}.py")}
    assert used <= sys.stdlib_module_names | {"indelible"}


def test_the_core_runs_without_the_optional_packages() -> None:
    """`pip install indelible` has no web framework, no ORM, no HTTP client: few modules may need them at import."""
    optional = {"starlette", "sqlalchemy", "jinja2", "uvicorn", "psycopg", "django", "httptools"}
    for path in modules("indelible"):
        if room(path) in ("api", "web", "serve", "integrations", "django") or "postgres" in path.parts:
            continue
        if path.name in ("connection.py", "postgres.py"):  # of `webhooks` and `work`: imported when they are needed
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                assert (name or "").split(".")[0] not in optional, path


def test_the_verifier_in_a_bundle_stands_alone() -> None:
    roots = {module.partition(".")[0] for module, _ in imports(SRC / "indelible" / "export" / "alone.py")}
    assert roots - set(sys.stdlib_module_names) == {"cryptography"}
