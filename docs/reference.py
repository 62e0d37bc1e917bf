"""Makes docs/reference.md of the code: what `indelible` exports, the doors of a host, the client, and every command.

`make reference`; a test says when it was forgotten.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

import indelible
from indelible import cli, client
from indelible.cli.app import app
from indelible.integrations import asgi, jobs, sqlalchemy, wsgi

PAGE = Path(__file__).with_name("reference.md")
BEGIN = """# Reference

Made of the code by `make reference`. Times are aware `datetime`s, ids are texts, errors are all `indelible.Error`; what
one says is what happened, then what to do. The HTTP API describes itself: `/api/v1/openapi.json`.
"""
PREFIXES = "indelible", "collections", "contextlib", "datetime", "typing", "pathlib", "email", "msgspec", "uuid"
MODULES = ((indelible, indelible.__all__), (client, client.__all__), (sqlalchemy, ["attach"]),
           (asgi, ["AuditMiddleware"]), (wsgi, ["AuditMiddleware"]), (jobs, ["job"]))  # fmt: skip


def main() -> None:
    if sys.argv[1:] == ["--show"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page())


def page() -> str:
    parts = [BEGIN]
    for module, names in MODULES:
        parts.append(f"## `{module.__name__}`\n")
        for name in sorted(names, key=str.casefold):
            parts += _told(name, getattr(module, name))
    parts.append("## Commands\n")
    parts.append(f"{inspect.getdoc(cli)}\n")
    for name, command in sorted(get_command(app).commands.items()):  # type: ignore[attr-defined]  # it is a group
        parts += _command(f"indelible {name}", command)
    return "\n".join(parts)


def _told(name: str, what: Any) -> Iterator[str]:
    """One name; of a class its public methods, too."""
    yield f"### {name}\n"
    if not inspect.isclass(what):
        yield f"```python\n{name}{_signature(what)}\n```\n"
        yield _doc(what)
        return
    if not issubclass(what, BaseException):
        yield f"```python\n{name}{_signature(what)}\n```\n"
    yield _doc(what)
    if (made := vars(what).get("__init__")) is not None and inspect.getdoc(made) and made.__doc__:
        yield _doc(made)
    for method, how in sorted(_methods(what)):
        yield f"- **`{method}{'' if isinstance(how, property) else _signature(how)}`** {_item(how)}\n"


def _methods(what: type) -> Iterator[tuple[str, Any]]:
    """Those that say what they do."""
    for name, how in vars(what).items():
        inner = getattr(how, "__func__", how)
        if not name.startswith("_") and (isinstance(how, property) or inspect.isfunction(inner)) and inner.__doc__:
            yield name, how if isinstance(how, property) else inner


def _signature(what: Any) -> str:
    """Without what Python adds itself, and as the code spells types."""
    try:
        signature = inspect.signature(what)
    except ValueError:
        return "(...)"
    given = [_spelled(p) for p in signature.parameters.values() if p.name not in ("self", "cls")]
    gives = signature.return_annotation
    text = str(signature.replace(parameters=given, return_annotation=_Bare(gives) if isinstance(gives, str) else gives))
    text = re.sub(r"<factory>|<object object at \w+>|<function \S+ at \w+>", "...", text)
    return re.sub(rf"\b(?:{'|'.join(PREFIXES)})\.(?:\w+\.)*", "", text)


def _spelled(parameter: inspect.Parameter) -> inspect.Parameter:
    told = parameter.annotation
    return parameter.replace(annotation=_Bare(told) if isinstance(told, str) else told)


class _Bare:
    """An annotation that is a text, without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text.replace('"', "")

    def __repr__(self) -> str:
        return self._text


def _doc(what: Any) -> str:
    return f"{inspect.getdoc(what) or ''}\n"


def _item(what: Any) -> str:
    lines = [line.strip() for line in (inspect.getdoc(what) or "").splitlines()]
    return "\n  ".join(line for line in lines if line)


def _command(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for inner, one in sorted(command.commands.items()):
            yield from _command(f"{name} {inner}", one)
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    yield f"### {name}\n"
    words = [name, *(str(p.metavar or p.name.upper()) for p in arguments), *(["[OPTIONS]"] if options else [])]
    yield f"```\n{' '.join(words)}\n```\n"
    yield f"{command.help or ''}\n"
    told = [f"- `{'`, `'.join((*p.opts, *p.secondary_opts))}`{_value(p)}: {p.help or ''}".rstrip(": ") for p in options]
    if told:
        yield "\n".join([*told, ""])


def _value(parameter: Any) -> str:
    return "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"


if __name__ == "__main__":
    main()
