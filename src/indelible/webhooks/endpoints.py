"""Who asked to hear of entries: added, changed, rotated, paused, removed. Each of that is an entry itself."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from indelible.errors import NotFoundError, RepeatedError, UsageError
from indelible.event import Actor, Entity, micros
from indelible.log import Log
from indelible.webhooks.endpoint import Endpoint, check_contact, check_filter, check_organization, check_url
from indelible.webhooks.guard import Network
from indelible.webhooks.secret import Secret, Secrets
from indelible.work.announcements import By, announce, happening, settle
from indelible.work.ids import form_id
from indelible.work.promise import Row, Statements, Work

OVERLAP = timedelta(hours=24)  # during which the secret before signs, too
MOST_BEFORE = 5  # secrets before that sign at a time


class Endpoints:
    """`changed` is called after each change, so that whoever delivers looks at once."""

    def __init__(
        self,
        log: Log,
        work: Work,
        secrets: Secrets,
        *,
        allowed: Sequence[Network] = (),
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._allowed = allowed
        self._log = log
        self._work = work
        self._secrets = secrets
        self._changed = changed

    def add(  # noqa: PLR0913 - a webhook is just these
        self,
        url: str,
        by: By,
        *,
        filter: str = "",  # noqa: A002 - the word of the docs
        organization: str | None = None,
        contact: str | None = None,
        once: str = "",
    ) -> tuple[Endpoint, Secret]:
        """It hears of what is signed from now on. The secret is told here and never again.

        `once`: see `form_id`. Raises RepeatedError, AddressError, QueryError, UsageError, LogError; then nothing was
        added.
        """
        now = datetime.now(UTC)
        endpoint = Endpoint(
            id=form_id("wh", once, by.organization, by.actor.id, url, filter, organization, contact),
            url=self.check_url(url),
            filter=check_filter(filter, now),
            organization=check_organization(organization) if by.organization is None else by.organization,
            contact=check_contact(contact),
            state="active",
            reason=None,
            created_at=micros(now),
            generation=1,
            generations_before="",
            cursor=self._log.signed_size(),
            failing_since=None,
            rests_until=0,
        )
        with self._work.transaction() as statements:
            self._secrets.claim(statements)
            secret = self._secrets.of(endpoint.id, 1)
            if not statements.run("add_endpoint", **msgspec.structs.asdict(endpoint)):
                raise RepeatedError(
                    f"The webhook {endpoint.id} was added already, and its secret shown then. Rotate it to get a new "
                    "one.", endpoint.id,
                )  # fmt: skip
            _announce(statements, "WEBHOOK_ADDED", "create", endpoint, by, {k: {"new": v} for k, v in _told(endpoint)})
        self._settle()
        return endpoint, secret

    @property
    def problem(self) -> str | None:
        """Why nothing is delivered by this process: it has not the key that they were added with."""
        return self._secrets.problem

    def signs(self) -> bool:
        """Whether it has, as of now: the last one may have been removed, or the first one added elsewhere."""
        with self._work.transaction() as statements:
            self._secrets.check(statements)
        return self.problem is None

    def check_url(self, text: str) -> str:
        """Raises AddressError."""
        return check_url(text, self._allowed)

    def all(self, organization: str | None = None) -> list[Endpoint]:
        """In the order in which they were added; of one organization only its own."""
        with self._work.transaction() as statements:
            found = [endpoint_of(row) for row in statements.run("endpoints")]
        return [each for each in found if organization in (None, each.organization)]

    def get(self, id_: str, organization: str | None = None) -> Endpoint:
        """Raises NotFoundError: another organization's is not there."""
        with self._work.transaction() as statements:
            return _get(statements, id_, organization)

    def public_keys(self, endpoint: Endpoint) -> list[str]:
        """For who verifies `v1a`; they are no secret. None while there is a `problem`."""
        if self.problem is not None:
            return []
        return [self._secrets.of(endpoint.id, each).public for each in endpoint.generations(datetime.now(UTC))]

    def secrets(self, endpoint: Endpoint, now: datetime) -> list[Secret]:
        """Those that sign, the current one first."""
        return [self._secrets.of(endpoint.id, each) for each in endpoint.generations(now)]

    def change(self, id_: str, by: By, *, url: str, filter: str, contact: str | None) -> Endpoint:  # noqa: A002
        """Raises as `add` does, and NotFoundError. A filter that stays is not asked whether it would be taken today."""
        fields: dict[str, Any] = {"url": self.check_url(url), "contact": check_contact(contact)}

        def wanted(old: Endpoint) -> dict[str, Any]:
            told = fields if old.url == fields["url"] else fields | {"rests_until": 0}  # another receiver's wish
            stays = filter.strip() == old.filter
            return told if stays else told | {"filter": check_filter(filter, datetime.now(UTC))}

        return self._change(id_, by, "WEBHOOK_CHANGED", wanted)

    def pause(self, id_: str, by: By) -> Endpoint:
        """Nothing is sent until it is resumed; nothing is lost."""
        return self._change(id_, by, "WEBHOOK_PAUSED", lambda _: {"state": "paused"})

    def resume(self, id_: str, by: By) -> Endpoint:
        """From where it stopped."""
        fresh = {"state": "active", "reason": None, "failing_since": None}
        return self._change(id_, by, "WEBHOOK_RESUMED", lambda _: fresh)

    def rotate(self, id_: str, by: By, overlap: timedelta = OVERLAP) -> tuple[Endpoint, Secret]:
        """A new secret, told here and never again. The one before signs as well for as long as `overlap`.

        So do those before that, each for its own time. With no overlap all of them end.
        """
        if not timedelta(0) <= overlap <= timedelta(days=30):
            raise UsageError(f"{overlap} is no overlap of secrets: up to 30 days, please.")
        self._secrets.of(id_, 1)  # raises before anything is changed
        now = datetime.now(UTC)

        def wanted(old: Endpoint) -> dict[str, Any]:
            good = old.before(now) | {old.generation: micros(now + overlap)} if overlap else {}
            kept = " ".join(f"{generation}@{until}" for generation, until in list(good.items())[-MOST_BEFORE:])
            return {"generation": old.generation + 1, "generations_before": kept}

        endpoint = self._change(id_, by, "WEBHOOK_SECRET_ROTATED", wanted)
        return endpoint, self._secrets.of(endpoint.id, endpoint.generation)

    def disable(self, id_: str, reason: str, letter: Callable[[Statements, Endpoint], None]) -> Endpoint | None:
        """By the system, where it is still active; `letter` tells its owners, in the same transaction."""
        by = By(actor=Actor.system("webhooks"))
        with self._work.transaction() as statements:
            endpoint = _get(statements, id_, None)
            if endpoint.state != "active":
                return None
            endpoint = _write(statements, endpoint, {"state": "disabled", "reason": reason})
            changes = {"state": {"old": "active", "new": "disabled"}}
            _announce(statements, "WEBHOOK_DISABLED", "update", endpoint, by, changes, reason=reason)
            letter(statements, endpoint)
        self._settle()
        return endpoint

    def remove(self, id_: str, by: By) -> None:
        """With its deliveries, waiting ones among them. That it was there, the log tells."""
        with self._work.transaction() as statements:
            endpoint = _get(statements, id_, by.organization)
            for name in ("remove_attempts", "remove_deliveries", "remove_endpoint"):
                statements.run(name, id=id_)
            _announce(
                statements, "WEBHOOK_REMOVED", "delete", endpoint, by, {k: {"old": v} for k, v in _told(endpoint)}
            )
        self._settle()

    def record(self, id_: str, by: By, action: str, operation: str, metadata: dict[str, Any]) -> None:
        """What was done with it and changed nothing of it: a test, a replay. Raises NotFoundError."""
        with self._work.transaction() as statements:
            endpoint = _get(statements, id_, by.organization)
            _announce(statements, action, operation, endpoint, by, metadata=metadata)
        self._settle()

    def _change(self, id_: str, by: By, action: str, fields: Callable[[Endpoint], dict[str, Any]]) -> Endpoint:
        """What is as it was is no change, and no entry."""
        with self._work.transaction() as statements:
            old = _get(statements, id_, by.organization)
            new = _write(statements, old, fields(old))
            if new != old:
                _announce(statements, action, "update", new, by, _changes(old, new))
        self._settle()
        return new

    def _settle(self) -> None:
        """What is done is done, whether or not the log can take its entry now: that is tried again."""
        self._changed()
        settle(self._work, self._log)


