"""Who asked for which export, what became of it, and the file it is in."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from indelible.errors import NotFoundError, UsageError
from indelible.event import EPOCH, Entity, micros
from indelible.export import Format, format_of
from indelible.log import Log
from indelible.search.query import Query, asked
from indelible.viewer import owner_of
from indelible.work.announcements import By, announce, happening, settle
from indelible.work.ids import form_id
from indelible.work.promise import Statements, Work

MOST = 20  # that one person has at a time
KEPT = timedelta(days=7)
FOLDER = "INDELIBLE_EXPORTS"  # where the files are; several servers of one log share it
HOLD = "exports"  # who has it makes them
OPEN = ("waiting", "running")


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `export`. Moments are microseconds since 1970."""

    id: str
    owner: str
    organization: str | None
    format: str
    columns: str
    query: str
    since: str
    until: str
    asked_at: int
    size: int
    state: str
    reached: int = 0
    entries: int = 0
    bytes: int = 0
    ended_at: int | None = None
    until_at: int | None = None
    told: str | None = None

    @property
    def search(self) -> Query:
        """As it was meant when it was asked for."""
        moment = EPOCH + timedelta(microseconds=self.asked_at)
        return asked(self.query, self.since, self.until, moment, kept=True)

    @property
    def form(self) -> Format:
        return format_of(self.format, self.columns.split(",") if self.columns else ())

    @property
    def percent(self) -> int:
        """Of the log that was looked through."""
        return 100 * self.reached // self.size if self.size else 100

    @property
    def filename(self) -> str:
        moment = EPOCH + timedelta(microseconds=self.asked_at)
        return f"audit-log-{moment:%Y%m%dT%H%M%SZ}.{self.form.suffix}"


