"""The commands about a log. LOG is sqlite:///path/file.db"""

from datetime import UTC, datetime

import msgspec

from indelible import __version__
from indelible.cli.app import app
from indelible.cli.inputs import moment_of, query_of, write_proof, write_whole, wrote
from indelible.cli.options import (
    Anchor,
    AsJson,
    AsStateJson,
    At,
    CheckpointFile,
    Columns,
    EntityId,
    EntityType,
    Folder,
    FormatName,
    Key,
    Limit,
    LogUrl,
    Manifest,
    Organization,
    Origin,
    Output,
    Proof,
    QueryText,
    Raw,
    RevokeAfter,
    Sequence,
    Since,
    Target,
    Until,
    Version,
    WitnessKey,
    WitnessUrl,
    listed,
)  # fmt: skip
from indelible.cli.output import one_line, progress, say, show, show_bytes
from indelible.cli.verifying import read_note, verified
from indelible.errors import NotFoundError, UsageError
from indelible.export import format_of, write
from indelible.export.manifest import Counting
from indelible.log import Log
from indelible.publish.folder import publish as mirror
from indelible.publish.witness import Place, cosign
from indelible.search.history import history as history_of
from indelible.search.history import known
from indelible.search.meant import meant
from indelible.search.organizations import need_organization
from indelible.search.page import MAX_PAGE, batches, find
from indelible.verify import Report


@app.command()
def init(log: LogUrl, origin: Origin = None) -> None:
    """Create a log and its signing key beside it; print the verifier key."""
    with Log.create(log, origin) as made:
        say(f"Created {made.store}. Its signing key is {made.store.key_path}: keep a copy elsewhere.")
        say("This is the verifier key. Give it to whoever is to verify the log:")
        show(str(made.verifier))


@app.command()
def search(
    log: LogUrl,
    query: QueryText = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    *,
    json: AsJson = False,
) -> None:
    """Find entries, newest first."""
    with Log.open(log, sign=False) as opened:
        wanted, before = query_of(query, since, until), None
        while True:
            page = find(opened, wanted, before=before, limit=min(limit, MAX_PAGE))
            for entry, line in zip(page.entries, page.lines, strict=True):
                show_bytes(line + b"\n") if json else show(one_line(entry))
            limit, before = limit - len(page.entries), page.older
            if before is None or limit <= 0:
                break
        if page.count == 0:
            near = meant(opened, query, None, datetime.now(UTC))
            say("No entries found." + (f" Did you mean: {near}" if near else ""))


@app.command()
def history(log: LogUrl, entity_type: EntityType, key: EntityId, at: At = None, *, json: AsStateJson = False) -> None:
    """Every change of one entity, oldest first; or its state at a time. Exit 4: the log knows nothing of it."""
    moment = moment_of("--at", at)
    with Log.open(log, sign=False) as opened:
        entries = list(history_of(opened, entity_type, key))
        if not entries:
            raise NotFoundError(f"The log has no entry of {entity_type} {key}. Ids are exact.")
        if moment is None:
            for entry in entries:
                show_bytes(opened.line(entry.seq) + b"\n") if json else show(one_line(entry))
            return
        found = known(entries, moment)
        if json:
            told = {"there": found.there, "name": found.name, "fields": found.fields}
            show(msgspec.json.encode(told | {"seq": found.last.seq if found.last else None}).decode())
            return
        if found.last:
            say(f"{'There' if found.there else 'Not there'}, by entry {found.last.seq}.")
        else:
            say(f"Not there yet: the first entry of it, {entries[0].seq}, is later.")
        for name, value in found.fields.items():
            show(f"{name}: {msgspec.json.encode(value).decode()}")


@app.command()
def export(
    log: LogUrl,
    query: QueryText = "",
    since: Since = None,
    until: Until = None,
    format_name: FormatName = "jsonl",
    output: Output = None,
    *,
    org: Organization = None,
    columns: Columns = None,
    raw: Raw = False,
    manifest: Manifest = None,
    proof: Proof = False,
) -> None:
    """Write every entry found, in the log's order."""
    if proof and format_name != "jsonl":
        raise UsageError("--proof is of the lines themselves: leave --format out.")
    if raw and format_name != "csv":
        raise UsageError("--raw is for --format csv; the other formats are as they are.")
    form = format_of("csv-raw" if raw else format_name, listed(columns))
    wanted, said = query_of(query, since, until), wrote(output)
    with Log.open(log, sign=proof and org is not None) as opened:
        if proof:
            size = write_proof(opened, output, org, wanted)
            say(f"{said}: {size} entries. To verify it: indelible verify {output} --key KEY")
            return
        if org is not None:
            need_organization(opened, org)
        counting, end, checkpoint = Counting(hashes=manifest is not None), opened.head().size, opened.checkpoint()
        found = counting.batches(some for _, some in batches(opened, wanted, organization=org, end=end))
        chunks = counting.chunks(write(found, form, opened.origin))
        if output is None:
            for chunk in chunks:
                show_bytes(chunk)
        else:
            write_whole(output, chunks)
            say(f"{said}: {counting.entries} entries.")
        if counting.entries == 0:
            say("No entries found.")
        if manifest is not None:
            asked = {
                "format": format_name,
                "query": query,
                "since": since,
                "until": until,
                "organization": org,
                "columns": ",".join(listed(columns)),
            }
            said = wrote(manifest)
            write_whole(manifest, iter([counting.manifest(opened.origin, checkpoint, end, asked)]))
            say(f"{said}.")


