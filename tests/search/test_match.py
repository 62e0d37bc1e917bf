"""Whoever hears of entries one by one hears of those that a search finds."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.event import Entity, Entry, Event, Organization, read, seal
from indelible.search.match import matching
from indelible.search.query import Query, parse
from tests.search.test_find import NOW, Naive, events, queries
from tests.store.test_log import happened


def entry(**fields: Any) -> Entry:
    return read(seal(happened(**fields), 0)[0])


@settings(max_examples=300)
@given(event=events, query=queries, organization=st.sampled_from([None, "acme", "acme2", "Acme", ""]))
def test_an_entry_alone_is_found_by_what_matches_it_and_by_nothing_else(
    event: Event, query: Query, organization: str | None
) -> None:
    alone = read(seal(event, 0)[0])
    assert matching(query, organization)(alone) == (Naive([alone]).find(query, organization) == [0])


def test_an_empty_query_matches_everything_and_an_organization_only_its_own() -> None:
    every = matching(parse("", NOW))
    acme = matching(parse("", NOW), "acme")
    theirs, others, nobodys = (entry(organization=o) for o in (Organization("acme"), Organization("acme2"), None))
    assert all(map(every, (theirs, others, nobodys)))
    assert [acme(theirs), acme(others), acme(nobodys)] == [True, False, False]


def test_an_entity_is_known_by_the_name_it_has_in_this_entry() -> None:
    pro = matching(parse('entity:"pro seat"', NOW))
    assert pro(entry(entity=Entity("License", "lic_9", "Pro seat 9")))
    assert not pro(entry(entity=Entity("License", "lic_9", "Basic")))


def test_a_range_holds_its_first_moment_and_not_its_last() -> None:
    day = matching(parse("since:2026-11-19 until:2026-11-19", NOW))
    told = [entry(occurred_at=datetime(2026, 11, d, h, tzinfo=UTC)) for d, h in ((18, 23), (19, 0), (19, 23), (20, 0))]
    assert [day(each) for each in told] == [False, True, True, False]
