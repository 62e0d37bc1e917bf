"""What programs find, and how they verify it."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from msgspec import Raw
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from indelible.api.operation import FILE, Answer, Call, Operation, Parameter, reply
from indelible.api.problems import Fault, ProblemError
from indelible.api.wire import Found, Told
from indelible.errors import NotFoundError, SlowSearchError, UsageError
from indelible.event import Entry
from indelible.export import FORMATS, format_of, write
from indelible.log import Log
from indelible.merkle.b64 import encode
from indelible.merkle.proof import consistency
from indelible.merkle.tile import subtree
from indelible.merkle.tree import leaf_hash
from indelible.search.history import Known, after, history
from indelible.search.moment import WRITTEN, parse_moment
from indelible.search.page import MAX_PAGE, batches, find
from indelible.search.query import Query, asked
from indelible.search.wall import own, own_line
from indelible.urls import entity_named
from indelible.work.announcements import note

SECONDS = 10.0  # that a search may take
LISTED = 1000  # entries of a history
TEXT = ("text/plain",)
SEARCH = (
    Parameter("q", "A query, as in the search bar: action:LICENSE_* -user:system", check=lambda text: _asked(q=text)),
    Parameter("since", WRITTEN, longest=64, check=lambda text: _asked(since=text)),
    Parameter("until", "Likewise; a day is meant to its end", longest=64, check=lambda text: _asked(until=text)),
)
CURSOR = Parameter("cursor", "`next` or `previous` of another page", longest=64, check=lambda text: _place(text))  # noqa: PLW0108 - it is below
SEQ = Parameter("seq", "An entry's number", "integer", "path", most=2**53)


class Reading:
    """Each key sees its organization's entries; of another's nothing is there."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def operations(self) -> Sequence[Operation]:
        entry, note = Answer("The line of the log", Entry), Answer("A signed note (C2SP checkpoint)", None, TEXT)
        return [
            Operation(
                "GET", "/events", "searchEvents", "Entries that match, newest first", "read", self.search,
                (*SEARCH, Parameter("limit", "Entries of a page", "integer", least=1, most=MAX_PAGE),
                 CURSOR),
                answers={200: Answer("A page", Found)},
            ),
            Operation("GET", "/events/{seq}", "getEvent", "One entry", "read", self.entry, (SEQ,),
                      answers={200: entry, 304: Answer("It is what `If-None-Match` names", None, ())}),
            Operation(
                "GET", "/events/{seq}/proof", "getProof", "What proves one entry to whoever has the verifier key",
                "read",
                self.proof, (SEQ,), answers={200: Answer("A c2sp.org/tlog-proof, the entry in it", None, TEXT)},
            ),
            Operation(
                "GET", "/entities/{type}/{id}", "getEntity", "What a thing is, or was, and what happened to it", "read",
                self.entity,
                (Parameter("type", "As License", where="path"), Parameter("id", "The entity's id", where="path"),
                 Parameter("at", f"{WRITTEN}; without it, now", longest=64, check=lambda text: _asked(until=text)),
                 Parameter("after", "Entries behind this one", "integer")),
                answers={200: Answer("What the log knows", Told)},
            ),
            Operation(
                "GET", "/checkpoint", "getCheckpoint", "The newest checkpoint: of the log, or of the key's one",
                "read", self.checkpoint, answers={200: note},
            ),
            Operation(
                "GET", "/consistency", "getConsistency",
                "That the tree of `to` entries extends that of `from` (RFC 9162)",
                "read", self.consistency,
                (Parameter("from", "Size of the older tree", "integer", least=1),
                 Parameter("to", "Size of the newer one", "integer", least=1)),
                answers={200: Answer("A hash a line, in base64", None, TEXT)},
            ),
            Operation(
                "GET", "/export", "exportEvents", "Every entry found, oldest first, as a file; itself an entry",
                "export",
                self.export, (Parameter("format", "Of the file", choices=tuple(FORMATS)), *SEARCH,
                 Parameter("columns", "Of CSV: names with commas")),
                answers={200: FILE},
            ),
        ]  # fmt: skip

    def search(self, call: Call) -> Response:
        query, _ = _query(call)
        before, after = _place(call.values.get("cursor"))
        page = find(
            self._log.replica, query, organization=call.organization, before=before, after=after,
            limit=call.values.get("limit", 50), seconds=SECONDS,
        )  # fmt: skip
        older = None if page.older is None else _cursor("b", page.older)
        newer = None if page.newer is None else _cursor("a", page.newer)
        found = Found([Raw(line) for line in page.lines], page.count, not page.capped, older, newer)
        return reply(found, headers=_links(call, next=older, prev=newer))

    def entry(self, call: Call) -> Response:
        """An entry never changes: its tag is its leaf in the tree."""
        line = self._line(call)
        tag = f'"{leaf_hash(line).hex()}"'
        kept = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if tag in [
            each.strip().removeprefix("W/") for each in call.request.headers.get("if-none-match", "").split(",")
        ]:
            return Response(status_code=304, headers=kept)
        return Response(line, media_type="application/json", headers=kept)

    def proof(self, call: Call) -> Response:
        self._line(call)
        return _text(str(self._log.proof(call.values["seq"])))

    def entity(self, call: Call) -> Response:
        """Its state is that of all entries up to the moment; listed are up to 1,000 of them."""
        moment = parse_moment(call.values.get("at", ""), datetime.now(UTC), end=True)
        type_, id_ = entity_named(call.request.scope)
        behind, later, end = call.values.get("after", -1), list[int](), time.monotonic() + SECONDS
        found, count = Known(), 0
        for entry in history(self._log.replica, type_, id_, organization=call.organization):
            count += 1
            if moment is None or datetime.fromisoformat(entry.occurred_at) < moment:
                found = after(found, entry)
            if entry.seq > behind and len(later) <= LISTED:
                later.append(entry.seq)
            if time.monotonic() > end:
                raise SlowSearchError(SECONDS)
        if not count:
            raise NotFoundError(f"The log has no entry of {type_} {id_}. Ids are exact.")
        listed = [Raw(line) for line in own(self._log.replica, later[:LISTED], call.organization)]
        return reply(Told(type_, id_, found.name, found.there, found.fields, listed, len(later) > LISTED))

    def checkpoint(self, call: Call) -> Response:
        """An organization's counts its own entries alone."""
        if call.organization is not None:
            return _text(self._log.organization_checkpoint(call.organization)[1])
        note = self._log.checkpoint()
        if note is None:
            raise NotFoundError("Nothing is signed yet. The first entry makes a checkpoint.")
        return _text(note)

    def consistency(self, call: Call) -> Response:
        """Not for one organization: the hashes are of others' entries, too."""
        old, size = call.values.get("from", 0), call.values.get("to", 0)
        if call.organization is not None or not 0 < old <= size <= self._log.signed_size():
            raise NotFoundError(f"There are no signed trees of {old} and {size} entries, the first within the second.")
        hashes = (subtree(run, self._log.store.nodes) for run in consistency(old, size))
        return _text("".join(f"{encode(hash_)}\n" for hash_ in hashes))

    def export(self, call: Call) -> Response:
        """That somebody took entries away is on record before the first byte leaves."""
        query, told = _query(call)
        columns = [name for name in call.values.get("columns", "").split(",") if name]
        try:
            form = format_of(call.values.get("format", "jsonl"), columns)
        except UsageError as error:
            raise _impossible(error, "columns") from error
        end = self._log.replica.head().size
        told |= {"format": call.values.get("format", "jsonl"), "columns": ",".join(columns)}
        note(self._log, call.by, "AUDIT_EXPORTED", "export", told | {"up_to_entry": end - 1 if end else None})
        taken = batches(self._log.replica, query, organization=call.organization, end=end)
        found = (lines for _, lines in taken)
        kept = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="audit-log.{form.suffix}"'}
        return StreamingResponse(write(found, form, self._log.origin), media_type=form.media_type, headers=kept)

    def _line(self, call: Call) -> bytes:
        """Another organization's is not there. Raises NotFoundError."""
        return own_line(self._log, call.values["seq"], call.organization)