class Exports:
    """Of one log. Each is there for who asked for it, and for who manages."""

    def __init__(self, log: Log, work: Work) -> None:
        self._log = log
        self._work = work
        self._folder = folder_of(log)

    def add(  # noqa: PLR0913 - an export is just these
        self, by: By, *, form: str, columns: Sequence[str] = (), query: str = "", since: str = "", until: str = "",
        once: str = "",
    ) -> Export:  # fmt: skip
        """Of what is in the log now. `once`: see `form_id`; asked again, it is the one there.

        Raises UsageError, QueryError, LogError.
        """
        now, owner = datetime.now(UTC), owner_of(by.actor)
        if owner is None:
            raise UsageError("Who has neither an id nor an e-mail could not be given the file. Download it at once.")
        format_of(form, columns)
        asked(query, since, until, now)
        id_ = form_id("ex", once, owner, by.organization, form, ",".join(columns), query, since, until)
        own = {each.id: each for each in self.all() if each.owner == owner}
        if id_ in own:
            return own[id_]
        if len(own) >= MOST:
            raise UsageError(f"You have {MOST} exports. Remove one that is not needed any more.")
        export = Export(
            id=id_, owner=owner, organization=by.organization, format=form,
            columns=",".join(columns), query=query, since=since, until=until, asked_at=micros(now),
            size=self._log.head().size, state="waiting",
        )  # fmt: skip
        with self._work.transaction() as statements:
            row = msgspec.structs.asdict(export)
            if not statements.run("add_export", **{name: row[name] for name in _ASKED}):
                return export  # at the same moment: as it stands there
            _announce(statements, "AUDIT_EXPORTED", "export", export, by)
        settle(self._work, self._log)
        return export

    def seen(self, by: By, *, manages: bool = False) -> list[Export]:
        """Newest first."""
        return [each for each in self.all() if _may(each, by, manages=manages)]

    def get(self, id_: str, by: By, *, manages: bool = False) -> Export:
        """Raises NotFoundError: another's is not there."""
        for each in self.seen(by, manages=manages):
            if each.id == id_:
                return each
        raise NotFoundError(f"There is no export {id_[:40]!r} of yours.")

    def remove(self, id_: str, by: By, *, manages: bool = False) -> None:
        """Cancel what is not done yet, and give up what is. Raises NotFoundError."""
        export = self.get(id_, by, manages=manages)
        with self._work.transaction() as statements:
            statements.run("remove_export", id=id_)
            _announce(statements, "AUDIT_EXPORT_REMOVED", "delete", export, by)
        self.discard(export)
        settle(self._work, self._log)

    def resume(self, id_: str, by: By, *, manages: bool = False) -> None:
        """Go on with what failed, from where it was. Raises NotFoundError."""
        self.get(id_, by, manages=manages)
        with self._work.transaction() as statements:
            statements.run("resume_export", id=id_)

    def take(self, id_: str, by: By, *, manages: bool = False) -> tuple[Export, Path]:
        """The file; that it was taken is on record first. Raises NotFoundError, LogError."""
        export = self.get(id_, by, manages=manages)
        path = self.path(export)
        if export.state != "done" or (export.until_at or 0) <= micros(datetime.now(UTC)):
            raise NotFoundError(f"The export {id_} is not there, or not any more. Ask for it again.")
        if not path.exists():
            raise NotFoundError(
                f"The file of {id_} is not here. If it was removed, ask for the export again; where several servers "
                f"share the log, let {FOLDER} name a folder that all of them share."
            )
        with self._work.transaction() as statements:
            _announce(statements, "AUDIT_EXPORT_DOWNLOADED", "export", export, by)
        settle(self._work, self._log)
        return export, path

    def path(self, export: Export) -> Path:
        return self._folder / f"{export.id}.{export.form.suffix}"

    def discard(self, export: Export) -> None:
        """Its file. Where that cannot be removed now, `forget` tries again."""
        with suppress(OSError):
            self.path(export).unlink(missing_ok=True)

    def waiting(self) -> bool:
        """Whether one is to be made, or to be gone on with."""
        return any(each.state in OPEN for each in self.all())

    def forget(self, now: datetime) -> None:
        """What ended a week ago, with its file; and files that nobody asked for any more."""
        gone = [each for each in self.all() if each.until_at is not None and each.until_at <= micros(now)]
        with self._work.transaction() as statements:
            for each in gone:
                statements.run("remove_export", id=each.id)
        found = list(self._folder.glob("ex_*"))  # first: what is begun now is known then
        known = {self.path(each) for each in self.all()}
        for path in found:
            if path not in known:
                path.unlink(missing_ok=True)

    def all(self) -> list[Export]:
        """Everybody's, newest first."""
        with self._work.transaction() as statements:
            return [export_of(row) for row in statements.run("exports")]


_ASKED = (
    "id", "owner", "organization", "format", "columns", "query", "since", "until", "asked_at", "size", "state",
    "reached", "entries", "bytes",
)  # fmt: skip


def export_of(row: Sequence[Any]) -> Export:
    return Export(**dict(zip(Export.__struct_fields__, row, strict=True)))


def folder_of(log: Log) -> Path:
    """Beside the log's key, which is not in a database either; or where the environment says."""
    chosen = os.environ.get(FOLDER)
    if not chosen:
        return log.store.key_path.with_suffix(".exports")
    return Path(chosen) / hashlib.sha256(log.origin.encode()).hexdigest()[:16]  # several logs may be told the same


def _may(export: Export, by: By, *, manages: bool) -> bool:
    """Who manages one organization sees all of its exports, and none of another's."""
    own = export.owner == owner_of(by.actor) and export.organization == by.organization
    return own or (manages and by.organization in (None, export.organization))


def _announce(statements: Statements, action: str, operation: str, export: Export, by: By) -> None:
    names = ("format", "columns", "query", "since", "until")
    told = {name: value for name in names if (value := getattr(export, name))}
    told |= {"up_to_entry": export.size - 1} if export.size else {}
    event = happening(
        action, operation, Entity("Export", export.id, export.filename), by.actor, organization=export.organization,
        metadata=told, context=by.context,
    )  # fmt: skip
    announce(statements, event)
