"""What is kept of dictionaries is what the log has: whoever appended to it, and whatever was put in its place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.event import Actor, Organization
from indelible.log import Log
from indelible.store import spellings
from indelible.store.dictionary import PLAIN
from indelible.store.folding import COMMON, Texts, fitting
from indelible.store.spellings import Spellings
from tests.store.test_log import happened
from tests.world import World


def append(log: Log, *names: str) -> None:
    log.append(happened(actor=Actor(id=name, name=name)) for name in names)


def known(log: Log) -> Spellings:
    log.spellings.upto(log.head().size)
    return log.spellings


def same(log: Log, text: str) -> bool:
    """It tells what the store tells, of every dictionary."""
    return all(
        sorted(known(log).having(dimension, text)) == sorted(log.store.having(dimension, text))
        and sorted(known(log).fitting(dimension, f"*{text}")) == sorted(log.store.fitting(dimension, f"*{text}"))
        for dimension in (*PLAIN, "organization")
    )


def test_what_is_appended_later_is_known_whoever_appends_it(world: World) -> None:
    append(world.log, "Dana", "Kim")
    assert same(world.log, "dana")
    with Log.open(world.log_url) as other:
        append(other, "Daniel", "Dana", "Aiko")
    assert same(world.log, "da")
    assert len(known(world.log).having("actor", "da")) == 2


def test_an_organization_is_found_by_the_name_that_it_has_since(world: World) -> None:
    world.log.append([happened(organization=Organization("org_1", "Acme"))])
    assert same(world.log, "acme")
    world.log.append([happened(organization=Organization("org_1", "Globex"))])
    assert same(world.log, "globex")
    assert known(world.log).having("organization", "globex")


def test_of_a_dictionary_that_is_too_large_the_store_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spellings, "MOST", 3)
    append(world.log, "Dana", "Kim")
    assert same(world.log, "dana")
    append(world.log, "Aiko", "Daniel")
    assert same(world.log, "da")
    append(world.log, "Danuta")
    assert same(world.log, "da")
    assert len(known(world.log).having("actor", "da")) == 3


def test_a_search_that_heard_of_less_forgets_nothing(world: World) -> None:
    append(world.log, "Dana", "Kim")
    known(world.log)
    world.log.spellings.upto(1)
    assert len(world.log.spellings.having("actor", "kim")) == 1
    assert same(world.log, "kim")


def test_an_older_copy_that_was_put_in_its_place_and_grew_is_read_anew(world: World, tmp_path: Path) -> None:
    with Log.create(f"sqlite:///{tmp_path}/older.db") as older:
        for log in (world.log, older):
            append(log, "Dana")
        append(world.log, "Kim", "Aiko")
        kept = known(world.log)
        append(older, "Zora", "Yann", "Xenia")
        kept._store = older.store  # as a file that was put in its place is read
        kept.upto(older.head().size)
        assert kept.having("actor", "kim") == []
        assert kept.having("actor", "zora") == older.store.having("actor", "zora") != []


@given(names=st.lists(st.text("ab\n", max_size=9)), pattern=st.text("ab*", max_size=6))
def test_a_pattern_fits_the_names_that_have_a_spelling_it_fits(names: list[str], pattern: str) -> None:
    numbered = list(enumerate(names))
    expected = [number for number, name in numbered if any(wild(pattern, spelling) for spelling in name.split("\n"))]
    assert fitting(pattern, numbered) == expected


def wild(pattern: str, text: str) -> bool:
    """By trying all that a star may stand for."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(wild(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return text[:1] == pattern[0] and wild(pattern[1:], text[1:])


@given(st.lists(st.text("ab\0\n", max_size=5)), st.text("ab\0\n", max_size=3))
def test_texts_that_are_searched_as_one_have_what_each_has(texts: list[str], word: str) -> None:
    kept = Texts(texts)
    having = [number for number, text in enumerate(texts) if word in text]
    if not kept.common(word):
        assert list(kept.having(word, lambda text: word in text)) == having
    assert len(having) <= len(texts) // COMMON or kept.common(word)
