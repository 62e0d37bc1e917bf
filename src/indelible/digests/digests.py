"""Who gets digests: added and removed, each of that an entry; and the round in which they are made."""

import hmac
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from indelible.errors import MalformedError, NotFoundError, UsageError
from indelible.event import Actor, Context, Entity, micros
from indelible.legible import without_joiners
from indelible.log import Log
from indelible.webhooks.endpoint import check_contact, check_filter, check_organization
from indelible.webhooks.secret import Secrets
from indelible.work.announcements import By, announce, happening, settle
from indelible.work.ids import form_id
from indelible.work.promise import Row, Statements, Work

Frequency = Literal["daily", "weekly", "monthly"]
TIMES: dict[Frequency, str] = {"daily": "daily 06:00", "weekly": "weekly mon 06:00", "monthly": "monthly 1 06:00"}
MAX_NAME = 120


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `digest`. Moments are microseconds since 1970."""

    id: str
    name: str
    recipient: str
    frequency: Frequency
    query: str
    organization: str | None
    created_at: int
    cursor: int
    covered_at: int


class Digests:
    """`making` sends them."""

    def __init__(self, log: Log, work: Work, secrets: Secrets) -> None:
        self._log = log
        self._work = work
        self._secrets = secrets

    def add(  # noqa: PLR0913 - a digest is just these
        self,
        by: By,
        *,
        recipient: str,
        frequency: str,
        name: str = "",
        query: str = "",
        organization: str | None = None,
        once: str = "",
    ) -> Digest:
        """Its first one is of what is signed from now on. `once`: see `form_id`; asked again, it is the one there.

        Raises UsageError, QueryError, LogError.
        """
        now, often, address = datetime.now(UTC), check_frequency(frequency), check_recipient(recipient)
        digest = Digest(
            id=form_id("dg", once, by.organization, by.actor.id, recipient, frequency, name, query, organization),
            name=check_digest_name(name) or f"Audit log, {often}", recipient=address,
            frequency=often, query=check_digest_query(query, now),
            organization=check_organization(organization) if by.organization is None else by.organization,
            created_at=micros(now), cursor=self._log.signed_size(), covered_at=micros(now),
        )  # fmt: skip
        told = {"recipient": address, "frequency": often, "query": digest.query or None}
        changes: dict[str, dict[str, Any]] = {key: {"new": value} for key, value in told.items() if value}
        with self._work.transaction() as statements:
            if not statements.run("add_digest", **msgspec.structs.asdict(digest)):
                return _get(statements, digest.id, by.organization)
            announce_digest(statements, "DIGEST_ADDED", "create", digest, by, changes=changes)
        settle(self._work, self._log)
        return digest

    def all(self, organization: str | None = None) -> list[Digest]:
        """In the order in which they were added; of one organization only its own."""
        with self._work.transaction() as statements:
            found = [digest_of(row) for row in statements.run("digests")]
        return [each for each in found if organization in (None, each.organization)]

    def get(self, id_: str, organization: str | None = None) -> Digest:
        """Raises NotFoundError: another organization's is not there."""
        with self._work.transaction() as statements:
            return _get(statements, id_, organization)

    def remove(self, id_: str, by: By) -> None:
        """Raises NotFoundError."""
        with self._work.transaction() as statements:
            digest = _get(statements, id_, by.organization)
            _drop(statements, digest)
            announce_digest(statements, "DIGEST_REMOVED", "delete", digest, by, changes=_gone(digest))
        settle(self._work, self._log)

    def unsubscribe(self, id_: str, token: str, context: Context | None = None) -> Digest:
        """By whoever has the mail, who need not be signed in. Raises MalformedError for a link that is none."""
        with self._work.transaction() as statements:
            rows = statements.run("digest", id=id_)
            if not rows or not hmac.compare_digest(token.encode(), self.token(id_).encode()):
                raise MalformedError("This link leads nowhere any more: the digest is gone, or the link was cut.")
            digest = digest_of(rows[0])
            _drop(statements, digest)
            by = By(actor=Actor.unknown(email=digest.recipient), context=context)
            announce_digest(statements, "DIGEST_UNSUBSCRIBED", "delete", digest, by, changes=_gone(digest))
        settle(self._work, self._log)
        return digest

    def known(self, id_: str, token: str) -> bool:
        """Whether a link would unsubscribe somebody."""
        with self._work.transaction() as statements:
            there = bool(statements.run("digest", id=id_))
        return there and hmac.compare_digest(token.encode(), self.token(id_).encode())

    def token(self, id_: str) -> str:
        """What the link in its mails carries."""
        return self._secrets.token(f"unsubscribe {id_}")


def check_frequency(text: str) -> Frequency:
    """Raises UsageError."""
    for each in TIMES:
        if each == text:
            return each
    raise UsageError(f"{text[:40]!r} is no frequency: {', '.join(TIMES)}.")


def check_recipient(text: str) -> str:
    """Raises UsageError."""
    address = check_contact(text)
    if address is None:
        raise UsageError("A digest is sent to somebody: give an e-mail address.")
    return address


def check_digest_name(text: str) -> str:
    """Raises UsageError."""
    seen = without_joiners(text)
    if len(text) > MAX_NAME or not seen.isprintable():
        raise UsageError(f"A digest's name has up to {MAX_NAME} characters, all of them printable.")
    return text.strip() if seen.strip() else ""


def check_digest_query(text: str, now: datetime) -> str:
    """Raises QueryError."""
    return check_filter(text, now, "A digest is of what came since the last one")


def digest_of(row: Row) -> Digest:
    return Digest(**dict(zip(Digest.__struct_fields__, row, strict=True)))


def _get(statements: Statements, id_: str, organization: str | None) -> Digest:
    rows = statements.run("digest", id=id_)
    if rows and (digest := digest_of(rows[0])) and organization in (None, digest.organization):
        return digest
    raise NotFoundError(f"There is no digest {id_[:40]!r}.")


def _drop(statements: Statements, digest: Digest) -> None:
    """With its letters that were not sent yet: nobody waits for them."""
    statements.run("remove_digest", id=digest.id)
    statements.run("drop_letters_of", like=f"{digest.id} %")  # as `making` names them


def _gone(digest: Digest) -> dict[str, dict[str, Any]]:
    return {"recipient": {"old": digest.recipient}}


def announce_digest(  # noqa: PLR0913 - an event is just these
    statements: Statements,
    action: str,
    operation: str,
    digest: Digest,
    by: By,
    *,
    changes: dict[str, dict[str, Any]] | None = None,
    metadata: dict[str, Any] | None = None,
    failure: str | None = None,
) -> None:
    entity = Entity("Digest", digest.id, digest.name)
    announce(
        statements,
        happening(
            action, operation, entity, by.actor, organization=digest.organization, changes=changes, metadata=metadata,
            context=by.context, outcome="failure" if failure else "success", reason=failure,
        ),
    )  # fmt: skip
