"""A search finds what reading every entry would find, page by page, and nothing of another organization."""

import fnmatch
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.errors import VerificationError
from indelible.event import Actor, Context, Entity, Entry, Event, Organization, read
from indelible.index import block, blocks, making
from indelible.index.kept import Sifted
from indelible.log import Log
from indelible.search import hits
from indelible.search.page import MAX_PAGE, find, lines
from indelible.search.query import ANY, KEYS, Query, Term, parse
from indelible.search.sieve import Sieve
from tests.checking import indexed, on_sqlite
from tests.store.test_log import happened
from tests.world import World

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ACTORS = [
    Actor(id="u1", name="Dana Lee", email="dana@acme.test"), Actor(id="u2", name="Straße"), Actor(type="unknown"),
    Actor.system("purge"), Actor(type="api_key", id="key_9", name="Dana's key"), Actor(id="u1", name="Dana Smith"),
]  # fmt: skip
ENTITIES = [
    Entity("License", "lic_9", "Pro seat 9"), Entity("License", "lic_9", "Basic [x]?"),
    Entity("User", "u1", "Dana Lee"), Entity("ApiKey", "9"), Entity("Größe", "ß/1", "100%"), Entity("License", "a*b"),
]  # fmt: skip
ORGANIZATIONS = [None, Organization("acme", "Acme"), Organization("acme2", "Zürich"), Organization("acme", "Acme Inc")]
NAMED = [*ORGANIZATIONS, Organization("o1", "Umbrella"), Organization("o1", "Initech")]
ACTIONS = ["LICENSE_ASSIGNED", "LICENSE_CREATED", "USER_SIGNED_IN"]
SOURCES = [None, "portal", "sql"]

FIELDS = ["plan", "seats", "Größe", "a_field"]
LONG = "long " * 300 + "Professional"  # is not cut into grams
VALUES = ["free", "Professional", "no", "ﬁne", "Straße 9", "n", "a\nb", "dana@acme.test", "a*b", 9, LONG]

WORDS = [
    "umbrella", "long",
    "plan", "free", "PRO", "o", "no", "essional", "professional", "fine", "n", "field", "*essional", "straße 9",
    "dana", "DANA", "lee", "u1", "lic_9", "License", "license_", "signed.in", "signed in", "STRASSE", "straße",
    "GRÖSSE",
    "[x]", "?", "100%", "%", "_", "9", "acme", "ACME", "zürich", "system", "unknown", "user", "portal", "sql", "update",
    "nothing", "lic*", "*9", "*a*", "u?", "LICENSE_*", "*", "a*b", "LICENSE_ASSIGNED*", "*.TEST", "[x*",
    "License/lic_9",
    "license/lic_9", "License/lic", "License/", "Größe/ß/1", "user/u1", "user/u", "api_key/key_9", "system/purge",
]  # fmt: skip
values = st.none() | st.sampled_from(VALUES)
changed = st.fixed_dictionaries({}, optional={"old": values, "new": values})
events = st.builds(
    happened,
    actor=st.sampled_from(ACTORS), entity=st.sampled_from(ENTITIES), organization=st.sampled_from(NAMED),
    action=st.sampled_from(ACTIONS), operation=st.sampled_from(["create", "update"]),
    context=st.sampled_from(SOURCES).map(lambda source: Context(source=source)),
    occurred_at=st.integers(-4, 0).map(lambda days: NOW + timedelta(days=days)),
    changes=st.dictionaries(st.sampled_from(FIELDS), changed),
)  # fmt: skip
terms = st.builds(
    Term, st.sampled_from([ANY, *KEYS[:-2]]), st.sampled_from([w for w in WORDS if w.strip("*")]), st.booleans(),
    quoted=st.booleans(),
)  # fmt: skip
queries = st.builds(
    Query, st.lists(terms, max_size=3).map(tuple), st.none() | st.just(NOW - timedelta(days=3)),
    st.none() | st.just(NOW - timedelta(days=1)),
)  # fmt: skip


