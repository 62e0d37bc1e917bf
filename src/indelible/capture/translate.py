"""From a captured record to an event: names the action, the actor, the entity and what it refers to."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec

from indelible.actions import TableMap
from indelible.capture.context import Acting, uncarry
from indelible.capture.identity import MAX_KEY, NO_KEY, as_text, entity_id, told
from indelible.capture.record import Record
from indelible.event import Actor, Context, Entity, Event, Organization, clip

logger = logging.getLogger(__name__)


class Names(Protocol):
    """What the log itself last knew things by."""

    def entity_name(self, entity_type: str, key: str) -> str | None: ...
    def organization_name(self, key: str) -> str | None: ...


Owner = Callable[[str, str], str | None]  # from type and id to the id of an organization


def _nobody(_type: str, _key: str) -> None: ...


def mentioned(record: Record) -> Iterator[tuple[str, str]]:
    """Type and id of what `translate` asks the name of, for the most part."""
    table = record.definition.map
    yield table.entity, entity_id(record.definition, record.row)
    for column, entity_type in table.references.items():
        for value in record.changes.get(column, {}).values():
            if value is not None:
                yield entity_type, as_text(value)
    if (thing := owned_by(record)) is not None:
        yield thing


def owned_by(record: Record) -> tuple[str, str] | None:
    """Type and id of what the map's `organization_of` refers to: the entry is of that thing's organization."""
    table = record.definition.map
    value = record.row.get(table.organization_of) if table.organization_of else None
    if value is None or (owner := table.owner) is None:
        return None
    return owner, clip(as_text(value), MAX_KEY) or NO_KEY


def translate(record: Record, names: Names, owner: Owner = _nobody) -> Event:
    """The event of a record. Total: whatever the row and its context hold, there is an event for it."""
    table = record.definition.map
    rule = table.resolve(record.operation, record.changes)
    acting, metadata = _acting(record)
    metadata |= told(record)
    if record.statement:
        metadata["statement"] = record.statement
    return Event(
        action=rule.action,
        operation=rule.operation or record.operation,
        entity=_entity(record, names),
        occurred_at=record.at,
        actor=acting.actor,
        id=record.id,
        organization=_organization(record, names, owner),
        changes=_named(record.changes, table, names),
        outcome=rule.outcome,
        reason=acting.reason,
        context=acting.context,
        metadata=metadata,
    )


def _acting(record: Record) -> tuple[Acting, dict[str, Any]]:
    """A context that cannot be read is never a reason to lose the record, nor to attribute it to anybody."""
    try:
        held = uncarry(record.context)
    except (msgspec.DecodeError, ValueError, RecursionError):
        logger.warning("The context of outbox row %s cannot be read; its entry says unknown.", record.outbox_id)
        return _unclaimed(record), {"unreadable_context": True}
    client = record.client
    if held is not None and client is None:
        return held, {}
    known = {"user": client.user, "role": client.role, "application": client.application} if client else {}
    shown = {key: clip(value) for key, value in known.items() if value}
    unclaimed = _unclaimed(record)
    if held is not None:  # a request in which nobody said who acts: how it arrived is known all the same
        unclaimed = msgspec.structs.replace(unclaimed, context=held.context)
    return unclaimed, {"database": shown} if shown else {}


def _unclaimed(record: Record) -> Acting:
    """Nobody said who acts: the database alone saw it. The name of its user is all there is; it is no person's."""
    client = record.client
    name = clip(client.role or client.user) if client else None
    context = Context(source="sql", ip=client.address if client else None, transaction_id=record.transaction)
    return Acting(Actor(type="unknown", name=name), None, context)


def _entity(record: Record, names: Names) -> Entity:
    table = record.definition.map
    key = entity_id(record.definition, record.row)
    said, known = _name(record, names), names.entity_name(table.entity, key)
    # A session keeps the name its user had when it began; a failed sign-in has what somebody typed. Neither may
    # become what the log knows the user by.
    name = said or known if record.definition.about_itself else known or said
    return Entity(table.entity, key, clip(name))


def _name(record: Record, names: Names) -> str | None:
    """What the map's `name` column says; where it holds another entity's id, that entity's name."""
    table = record.definition.map
    value = record.row.get(table.name) if table.name else None
    if value is None:
        return None
    referred = table.references.get(table.name or "")
    return names.entity_name(referred, as_text(value)) if referred else as_text(value)


def _organization(record: Record, names: Names, owner: Owner) -> Organization | None:
    table = record.definition.map
    key = _organization_id(record, owner)
    if key is None:
        return None
    itself = record.definition.about_itself and record.definition.key == [table.organization]
    name = as_text(record.row[table.name]) if itself and table.name else names.organization_name(key)
    return Organization(key, clip(name))


def _organization_id(record: Record, owner: Owner) -> str | None:
    if (thing := owned_by(record)) is not None:
        return owner(*thing)
    column = record.definition.map.organization
    value = record.row.get(column) if column else None
    return None if value is None else clip(as_text(value), MAX_KEY) or ""


def _named(changes: dict[str, dict[str, Any]], table: TableMap, names: Names) -> dict[str, dict[str, Any]]:
    """Beside the id of another entity stands its name: an auditor reads names."""
    for column, entity_type in table.references.items():
        change = changes.get(column, {})
        for side in ("old", "new"):
            if change.get(side) is not None:
                change[f"{side}_name"] = names.entity_name(entity_type, as_text(change[side]))
    return changes