def _query(call: Call) -> tuple[Query, dict[str, str]]:
    """And the words of it, for an entry. Raises ProblemError where the range ends before it begins."""
    q, since, until = (call.values.get(name, "") for name in ("q", "since", "until"))
    try:
        return _asked(q, since, until), {"query": q, "since": since, "until": until}
    except UsageError as error:
        raise _impossible(error, "until" if until else "since") from error


def _impossible(error: UsageError, parameter: str) -> ProblemError:
    """What parameters say together; each by itself can be read."""
    return ProblemError(422, "This cannot be done", str(error), [Fault(str(error), parameter=parameter)])


def _asked(q: str = "", since: str = "", until: str = "") -> Query:
    return asked(q, since, until, datetime.now(UTC))


def _cursor(kind: str, seq: int) -> str:
    return urlsafe_b64encode(f"{kind}{seq}".encode()).decode().rstrip("=")


def _place(cursor: str | None) -> tuple[int | None, int | None]:
    """(before, after). Raises UsageError."""
    if cursor is None:
        return None, None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        kind, seq = text[:1], int(text[1:]) if text[1:].isdigit() and len(text) < 18 else -1  # noqa: PLR2004 - digits of 2**53
    except ValueError:
        kind, seq = "", -1
    if kind not in ("a", "b") or seq < 0:
        raise UsageError("This is no cursor. Take `next` or `previous` of a page.")
    return (seq, None) if kind == "b" else (None, seq)


def _links(call: Call, **cursors: str | None) -> dict[str, str]:
    """RFC 8288."""
    links = []
    for relation, cursor in cursors.items():
        if cursor is not None:
            given = {name: value for name, value in call.values.items() if name != "cursor"} | {"cursor": cursor}
            links.append(f'<{call.base}/events?{urlencode(given)}>; rel="{relation}"')
    return {"Link": ", ".join(links)} if links else {}


def _text(text: str) -> Response:
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})