class Naive:
    """Reads every entry and compares text. Organizations are found by every name they ever had."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.names: dict[object, set[str | None]] = {}
        for entry in entries:
            if entry.organization:
                self.names.setdefault(entry.organization.id, {entry.organization.id}).add(entry.organization.name)

    def find(self, query: Query, organization: str | None = None) -> list[int]:
        return [
            entry.seq
            for entry in self.entries
            if (organization is None or (entry.organization and entry.organization.id == organization))
            and (query.since is None or datetime.fromisoformat(entry.occurred_at) >= query.since)
            and (query.until is None or datetime.fromisoformat(entry.occurred_at) < query.until)
            and all(self.holds(entry, term) != term.negated for term in query.terms)
        ]

    def holds(self, entry: Entry, term: Term) -> bool:
        type_, slash, key = term.value.partition("/")
        if term.key == "entity" and slash:
            return entry.entity.id == key and entry.entity.type.lower() == type_.lower()
        if term.key == "user" and slash and type_ in ("user", "api_key", "system", "job", "database", "unknown"):
            return (entry.actor.type, entry.actor.id) == (type_, key)
        actor, entity = entry.actor, entry.entity
        said = {
            "action": spellings(entry.action),
            "entity": spellings(entity.type) | {entity.id, entity.name},
            "user": {actor.name, actor.email, actor.id, actor.type},
            "org": self.names[entry.organization.id] if entry.organization else set(),
            "operation": spellings(entry.operation),
            "source": spellings(entry.context.source or "unknown"),
        }
        for key in ("old", "new"):
            said[key] = {change.get(key) for change in entry.changes.values()}
        said["field"] = set(entry.changes)
        said[ANY] = said["action"] | said["entity"] | said["user"] | said["old"] | said["new"]
        return any(matches(text, term) for text in said[term.key] if text)


def spellings(name: str) -> set[str | None]:
    return {name, name.replace("_", "."), name.replace("_", " ")}


def matches(text: object, term: Term) -> bool:
    text, value = str(text).casefold(), term.value.casefold()
    if "*" not in value or term.quoted:
        return value in text
    return fnmatch.fnmatchcase(text, "".join(f"[{c}]" if c in "[?" else c for c in value))


def everything(log: Log, query: Query, organization: str | None = None) -> list[int]:
    return [read(line).seq for line in lines(log, query, organization=organization)]


@pytest.fixture(params=["behind the blocks, cut anywhere", "behind the blocks", "in blocks", "in blocks and zones"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found does not depend on where the log is cut."""
    blocked = request.param.startswith("in")
    monkeypatch.setattr(hits, "STRETCH", 2 if request.param.endswith("anywhere") else 4096)
    monkeypatch.setattr(hits, "ZONE", 4 if request.param.endswith("zones") else 1024)
    monkeypatch.setattr(hits, "REMEMBERED", 3 if request.param.endswith("zones") else 50_000)
    monkeypatch.setattr(block, "ZONE", 4 if request.param.endswith("zones") else 256)
    monkeypatch.setattr(making, "ZONE", 4 if request.param.endswith("zones") else 256)
    monkeypatch.setattr(blocks, "SIZES", (32, 16, 8) if blocked else (2**40,))


@pytest.mark.usefixtures("cut")
@settings(max_examples=40)
@given(added=st.lists(events, max_size=8), asked=st.lists(queries, min_size=5, max_size=12))
def test_a_search_finds_what_reading_every_entry_finds(world: World, added: list[Event], asked: list[Query]) -> None:
    world.log.append(added)
    indexed(world.log)
    naive = Naive([read(line) for _, _, line in world.log.leaves(0, 2**62)])
    for query, organization in itertools.product(asked, [None, "acme", "acme2", "Acme", "nobody", ""]):
        expected = naive.find(query, organization)
        assert everything(world.log, query, organization) == expected, query
        found = find(world.log, query, organization=organization, limit=MAX_PAGE)
        assert [entry.seq for entry in found.entries] == expected[::-1][:MAX_PAGE]
        assert found.count == len(expected)


def test_a_star_does_not_reach_from_one_name_into_the_next(world: World) -> None:
    world.log.append(
        [happened(entity=Entity("License", "1", "alpha")), happened(entity=Entity("License", "1", "beta"))]
    )
    assert everything(world.log, parse("entity:a*ta", NOW)) == []


@pytest.mark.usefixtures("cut")
def test_of_a_name_of_several_lines_each_is_a_name_wherever_it_is_looked_for(world: World) -> None:
    world.log.append([happened(actor=Actor(id="u_1", name="Dana\nLee")) for _ in range(40)])
    for size in (0, 40):  # none of them in blocks, then as many as the sizes of blocks allow
        if size:
            indexed(world.log)
        for text, found in {
            "*dana": 40, "dana*lee": 0, "user:dana*lee": 0, "user:*dana": 40, "user:*lee": 40, "-*dana": 0,
        }.items():  # fmt: skip
            assert len(everything(world.log, parse(text, NOW))) == found, text


@pytest.mark.usefixtures("cut")
def test_a_document_that_looks_like_the_spelling_of_a_value_is_searched_as_a_document(world: World) -> None:
    said = [
        {"text": "hello", "format": "html"},
        {"redacted": True, "reason": "gdpr"},
        {"redacted": True},
        {"float": "NaN"},
    ]
    world.log.append(happened(changes={"body": {"new": each}}) for each in said)
    indexed(world.log)
    for text, found in {"new:html": [0], "new:gdpr": [1], "new:redacted": [1], "new:nan": [3], "new:*nan": [3]}.items():
        assert everything(world.log, parse(text, NOW)) == found, text


