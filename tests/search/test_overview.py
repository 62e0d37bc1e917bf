"""What is counted of the entries found is what counting them one by one gives."""

import gc
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.event import Actor, Event, Organization, micros, read
from indelible.index import block, blocks, kept
from indelible.index.block import Block
from indelible.index.kept import Kept, Sifted
from indelible.search import hits, overview
from indelible.search.hits import Hits
from indelible.search.overview import bars, facets
from indelible.search.page import find
from indelible.search.query import Query, parse
from indelible.search.sieve import Sieve
from tests.checking import indexed
from tests.search.test_find import ACTORS, NOW, Naive, events, queries
from tests.store.test_log import happened
from tests.world import World

BOUNDS = [micros(NOW + timedelta(days=days, seconds=1)) for days in range(-5, 2)]


@pytest.fixture(params=["in blocks", "in blocks, by names", "in blocks, by entries", "behind the blocks"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks, whichever way they are counted in, and behind them."""
    monkeypatch.setattr(blocks, "SIZES", (2**40,) if request.param.startswith("behind") else (32, 16, 8))
    monkeypatch.setattr(overview, "FEW", 0 if "by" in request.param.split() else 64)
    monkeypatch.setattr(block, "SOONER", 0 if request.param.endswith("names") else 99)


@pytest.mark.usefixtures("cut")
@settings(max_examples=25)
@given(added=st.lists(events, max_size=12), more=st.lists(events, max_size=40), asked=queries)
def test_what_is_asked_again_is_what_it_was_and_what_came_since(
    world: World, added: list[Event], more: list[Event], asked: Query
) -> None:
    for some in (added, [], more):
        world.log.append(some)
        indexed(world.log)
        found = Naive([read(line) for _, _, line in world.log.leaves(0, 2**62)]).find(asked)
        for _ in range(2):
            hits_ = Hits(world.log, asked, None)
            counted = hits_.counted()
            assert (counted.total, counted.exact) == (len(found), True)
            assert list(hits_.rising(range(hits_.size))) == found


def test_blocks_are_asked_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one search. Another one knows nothing of it, be it that of another organization."""
    monkeypatch.setattr(blocks, "SIZES", (32, 16, 8))
    world.log.append(happened(actor=Actor(id=f"u{n % 5}")) for n in range(100))
    indexed(world.log)
    sifted, sift = list[range](), Sieve.sift

    def sifting(self: Sieve, block: Block) -> Sifted:
        sifted.append(block.entries)
        return sift(self, block)

    monkeypatch.setattr(Sieve, "sift", sifting)
    query = parse("user:u3 -new:nothing since:90d", NOW)
    first = find(world.log, query)
    assert (len(sifted), first.count) == (3, 20)
    assert find(world.log, query, before=50, limit=5).count == 20
    assert facets(world.log, first.counted, ("action",)).among == 20
    assert len(sifted) == 3
    assert find(world.log, query, organization="globex").count == 0
    assert len(sifted) == 6


def test_what_was_found_of_one_range_is_of_no_use_within_a_block(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "SIZES", (32, 16, 8))
    world.log.append(happened(occurred_at=NOW - timedelta(hours=100 - n)) for n in range(100))
    indexed(world.log)
    for hours in (90, 10, 50, 90, 200):
        assert find(world.log, parse(f"license since:{hours}h", NOW)).count == min(100, hours)


def test_a_count_that_ends_early_ends_there_again(file_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the newest blocks, which are kept, have other grams than those that are asked again."""
    monkeypatch.setattr(blocks, "SIZES", (256,))
    monkeypatch.setattr(hits, "READS", 125)

    def value(n: int) -> str:
        if n % 50 == 7:
            return f"needlework1234 {n}"
        return f"needlewo {n}" if n < 1024 else f"work1234 {n}"

    file_world.log.append(happened(changes={"plan": {"new": value(n)}}) for n in range(1280))
    indexed(file_world.log)
    first, *others = (find(file_world.log, parse("new:needlework1234", NOW)) for _ in range(3))
    assert first.capped
    assert all((each.count, each.capped) == (first.count, True) for each in others)


def test_an_organization_that_is_called_otherwise_is_found_by_both_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in blocks that were asked before it had the second one."""
    monkeypatch.setattr(blocks, "SIZES", (32, 16, 8))
    world.log.append(happened(organization=Organization("o1", "Before")) for _ in range(32))
    indexed(world.log)
    query = parse("org:after -new:nothing", NOW)
    assert find(world.log, query).count == 0
    world.log.append([happened(organization=Organization("o1", "After"))])
    assert find(world.log, query).count == find(world.log, parse("org:before -new:nothing", NOW)).count == 33


def test_what_is_kept_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By searches, too: most keep no block. And blocks that were put into larger ones go."""
    monkeypatch.setattr(blocks, "SIZES", (32, 16, 8))
    monkeypatch.setattr(kept, "MOST", 40)
    world.log.append(happened(actor=Actor(id=f"u{n % 5}")) for n in range(24))
    indexed(world.log)
    for n in range(100):
        find(world.log, parse(f"user:u{n}", NOW))
        find(world.log, parse(f"user:u{n} -new:nothing", NOW))
        assert len(world.log.blocks.kept) <= 40
    world.log.blocks.kept = Kept()
    assert find(world.log, parse("-new:nothing", NOW)).count == 24
    assert len(world.log.blocks.kept) == 1 + 2
    world.log.append(happened() for _ in range(32))
    indexed(world.log)
    assert find(world.log, parse("-new:nothing", NOW)).count == 56
    gc.collect()
    assert len(world.log.blocks.kept) == 1 + 3


@pytest.mark.usefixtures("cut")
@settings(max_examples=25)
@given(added=st.lists(events, max_size=12), asked=st.lists(queries, min_size=3, max_size=6))
def test_what_is_counted_is_what_is_found(world: World, added: list[Event], asked: list[Query]) -> None:
    world.log.append(added)
    indexed(world.log)
    entries = [read(line) for _, _, line in world.log.leaves(0, 2**62)]
    for query in asked:
        found = [entries[seq] for seq in Naive(entries).find(query)]
        counted = Hits(world.log, query, None).counted()
        assert (counted.total, counted.exact) == (len(found), True)
        told = facets(world.log, counted, ("action", "actor", "organization"), limit=1000)
        assert told.among == len(found)
        actions = Counter(entry.action for entry in found)
        assert {facet.value: facet.entries for facet in told.names["action"]} == actions
        organizations = Counter(entry.organization.id for entry in found if entry.organization)
        assert {facet.value: facet.entries for facet in told.names["organization"]} == organizations
        assert sum(facet.entries for facet in told.names["actor"]) == len(found)
        times = [micros(datetime.fromisoformat(entry.occurred_at)) for entry in found]
        within = [sum(low <= time < high for time in times) for low, high in pairwise(BOUNDS)]
        assert bars(counted, BOUNDS) == within


def test_each_facet_finds_what_it_counts(world: World) -> None:
    world.log.append(happened(actor=actor) for actor in ACTORS for _ in range(3))
    counted = Hits(world.log, Query(), None).counted()
    for facet in facets(world.log, counted, ("actor",)).names["actor"]:
        found = Hits(world.log, parse(f'user:"{facet.value}"', datetime.now(UTC)), None).counted().total
        assert found >= facet.entries > 0


def test_an_actor_who_was_renamed_is_one(world: World) -> None:
    looks = [Actor(id="u1", name=name, email="dana@acme.test") for name in ("Dana Lee", "Dana Lee", "Dana Smith")]
    world.log.append(happened(actor=actor) for actor in looks)
    told = facets(world.log, Hits(world.log, Query(), None).counted(), ("actor",)).names["actor"]
    assert [(facet.value, facet.entries) for facet in told] == [("dana@acme.test", 3)]


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize(("name", "limit"), [("READS", 3), ("READS", 0), ("COST", 12), ("COUNT_SECONDS", -1.0)])
@settings(max_examples=15)
@given(added=st.lists(events, min_size=4, max_size=12), asked=st.lists(queries, min_size=3, max_size=6))
def test_what_is_not_counted_to_the_end_is_counted_from_somewhere_on(
    world: World, name: str, limit: float, added: list[Event], asked: list[Query]
) -> None:
    world.log.append(added)
    indexed(world.log)
    entries = [read(line) for _, _, line in world.log.leaves(0, 2**62)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hits, name, limit)
        for query in asked:
            counted = Hits(world.log, query, None).counted()
            found = [seq for seq in Naive(entries).find(query) if seq >= counted.start]
            assert counted.total == len(found)
            assert counted.exact == (counted.start == 0)
            again = Hits(world.log, query, None).counted()
            assert name == "COUNT_SECONDS" or (again.total, again.start) == (counted.total, counted.start)
    for query in asked:  # nothing that was found of a part is taken for all of it
        assert Hits(world.log, query, None).counted().total == len(Naive(entries).find(query))
