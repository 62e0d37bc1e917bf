"""How the command line shows things to a person and to a program."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indelible.capture.notes import CHANGED, STARTED, Note
from indelible.errors import NotFoundError
from indelible.event import Entry
from indelible.legible import legible, printable
from indelible.log import Log
from indelible.reconcile import Difference
from indelible.search.organizations import need_organization
from indelible.summary import brief, summarize, who

_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """To a person, on stderr."""
    _errors.print(message, markup=False)


def complain(error: Exception) -> None:
    _errors.print(f"indelible: {error}", markup=False, style="red")


def note_unknown(url: str, organization: str | None) -> None:
    """Of an organization without entries: it may be a new one; a mistyped one would be waited for without an end."""
    if organization is not None:
        with Log.open(url, sign=False) as log:
            try:
                need_organization(log, organization)
            except NotFoundError as error:
                say(f"Note: {str(error).replace('no entry', 'no entry yet', 1)}")


def show(text: str) -> None:
    """Data, on stdout. Control characters from the log must not drive the reader's terminal."""
    show_bytes("\n".join(map(printable, text.split("\n"))).encode() + b"\n")


def encoded(told: Any) -> str:
    """A named tuple as one line of JSON."""
    return msgspec.json.encode(told._asdict()).decode()


def show_bytes(data: bytes) -> None:
    """Exact bytes, on stdout. A reader who has seen enough, as in `indelible search ... | head`, ends the command."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing fails at the very end
        raise SystemExit(0) from None


def one_line(entry: Entry) -> str:
    """An entry for a terminal: when, who, what, to what, and what changed."""
    what = entry.entity.name or entry.entity.id
    action = entry.action if entry.outcome == "success" else f"{entry.action} ({entry.outcome})"
    return printable(
        f"{entry.seq:>8}  {entry.occurred_at[:19].replace('T', ' ')}  {legible(who(entry)):<28}  {action:<24}  "
        f"{legible(entry.entity.type)} {legible(what)}  {summarize(entry)}"
    )


def change_line(note: Note) -> str:
    """What is otherwise about a table that was watched before."""
    if note.action != CHANGED:
        return f"{note.table} is watched {'again' if note.action == STARTED else 'no more'}."
    told = [f"{name}: {brief(sides.get('old'))} → {brief(sides.get('new'))}" for name, sides in note.changes.items()]
    return f"{note.table} is watched otherwise: {'; '.join(told)}"


def difference_line(found: Difference) -> str:
    """A row that is not as the log has it, for a terminal."""
    told = [f"{name}: log {brief(v['log'])}, table {brief(v['table'])}" for name, v in found.columns.items()]
    return f"{found.table} {found.row}  {found.kind}  {'; '.join(told)}".rstrip()


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; gives the function that moves it."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=True, disable=not _errors.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)