@app.command()
def index(log: LogUrl) -> None:
    """Make the search index of what is in the log, as the server does by itself; print how far it reaches."""
    with Log.open(log, sign=False) as opened:
        size = opened.head().size
        with progress("Indexing", size) as advance:
            while opened.blocks.advance():
                advance(opened.blocks.reach(size))
        reach = opened.blocks.reach(size)
    show(str(reach))
    if reach < size:
        say(f"Of the newest {size - reach} entries there is no block yet. They are found by reading.")


@app.command()
def verifier(log: LogUrl) -> None:
    """Print the log's verifier key, as it is now. Give it to whoever is to verify, by a way that they trust."""
    with Log.open(log, sign=False) as opened:
        show(str(opened.verifier))


@app.command()
def verify(
    target: Target,
    key: Key = None,
    checkpoint: CheckpointFile = None,
) -> None:
    """Check that the log is what was signed; exit 3 and name the first bad entry if it is not."""
    report = verified(target, key, read_note(checkpoint) if checkpoint else None)
    if report is None:
        return
    show(f"ok {report.size} {report.root.hex()}")
    say(f"{report.origin}: {_held(report)}.")


def _held(report: Report) -> str:
    if report.size == 0:
        return "0 entries. There was nothing to verify"
    tail = max(0, report.size - report.signed)
    signed = "all signed" if tail == 0 else f"{tail} of them not yet signed"
    return f"{report.size} entries, all as they were sealed, {signed}"


@app.command()
def checkpoint(log: LogUrl, *, org: Organization = None) -> None:
    """Print the newest signed checkpoint. Keep it somewhere else: it proves what the log was."""
    with Log.open(log, sign=org is not None) as opened:
        if org is not None:
            need_organization(opened, org)
        note = opened.checkpoint() if org is None else opened.organization_checkpoint(org)[1]
        if note is None:
            raise NotFoundError("Nothing is signed yet. The first entry makes a checkpoint: indelible seal APP LOG")
        show_bytes(note.encode())


@app.command()
def rotate(log: LogUrl, *, revoke_after: RevokeAfter = None) -> None:
    """Make a new signing key; the old one and the new one sign the change. Print the new verifier key."""
    with Log.open(log) as opened:
        change = opened.change_key(revoke_after)
        say(f"From {change.size} entries on the log is signed with a new key. Whoever has the old one is led to it.")
        say(f"It is in {opened.store.key_path}: keep a copy elsewhere. This is its verifier key:")
        show(str(change.new))


@app.command()
def publish(log: LogUrl, folder: Folder, *, anchor: Anchor = False) -> None:
    """Write what is new into a folder of tiles, for a web server, a git repository or another machine."""
    with Log.open(log, sign=False) as opened:
        show(str(mirror(opened, folder, entries=not anchor)))
        say(f"{folder} has the log as it was signed. To verify it: indelible verify {folder} --key KEY")


@app.command()
def witness(log: LogUrl, url: WitnessUrl, key: WitnessKey) -> None:
    """Have a witness cosign the newest checkpoint, and keep that."""
    with Log.open(log, sign=False) as opened:
        place = Place.parse(f"{url} {key}")
        if cosign(opened, place) is None:
            raise NotFoundError("Nothing is signed yet. The first entry makes a checkpoint: indelible seal APP LOG")
        show_bytes((opened.checkpoint() or "").encode())


@app.command()
def proof(log: LogUrl, seq: Sequence) -> None:
    """Print what proves one entry to whoever has the verifier key, and nothing else of the log."""
    with Log.open(log, sign=False) as opened:
        show_bytes(str(opened.proof(seq)).encode())


@app.callback(invoke_without_command=True)
def _root(*, version: Version = False) -> None:
    if version:
        show(__version__)
