"""A search that found nothing is told what is near, of what its viewer may see."""

import pytest

from indelible.event import Actor, Entity, Organization
from indelible.search.meant import meant
from indelible.search.page import find
from indelible.search.query import parse
from tests.search.test_find import NOW
from tests.store.test_log import happened
from tests.world import World

ACME, GLOBEX = Organization("acme", "Acme"), Organization("globex", "Globex")
MEANT = {
    "action:PERSON_CREATD": "action:PERSON_CREATED",
    "action:creatd": "action:CREATED",
    "user:dnaa": "user:dana",
    "user:dana@acme.tset": "user:dana@acme.test",
    "personn": "Person",
    "entity:Persom": "entity:Person",
    "org:acm": None,  # finds acme
    "org:acmee": "org:acme",
    'user:"Dana Lea"': 'user:"Dana Lee"',
    "action:PERSON_CREATD user:dana": "action:PERSON_CREATED user:dana",
    "action:PERSON_CREATD user:nobody-at-all": None,  # would find nothing either
    "action:SECRET_DNOE user:lee": None,
    "user:dana operation:delete": None,  # each finds something, and nothing is both
    "-user:dnaa": None,
    "new:proo": None,
    "xylophone": None,
    "since:7d": None,
    "action:*CREATD*": "action:CREATED",
}


@pytest.fixture
def world(world: World) -> World:
    dana = Actor(id="u_1", name="Dana Lee", email="dana@acme.test")
    world.log.append([
        happened(action="PERSON_CREATED", actor=dana, entity=Entity("Person", "p1"), organization=ACME),
        happened(action="SECRET_DONE", operation="delete", organization=GLOBEX),
    ])  # fmt: skip
    return world


@pytest.mark.parametrize(("typed", "near"), MEANT.items())
def test_the_nearest_name_is_told(world: World, typed: str, near: str | None) -> None:
    assert meant(world.log, typed, None, NOW) == near
    assert near is None or find(world.log, parse(near, NOW)).count


def test_a_near_name_that_cannot_be_typed_is_not_told(world: World) -> None:
    world.log.append([happened(actor=Actor(id="u_9", name="Zoltan\x01 Quux")), happened(actor=Actor(name="Z" * 1100))])
    assert meant(world.log, 'user:"Zoltam Quux"', None, NOW) is None
    assert meant(world.log, f"user:{'Z' * 900}X", None, NOW) is None


def test_nothing_of_another_organization_is_told(world: World) -> None:
    for typed in ("action:SECRET_DNOE", "secrets", "org:globexx"):
        assert meant(world.log, typed, None, NOW)
        assert meant(world.log, typed, "acme", NOW) is None
