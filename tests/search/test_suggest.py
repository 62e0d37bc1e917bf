"""What is offered while somebody types leads to entries that they may see."""

import pytest

from indelible.search.page import find
from indelible.search.query import parse
from indelible.search.suggest import suggest
from tests.search.test_find import ACTORS, ENTITIES, NOW, ORGANIZATIONS
from tests.store.test_log import happened
from tests.world import World

TYPED = [
    "l", "dana", "action:", "action:lic", "user:da", "-user:da", "entity:", "org:", "operation:u", "source:",
    "field:", "field:pl", "old:", "new:pro", 'field:plan user:"Dana Lee" new:', "since:", "since:7", "Str",
]  # fmt: skip


@pytest.fixture
def world(world: World) -> World:
    change = {"plan": {"old": "free", "new": "pro"}, 'a "b"': {"old": None, "new": 'pro "x" *'}}
    world.log.append(
        happened(actor=actor, entity=entity, organization=organization, changes=change)
        for actor in ACTORS
        for entity in ENTITIES
        for organization in ORGANIZATIONS
    )
    return world


@pytest.mark.parametrize("organization", [None, "acme"])
@pytest.mark.parametrize("typed", TYPED)
def test_what_is_offered_goes_on_and_is_found(world: World, typed: str, organization: str | None) -> None:
    found = suggest(world.log, typed, organization)
    assert found or (typed == "org:" and organization)
    for suggestion in found:
        assert suggestion.query.casefold().startswith(typed.rpartition(" ")[0].casefold())
        if suggestion.entries is not None:
            query = parse(suggestion.query.replace("-user", "user"), NOW)
            assert find(world.log, query, organization=organization).count >= 1


def test_nothing_of_another_organization_is_offered(world: World) -> None:
    secret = {"secret": {"new": "secret"}}
    world.log.append([happened(action="SECRET_DONE", organization=ORGANIZATIONS[2], changes=secret)])
    for typed in ("secret", "action:sec", "field:sec", "new:sec"):
        assert suggest(world.log, typed, None)
        assert suggest(world.log, typed, "acme") == []


@pytest.mark.parametrize("typed", ["", " ", "dana ", '"dana l', "nokey:", 'x"y', "-", 'new:"a'])
def test_where_nothing_can_be_meant_nothing_is_offered(world: World, typed: str) -> None:
    assert suggest(world.log, typed, None) == []
