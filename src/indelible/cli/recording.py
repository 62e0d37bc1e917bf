"""`indelible record` and `indelible import`: events that no database captured."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from indelible.cli.app import app
from indelible.cli.inputs import SOURCE, account
from indelible.cli.options import LogUrl, Organization
from indelible.cli.output import progress, say, show, show_bytes
from indelible.errors import EventError, UsageError
from indelible.event import Event
from indelible.log import Log
from indelible.sent import Again, Filling, Sent, plainly, reserved, same, unread

BATCH = 1000  # events of a transaction
SHORT = 200  # characters of a line in a message

Action = Annotated[str, typer.Argument(metavar="ACTION", help="ENTITY_PASTVERB, as LICENSE_ASSIGNED")]
EntityName = Annotated[str, typer.Option("--entity", metavar="TYPE:ID", help="What was acted on: License:lic_9")]
ActorName = Annotated[str | None, typer.Option("--actor", metavar="ID|EMAIL", help="Who did it; else, this account")]
Changes = Annotated[str | None, typer.Option(metavar="JSON", help='{"plan": {"old": "free", "new": "pro"}}')]
Reason = Annotated[str | None, typer.Option(help="Why")]
Operation = Annotated[str | None, typer.Option(help="create, update, delete, ...; else from the action")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the entry")]
File = Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="An event a line: docs/api.md#recording")]
Name = Annotated[str | None, typer.Option("--name", help="Of what is imported, in each entry; else the file's name")]


@app.command()
def record(
    log: LogUrl,
    action: Action,
    entity: EntityName,
    actor: ActorName = None,
    changes: Changes = None,
    reason: Reason = None,
    operation: Operation = None,
    org: Organization = None,
    *,
    json: AsJson = False,
) -> None:
    """Record one event; print its number. It is sealed and signed then."""
    type_, colon, id_ = entity.partition(":")
    if not colon:
        raise UsageError(f"--entity {entity[:80]!r} is not TYPE:ID. Give License:lic_9")
    told: dict[str, Any] = {
        "action": action, "entity": {"type": type_, "id": id_}, "reason": reason, "operation": operation,
        "changes": _json(changes) if changes else {}, "organization": {"id": org} if org else None,
    }  # fmt: skip
    if actor:
        told["actor"] = {"email" if "@" in actor else "id": actor}
    try:
        sent = msgspec.convert(told, Sent)
    except msgspec.ValidationError as error:
        raise UsageError(f"This is no event: {plainly(error)}.") from error
    event = Filling(account(), {"imported": SOURCE}, source=SOURCE).event(sent, "")
    with Log.open(log) as opened:
        (seq,) = opened.append([event])
        show_bytes(opened.line(seq) + b"\n") if json else show(str(seq))


@app.command("import")
def import_(log: LogUrl, file: File, name: Name = None) -> None:
    """Append the events of a file; print how many are new. Repeatable: what is there already is passed over.

    All of it is read first: a line that is no event is named, and then nothing is appended.
    """
    filling = Filling(account(), {"imported": (name or file.name)[:SHORT]}, source="import", again=Again("import"))
    with progress("Reading", 0) as moved:
        total = 0
        for _ in _events(file, filling):
            total += 1
            moved(total)
    new = 0
    with Log.open(log) as opened, progress("Importing", total) as moved:
        events, done = _events(file, filling), 0
        while some := list(islice(events, BATCH)):
            new += sum(place.new for place in opened.append_once(some, same))
            done += len(some)
            moved(done)
    show(str(new))
    say(f"{new} of {total} events are new.")


def _events(file: Path, filling: Filling) -> Iterator[Event]:
    """The same line has the same id each time; of several that are alike each its own. Raises UsageError."""
    seen: Counter[bytes] = Counter()
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if bare := line.strip():
                    digest = hashlib.sha256(bare).digest()
                    seen[digest] += 1
                    yield _event(bare, number, filling, f"{digest.hex()} {seen[digest]}")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error


def _event(line: bytes, number: int, filling: Filling, place: str) -> Event:
    try:
        sent = _decode(line)
        event = filling.event(sent, place)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, EventError) as error:
        raise UsageError(f"Line {number} is no event: {unread(error, line)}. Nothing was imported.") from error
    for word in reserved(sent):
        raise UsageError(f"Line {number} is no event: {word!r} is what capture says of metadata. Nothing was imported.")
    return event


_decode = msgspec.json.Decoder(Sent).decode


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise UsageError(f"--changes is no JSON: {error}.") from error
