"""Who may use the API: keys are made, rotated, removed, each of that an entry; and a request's key is found.

    ik_0f3c5b1a2e447b7a_6cVJmG0bq0d0V8o…      the key's id, and its secret of 32 random bytes

A secret that nobody can guess needs no slow hash: SHA-256 tells nothing of it (RFC 9106 is for what people choose).
"""

import hashlib
import hmac
import logging
import re
import secrets as chance
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import msgspec

from indelible.errors import LogError, NotFoundError, UsageError
from indelible.event import Actor, Entity, micros
from indelible.log import Log
from indelible.work.announcements import By, announce, happening, settle
from indelible.work.promise import Row, Statements, Work

logger = logging.getLogger(__name__)

Scope = Literal["append", "read", "export", "manage"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
OVERLAP = timedelta(hours=24)  # during which the secret before is good, too
MOST_BEFORE = 5  # secrets before that are good at a time
MAX_NAME = 80
REMEMBERED = 1.0  # seconds that another process's removal of a key takes to be noticed here
USED = 60.0  # seconds between two notes that it was used
_FORM = re.compile(r"(ik_[0-9a-f]{16})_([A-Za-z0-9_-]{43})")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `api_key`. Moments are microseconds since 1970."""

    id: str
    name: str
    scopes: str
    organization: str | None
    mark: str
    marks_before: str
    created_at: int
    used_at: int | None

    @property
    def actor(self) -> Actor:
        """Who acts, in entries of what it does."""
        return Actor(type="api_key", id=self.id, name=self.name)

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes.split(",")

    def opened_by(self, secret: str, now: int) -> bool:
        """What is compared are hashes: how long it takes tells nothing of a secret."""
        mark = _mark(secret)
        return any(hmac.compare_digest(mark, good) for good in (self.mark, *self.before(now)))

    def before(self, now: int) -> dict[str, int]:
        """Marks of secrets that were rotated away and are good yet, each with the moment until which it is."""
        marks = dict(each.split("@") for each in self.marks_before.split())
        return {mark: int(until) for mark, until in marks.items() if int(until) > now}


class Keys:
    """Of one log."""

    def __init__(self, log: Log, work: Work) -> None:
        self._log = log
        self._work = work
        self._known: dict[str, tuple[float, Key | None]] = {}

    def add(self, by: By, *, name: str, scopes: Iterable[str], organization: str | None = None) -> tuple[Key, str]:
        """The key, and how it is written: told here and never again. Raises UsageError, LogError."""
        name, given = check_name(name), set(scopes)
        wanted = [scope for scope in SCOPES if scope in given]
        if not wanted or given - set(SCOPES):
            raise UsageError(f"A key has scopes, some of {', '.join(SCOPES)}; given were: {', '.join(sorted(given))}.")
        secret = chance.token_urlsafe(32)
        key = Key(
            id=f"ik_{chance.token_hex(8)}", name=name, scopes=",".join(wanted),
            organization=organization if by.organization is None else by.organization, mark=_mark(secret),
            marks_before="", created_at=micros(datetime.now(UTC)), used_at=None,
        )  # fmt: skip
        with self._work.transaction() as statements:
            statements.run("add_key", **msgspec.structs.asdict(key))
            _announce(statements, "API_KEY_ADDED", "create", key, by)
        self._changed(key.id)
        return key, f"{key.id}_{secret}"

    def all(self, organization: str | None = None) -> list[Key]:
        """In the order in which they were made; of one organization only its own."""
        with self._work.transaction() as statements:
            found = [_key_of(row) for row in statements.run("keys")]
        return [each for each in found if organization in (None, each.organization)]

    def get(self, id_: str, by: By) -> Key:
        """Raises NotFoundError: another organization's is not there."""
        with self._work.transaction() as statements:
            return _get(statements, id_, by.organization)

    def rotate(self, id_: str, by: By, overlap: timedelta = OVERLAP) -> tuple[Key, str]:
        """Another secret, told here and never again; the one before is good for as long as `overlap`.

        So are those before that, each for its own time: an answer that was lost takes nobody's secret. With no overlap
        all of them end. Raises NotFoundError, UsageError.
        """
        if not timedelta() <= overlap <= timedelta(days=30):
            raise UsageError(f"{overlap} is no overlap of secrets: up to 30 days, please.")
        secret, now = chance.token_urlsafe(32), datetime.now(UTC)
        with self._work.transaction() as statements:
            key = _get(statements, id_, by.organization)
            good = key.before(micros(now)) | {key.mark: micros(now + overlap)} if overlap else {}
            kept = " ".join(f"{mark}@{until}" for mark, until in list(good.items())[-MOST_BEFORE:])
            statements.run("rotate_key", id=id_, mark=_mark(secret), marks_before=kept)
            _announce(statements, "API_KEY_ROTATED", "update", key, by)
        self._changed(id_)
        return key, f"{id_}_{secret}"

    def remove(self, id_: str, by: By) -> None:
        """From now on it opens nothing. Raises NotFoundError."""
        with self._work.transaction() as statements:
            key = _get(statements, id_, by.organization)
            statements.run("remove_key", id=id_)
            _announce(statements, "API_KEY_REMOVED", "delete", key, by)
        self._changed(id_)

    def find(self, text: str) -> Key | None:
        """The key that is written so; None for what is none, or not any more. Raises LogError."""
        form, now = _FORM.fullmatch(text), micros(datetime.now(UTC))
        key = self._look(form[1]) if form else None
        if form is None or key is None or not key.opened_by(form[2], now):
            return None
        if key.used_at is None or now - key.used_at > USED * 1e6:
            return self._note(key, now)
        return key

    def _look(self, id_: str) -> Key | None:
        """What was looked up a moment ago is not looked up again."""
        at, key = self._known.get(id_, (0.0, None))
        if time.monotonic() - at > REMEMBERED:
            with self._work.transaction() as statements:
                key = next(map(_key_of, statements.run("key", id=id_)), None)
            self._keep(id_, key)
        return key

    def _note(self, key: Key, now: int) -> Key:
        """That it was used."""
        used = msgspec.structs.replace(key, used_at=now)
        with self._work.transaction() as statements:
            statements.run("use_key", id=key.id, now=now)
        self._keep(key.id, used)
        return used

    def _keep(self, id_: str, key: Key | None) -> None:
        """Only what exists is kept: whoever tries ids fills no memory."""
        if key is None:
            self._known.pop(id_, None)
        else:
            self._known[id_] = time.monotonic(), key

    def _changed(self, id_: str) -> None:
        """It is done, and its entry is written down: where that cannot be sealed now, who settles next does it."""
        self._known.pop(id_, None)
        try:
            settle(self._work, self._log)
        except LogError as error:  # the secret is told all the same: nobody could be given it again
            logger.error("What was done to %s is sealed later: %s", id_, error)  # noqa: TRY400 - one sentence


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def check_name(name: str) -> str:
    """Raises UsageError."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise UsageError(f"A key needs a name, of up to {MAX_NAME} characters, all of them printable.")
    return name


def _key_of(row: Row) -> Key:
    return Key(**dict(zip(Key.__struct_fields__, row, strict=True)))


def _get(statements: Statements, id_: str, organization: str | None) -> Key:
    rows = statements.run("key", id=id_)
    if rows and (key := _key_of(rows[0])) and organization in (None, key.organization):
        return key
    raise NotFoundError(f"There is no API key {id_[:40]!r}.")


def _announce(statements: Statements, action: str, operation: str, key: Key, by: By) -> None:
    side = {"create": "new", "delete": "old"}.get(operation)
    changes = {"scopes": {side: key.scopes}} if side else {}
    event = happening(
        action, operation, Entity("ApiKey", key.id, key.name), by.actor, organization=key.organization,
        changes=changes, context=by.context,
    )  # fmt: skip
    announce(statements, event)
