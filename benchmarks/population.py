"""Events of an imagined portal, for benchmarks that search: skewed, as what people do is. The same at every run.

200 organizations, 5,000 users (each first name is that of 250 of them), 8 types, 60 actions, two years, an entity for
every twelve entries or so. Moments are almost in order, as those of concurrent transactions are. One entry in 100,000
has a reference that no other has; see `needle`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any
from uuid import UUID

from indelible.event import Actor, Context, Entity, Event, Organization

BEGAN = datetime(2024, 11, 1, tzinfo=UTC)
LASTS = timedelta(days=730)
NEEDLE = 100_000

FIRST = ["Dana", "Kim", "Alex", "Sam", "Robin", "Maria", "Noor", "Chen", "Ivan", "Aiko",
         "Lena", "Omar", "Tara", "Nils", "Rosa", "Hugo", "Ines", "Theo", "Zora", "Paul"]  # fmt: skip
LAST = ["Lee", "Smith", "Okafor", "Novak", "Silva", "Haddad", "Tanaka", "Berg", "Rossi", "Kaya", "Moreau", "Weber",
        "Costa", "Dubois", "Jensen", "Kowalski", "Ahmed", "Park", "Nguyen", "Fischer", "Larsen", "Petrov", "Romano",
        "Santos", "Yilmaz"]  # fmt: skip
VERBS = {
    "Organization": ["CREATED", "RENAMED", "SUSPENDED", "RESUMED", "PLAN_CHANGED"],
    "User": [
        "INVITED",
        "CREATED",
        "UPDATED",
        "ACTIVATED",
        "DEACTIVATED",
        "ROLE_CHANGED",
        "SIGNED_IN",
        "SIGNED_OUT",
        "PASSWORD_RESET",
    ],
    "License": ["CREATED", "ASSIGNED", "REVOKED", "RENEWED", "EXPIRED", "UPDATED", "TRANSFERRED", "SUSPENDED"],
    "Configuration": ["SAVED", "CREATED", "DELETED", "RESTORED", "EXPORTED", "IMPORTED", "LOCKED", "UNLOCKED"],
    "Invitation": ["SENT", "ACCEPTED", "REVOKED", "EXPIRED", "RESENT", "OPENED"],
    "Webhook": ["CREATED", "UPDATED", "PAUSED", "RESUMED", "DELETED", "ROTATED", "TESTED", "DISABLED"],
    "Team": [
        "CREATED",
        "RENAMED",
        "DELETED",
        "MEMBER_ADDED",
        "MEMBER_REMOVED",
        "OWNER_CHANGED",
        "ARCHIVED",
        "RESTORED",
    ],
    "ApiKey": ["CREATED", "ROTATED", "REVOKED", "EXPIRED", "USED", "SCOPED", "LOCKED", "UNLOCKED"],
}
SHARE = {"Organization": 1, "User": 30, "License": 35, "Configuration": 10, "Invitation": 12, "Webhook": 2, "Team": 6,
         "ApiKey": 4}  # fmt: skip
OPERATIONS = {"CREATED": "create", "SENT": "create", "DELETED": "delete", "SIGNED_IN": "sign_in", "EXPORTED": "export"}
SOURCES = ["portal"] * 14 + ["api"] * 4 + ["job"] * 2 + ["sql"]
ACTIONS = [
    (type_, f"{type_.upper()}_{verb}", verb, SHARE[type_] / (2 + rank))
    for type_, verbs in VERBS.items()
    for rank, verb in enumerate(verbs)
]
USERS = 5000
ORGANIZATIONS = 200


def needle(number: int) -> str:
    """The reference that entry `number` has, and no other."""
    return f"ref-{(number * 2_654_435_761) % 2**32:08x}-q"


def events(count: int) -> Iterator[Event]:
    """In the order in which they are to be sealed."""
    random = Random(6)
    people = [person(number) for number in range(USERS)]
    organizations = [Organization(f"org_{n}", f"Company {n} {LAST[n % len(LAST)]}") for n in range(ORGANIZATIONS)]
    user_weights, organization_weights = _skewed(USERS), _skewed(ORGANIZATIONS)
    action_weights = list(accumulate(weight for *_, weight in ACTIONS))
    entities = max(count // 12, 1000)
    for first in range(0, count, 10_000):
        size = min(10_000, count - first)
        acting = random.choices(people, cum_weights=user_weights, k=size)
        theirs = random.choices(organizations, cum_weights=organization_weights, k=size)
        actions = random.choices(ACTIONS, cum_weights=action_weights, k=size)
        for number, actor, organization, (type_, action, verb, _) in zip(
            range(first, first + size), acting, theirs, actions, strict=True
        ):
            at = BEGAN + LASTS * (number / count) + timedelta(microseconds=random.randrange(4_000_000))
            entity = _entity(random, type_, entities)
            yield Event(
                action=action,
                operation=OPERATIONS.get(verb, "update"),
                entity=entity,
                occurred_at=at,
                actor=actor,
                id=_id(random, at),
                organization=organization,
                changes=_changes(random, entity, number),
                context=Context(
                    source=random.choice(SOURCES),
                    ip=f"203.0.113.{number % 250}",
                    user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0",
                    request_id=f"r-{number:x}",
                ),
            )


def _skewed(count: int) -> list[float]:
    """Weights of which the n-th is 1 / (n + 10), added up."""
    return list(accumulate(1 / (n + 10) for n in range(count)))


def person(number: int) -> Actor:
    """Who acts often has any name: they are dealt like cards."""
    first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
    return Actor(id=f"u_{number}", name=f"{first} {last}", email=f"{first}.{last}.{number}@portal.test".lower())


def _entity(random: Random, type_: str, entities: int) -> Entity:
    if type_ == "Organization":
        number = random.randrange(ORGANIZATIONS)
        return Entity(type_, f"org_{number}", f"Company {number} {LAST[number % len(LAST)]}")
    number = int(entities * random.random() ** 2)
    if type_ == "User":
        number %= USERS
        return Entity(type_, f"u_{number}", f"{FIRST[number % len(FIRST)]} {LAST[number // len(FIRST) % len(LAST)]}")
    return Entity(type_, f"{type_[:3].lower()}_{number}", f"{type_} {number}")


def _changes(random: Random, entity: Entity, number: int) -> dict[str, dict[str, Any]]:
    plans = ["free", "pro", "business", "enterprise"]
    user = int(USERS * random.random() ** 2)
    found: dict[str, dict[str, Any]] = {
        "status": {"old": "active", "new": random.choice(["active", "suspended", "expired", "archived"])}
    }
    match random.randrange(4):
        case 0:
            found["assignee_id"] = {"old": None, "new": f"u_{user}", "new_name": f"{FIRST[user % len(FIRST)]}"}
        case 1:
            found["plan"] = {"old": random.choice(plans), "new": random.choice(plans)}
            found["seats"] = {"old": random.randrange(500), "new": random.randrange(500)}
        case 2:
            found["email"] = {"old": f"old{user}@portal.test", "new": f"{entity.id}@portal.test"}
        case _:
            found["settings"] = {"old": {"theme": "light", "locale": "de"}, "new": {"theme": "dark", "locale": "en"}}
    if number % NEEDLE == NEEDLE // 2:
        found["reference"] = {"old": None, "new": needle(number)}
    return found


def _id(random: Random, at: datetime) -> UUID:
    bits = random.getrandbits(74)
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | bits >> 62 << 64 | 2 << 62 | bits & (2**62 - 1))
