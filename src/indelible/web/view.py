"""Entries as the templates show them: every value spelled for a person, nothing decided in HTML."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup

from indelible.event import Actor, Entry
from indelible.summary import summarize
from indelible.web.difference import Part, flat, words
from indelible.web.told import told

LONG = 300  # characters; longer values are folded
_MOMENT = Markup('<time class="audit-moment" datetime="{}">{} {} UTC</time>')


@dataclass(frozen=True)
class Value:
    """One side of a change. `kind`: text, empty (NULL or no such side), blank (""), redacted."""

    kind: str
    text: str = ""
    name: str = ""  # of what the value refers to
    note: str = ""
    parts: tuple[Part, ...] = ()  # of the text: what the other side lacks

    @property
    def long(self) -> bool:
        return len(self.text) > LONG


class Fact(NamedTuple):
    """`key` and `text` are what a query finds others by, that have the same."""

    label: str
    value: str
    key: str = ""
    text: str = ""


@dataclass(frozen=True)
class Changed:
    """Fields with their old and new values, as in an entry."""

    changes: dict[str, dict[str, Any]]

    @property
    def values(self) -> list[tuple[str, Value, Value]]:
        changed = (each for name, change in self.changes.items() for each in flat(name, change))
        return [(name, *_compared(_value(change, "old"), _value(change, "new"))) for name, change in changed]

    def has(self, side: str) -> bool:
        """Whether any change has an old, or a new, value: creating has no old ones, deleting no new ones."""
        return any(side in change for change in self.changes.values())


@dataclass(frozen=True)
class Row:
    """An entry in the list."""

    entry: Entry
    day: str
    time: str
    who: str
    contact: str
    summary: str
    joined: bool = False  # of the same transaction as the row above

    @property
    def changed(self) -> "Changed":
        return Changed(self.entry.changes)

    @property
    def changes(self) -> list[tuple[str, Value, Value]]:
        return self.changed.values

    @property
    def facts(self) -> list[Fact]:
        """What is known beside the change, in the order a reader asks for it."""
        entry, context, actor, entity = self.entry, self.entry.context, self.entry.actor, self.entry.entity
        organization = entry.organization
        given = [
            Fact("When", _MOMENT.format(entry.occurred_at, self.day, entry.occurred_at[11:23])),
            Fact("Action", entry.action, "action", entry.action),
            Fact("Entity", _beside(entity.type, entity.id), "entity", f"{entity.type}/{entity.id}"),
            Fact("User", _person(actor), "user", actor.email or actor.id or actor.name or actor.type),
            Fact("On behalf of", _person(actor.on_behalf_of) if isinstance(actor.on_behalf_of, Actor) else ""),
            Fact(
                "Organization",
                _beside(organization.name, Markup("({})").format(told(organization.id))),
                "org",
                organization.id,
            )
            if organization
            else Fact("Organization", ""),
            Fact("Reason", entry.reason or ""),
            Fact("Outcome", entry.outcome),
            Fact("Source", context.source or "", "source", context.source or ""),
            Fact("IP address", context.ip or ""),
            Fact("User agent", context.user_agent or ""),
            Fact("Request", context.request_id or ""),
            Fact("Transaction", context.transaction_id or ""),
            Fact("Details", msgspec.json.encode(entry.metadata).decode() if entry.metadata else ""),
            Fact("Entry", f"{entry.seq} ({entry.id})"),
        ]
        return [fact for fact in given if fact.value]


def row(entry: Entry, *, joined: bool = False) -> Row:
    who, contact = _who(entry.actor, entry.context.source)
    return Row(entry, entry.occurred_at[:10], entry.occurred_at[11:19], who, contact, summarize(entry), joined)


def rows(entries: list[Entry]) -> list[Row]:
    """A list, in which changes that were made together are seen to be."""
    transactions = [None, *(entry.context.transaction_id for entry in entries)]
    return [
        row(entry, joined=above is not None and above == entry.context.transaction_id)
        for above, entry in zip(transactions, entries, strict=False)
    ]


def _who(actor: Actor, source: str | None) -> tuple[str, str]:
    """Name and e-mail for the list; what stands there when there is no name says why."""
    match actor.type:
        case "system" | "job":
            return actor.name or actor.id or actor.type, "automatic"
        case "unknown" | "database":
            return actor.name or "Unknown", actor.email or ("direct SQL" if source == "sql" else "not signed in")
    return actor.name or actor.email or actor.id or actor.type, (actor.email or "") if actor.name else ""


def _person(actor: Actor) -> Markup:
    email = Markup("&lt;{}&gt;").format(told(actor.email)) if actor.email else None
    return _beside(actor.name, email, Markup("({})").format(_beside(actor.type, actor.id)))


def _beside(*texts: str | None) -> Markup:
    """Each is told by itself, so that none takes the place of another."""
    return Markup(" ").join(told(text) for text in texts if text)


def _compared(old: Value, new: Value) -> tuple[Value, Value]:
    if old.kind == new.kind == "text" and not (old.name or new.name or old.note or new.note):
        before, after = words(old.text, new.text)
        return replace(old, parts=tuple(before)), replace(new, parts=tuple(after))
    return old, new


def _value(change: dict[str, Any], side: str) -> Value:
    name = change.get(f"{side}_name") or ""
    match change.get(side):
        case None:
            return Value("empty")
        case "":
            return Value("blank")
        case {"redacted": True}:
            return Value("redacted")
        case {"sha256": str(hash_), "size": int(size), "preview": str(preview)}:
            return Value("text", f"{preview}…", note=f"{size:,} bytes, kept beside the log under {hash_}")
        case {"bytes": str(encoded)}:
            return Value("text", encoded, note="bytes, in base64")
        case {"text": str(encoded)}:
            return Value("text", encoded, note="text that is not UTF-8, in base64")
        case {"float": str(special)} | {"integer": str(special)}:
            return Value("text", special)
        case str(text):
            return Value("text", text, name)
        case other:
            return Value("text", msgspec.json.encode(other).decode(), name)
