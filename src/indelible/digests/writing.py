"""A digest as a letter: text for everybody, HTML beside it. Every value is escaped, or kept on its line."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from indelible.digests.contents import Contents
from indelible.errors import UsageError
from indelible.legible import legible, printable
from indelible.summary import summarize, who

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a letter says beside its contents."""

    name: str
    query: str
    since: datetime
    until: datetime
    pages: str  # where the audit pages are; "" if nobody said
    unsubscribe: str  # likewise


def write(contents: Contents, told: Told) -> tuple[str, str, str]:
    """Subject, text, HTML. Raises UsageError without the packages for it."""
    count = f"{contents.total:,}{'+' if contents.capped else ''}"
    noun = "entry" if contents.total == 1 else "entries"
    values = {
        "contents": contents, "told": told, "count": count, "noun": noun, "who": who, "summarize": summarize,
        "link": lambda path: f"{told.pages.rstrip('/')}/{path}" if told.pages else "",
    }  # fmt: skip
    plain, html = (_templates().get_template(name).render(values) for name in ("digest.txt", "digest.html"))
    return f"{told.name}: {count} {noun}", plain, html


@cache
def _templates() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    except ImportError as error:
        raise UsageError("Digests need more packages: pip install 'indelible[server]'") from error
    made: Any = Environment(
        loader=PackageLoader("indelible.digests"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["legible"] = legible
    made.filters["printable"] = printable
    return made  # type: ignore[no-any-return]
