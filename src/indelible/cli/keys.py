"""`indelible keys`: what programs show to use the API."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Annotated

import msgspec
import typer

from indelible.cli.app import app
from indelible.cli.inputs import by_account
from indelible.cli.options import LogUrl, Organization, listed
from indelible.cli.output import note_unknown, say, show
from indelible.event import EPOCH
from indelible.keys.keys import SCOPES, Key, Keys
from indelible.log import Log
from indelible.work.announcements import By
from indelible.work.place import open_work

keys = typer.Typer(no_args_is_help=True, help="API keys: each may do what it was made for, and nothing else.")
app.add_typer(keys, name="keys")

Id = Annotated[str, typer.Argument(metavar="ID", help="Of a key, as `list` shows it")]
Scope = Annotated[list[str], typer.Option("--scope", metavar="SCOPE,...", help=f"Some of {', '.join(SCOPES)}")]
Name = Annotated[str, typer.Option(help="Stands in entries of what it does")]
AsJson = Annotated[bool, typer.Option("--json", help="One object a line")]
Overlap = Annotated[int, typer.Option(min=0, max=720, metavar="HOURS", help="For so long the old secret is good, too")]


@keys.command()
def add(log: LogUrl, scope: Scope, name: Name = "api", org: Organization = None, *, json: AsJson = False) -> None:
    """Make one; print it. It is shown here and never again."""
    note_unknown(log, org)  # first: that there is a key is an entry of it
    with _keys(log) as (opened, by):
        key, text = opened.add(by, name=name, scopes=listed(scope), organization=org)
    _show(key, text, json=json)


@keys.command("list")
def list_(log: LogUrl, *, org: Organization = None, json: AsJson = False) -> None:
    """All of them, in the order in which they were made."""
    with _keys(log) as (opened, _):
        for key in opened.all(org):
            told = _told(key)
            used = told["used_at"] or "never used"
            line = f"{key.id}  {key.scopes:<26}  {key.organization or '-':<16}  {used:<20}  {key.name}"
            show(msgspec.json.encode(told).decode() if json else line)


@keys.command()
def rotate(log: LogUrl, id_: Id, overlap: Overlap = 24, *, json: AsJson = False) -> None:
    """Another secret for it; print it. The old one is good for a while."""
    with _keys(log) as (opened, by):
        key, text = opened.rotate(id_, by, timedelta(hours=overlap))
    _show(key, text, json=json)


@keys.command()
def revoke(log: LogUrl, id_: Id) -> None:
    """From now on it opens nothing."""
    with _keys(log) as (opened, by):
        opened.remove(id_, by)
    say(f"{id_} opens nothing any more.")


@contextmanager
def _keys(url: str) -> Iterator[tuple[Keys, By]]:
    with Log.open(url) as log, closing(open_work(url)) as work:
        yield Keys(log, work), by_account()


def _told(key: Key) -> dict[str, object]:
    used = key.used_at and (EPOCH + timedelta(microseconds=key.used_at)).strftime("%Y-%m-%dT%H:%MZ")
    return {
        "id": key.id, "name": key.name, "scopes": key.scopes.split(","), "organization": key.organization,
        "used_at": used,
    }  # fmt: skip


def _show(key: Key, text: str, *, json: bool) -> None:
    show(msgspec.json.encode(_told(key) | {"key": text}).decode() if json else text)
    say(f"{key.id} may {key.scopes.replace(',', ', ')}. Keep it: it is shown here and never again.")