def endpoint_of(row: Row) -> Endpoint:
    return Endpoint(**dict(zip(Endpoint.__struct_fields__, row, strict=True)))


def _get(statements: Statements, id_: str, organization: str | None) -> Endpoint:
    rows = statements.run("endpoint", id=id_)
    if rows and (endpoint := endpoint_of(rows[0])) and organization in (None, endpoint.organization):
        return endpoint
    raise NotFoundError(f"There is no webhook {id_[:40]!r}. List them: indelible webhooks list LOG")


def _write(statements: Statements, old: Endpoint, fields: dict[str, Any]) -> Endpoint:
    new = msgspec.structs.replace(old, **fields)
    statements.run("change_endpoint", **msgspec.structs.asdict(new))
    return new


def _told(endpoint: Endpoint) -> list[tuple[str, Any]]:
    """What entries say of it."""
    told = {"url": endpoint.name, "filter": endpoint.filter, "contact": endpoint.contact, "state": endpoint.state}
    return [(name, value) for name, value in told.items() if value]


def _changes(old: Endpoint, new: Endpoint) -> dict[str, dict[str, Any]]:
    """The address as it may be shown: where only its path changed, that it did."""
    before, after = dict(_told(old)), dict(_told(new))
    changes = {
        name: {"old": before.get(name), "new": after.get(name)}
        for name in (before | after)
        if before.get(name) != after.get(name) or (name == "url" and old.url != new.url)
    }
    if old.generation != new.generation:
        changes["secret"] = {"old": {"redacted": True}, "new": {"redacted": True}}
    return changes


def _announce(  # noqa: PLR0913, PLR0917 - an event is just these
    statements: Statements,
    action: str,
    operation: str,
    endpoint: Endpoint,
    by: By,
    changes: dict[str, dict[str, Any]] | None = None,
    *,
    metadata: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    entity = Entity("Webhook", endpoint.id, endpoint.name)
    announce(
        statements,
        happening(
            action, operation, entity, by.actor, organization=endpoint.organization, changes=changes,
            metadata=metadata, reason=reason, context=by.context,
        ),
    )  # fmt: skip