def test_what_belongs_to_no_organization_is_not_of_this_one(world: World) -> None:
    world.log.append(happened(organization=organization) for organization in ORGANIZATIONS)
    assert everything(world.log, parse("org:acme", NOW)) == [1, 2, 3]
    assert everything(world.log, parse("-org:zürich", NOW)) == [0, 1, 3]


@pytest.mark.parametrize("hostile", ["'", '"x', "\\", "%", "_", ";--", "') OR 1=1 --", "a'||'b"])
def test_a_hostile_word_is_only_a_word(world: World, hostile: str) -> None:
    world.log.append([happened(), happened(actor=Actor(id=hostile))])
    term = Term("user", hostile)
    assert everything(world.log, Query((term,))) == [1]
    assert everything(world.log, Query((Term("user", hostile, negated=True),))) == [0]


def test_an_organization_sees_only_its_own_whatever_it_asks(world: World) -> None:
    world.log.append(happened(organization=organization) for organization in ORGANIZATIONS)
    for asked in ("", "org:zürich", "-org:acme", "-nothing", 'org:"acme2" -org:acme', "since:9999d"):
        for entry in find(world.log, parse(asked, NOW), organization="acme").entries:
            assert entry.organization
            assert entry.organization.id == "acme"
    assert find(world.log, Query(), organization="").entries == []


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_paging_walks_every_entry_once_in_both_directions(world: World, limit: int) -> None:
    world.log.append(happened(action=ACTIONS[i % 2]) for i in range(21))
    query = parse("action:LICENSE_ASSIGNED", NOW)
    expected, down, before = list(range(20, -1, -2)), [], None
    while True:
        got = find(world.log, query, before=before, limit=limit)
        down += [entry.seq for entry in got.entries]
        assert got.count == 11
        if (before := got.older) is None:
            break
    assert down == expected
    up, after = [entry.seq for entry in got.entries], got.newer
    while after is not None:
        got = find(world.log, query, after=after, limit=limit)
        up = [entry.seq for entry in got.entries] + up
        after = got.newer
    assert up == expected


def test_pages_of_a_growing_log_neither_repeat_nor_skip(world: World) -> None:
    world.log.append(happened() for _ in range(9))
    seen, before = [], None
    while True:
        got = find(world.log, Query(), before=before, limit=2)
        seen += [entry.seq for entry in got.entries]
        world.log.append([happened()])
        if (before := got.older) is None:
            break
    assert seen == list(range(8, -1, -1))


def test_counts_are_exact_up_to_the_cap_and_say_when_they_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.log.append(happened() for _ in range(7))
    monkeypatch.setattr(hits, "STRETCH", 2)
    for cap, expected in ((5, (7, False)), (4, (5, True)), (7, (7, False))):
        monkeypatch.setattr(hits, "COUNTED", cap)
        got = find(world.log, Query(), limit=2)
        assert (got.count, got.capped) == expected


def test_an_export_ends_where_the_log_ended_when_it_began(world: World) -> None:
    world.log.append(happened() for _ in range(3))
    walking = lines(world.log, Query())
    first = next(walking)
    world.log.append([happened()])
    assert [read(line).seq for line in (first, *walking)] == [0, 1, 2]


def test_a_search_says_so_where_the_log_lacks_an_entry(file_world: World) -> None:
    file_world.log.append(happened(changes={"plan": {"new": "pro"}}) for _ in range(5))
    db = apsw.Connection(str(on_sqlite(file_world.log).path))
    db.execute("DROP TRIGGER leaf_refuses_delete; DELETE FROM leaf WHERE seq = 2")
    db.close()
    with pytest.raises(VerificationError, match="lacks some of its entries from 0 to 4"):
        find(file_world.log, parse("new:pro", NOW))


def test_what_an_index_lets_through_is_looked_at_once_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a block in which somebody has every entry be everybody's."""
    world.log.append(happened(organization=Organization(("acme", "globex")[n % 2], "x")) for n in range(1100))
    indexed(world.log)
    assert find(world.log, Query(), organization="acme").count == 550
    monkeypatch.setattr(Sieve, "sift", lambda _, block: Sifted((1 << block.size) - 1, (1 << block.size) - 1, 0))
    monkeypatch.setattr(Sieve, "amounts", lambda _, blocks: [None] * len(blocks))
    with pytest.raises(VerificationError, match="not its own"):
        find(world.log, Query(), organization="acme", limit=500, before=1000)
    with pytest.raises(VerificationError, match="not its own"):
        list(lines(world.log, Query(), organization="acme"))
    assert find(world.log, Query()).count == 1100
