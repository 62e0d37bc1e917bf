"""What has no organization of its own is of that of the thing it belongs to, as the log last knew it."""

import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from indelible import owners
from indelible.errors import ConflictError, LogError, MapError
from indelible.event import Entity, Entry, Event, Organization
from indelible.export import alone
from indelible.export.bundle import write_bundle
from indelible.index import blocks
from indelible.log import Log
from indelible.sealer import Sealer
from indelible.search.page import find
from indelible.search.query import Query
from tests.capture.postgres.world import PostgresWorld
from tests.checking import indexed
from tests.store.test_log import happened
from tests.world import World

DDL = """
CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE projects (id TEXT PRIMARY KEY, organization_id TEXT);
CREATE TABLE project_members (project_id TEXT REFERENCES projects ON DELETE CASCADE, user_id TEXT,
    PRIMARY KEY (project_id, user_id));
CREATE TABLE notes (id TEXT PRIMARY KEY, member TEXT, project TEXT REFERENCES projects ON DELETE CASCADE);
CREATE TABLE attachments (id TEXT PRIMARY KEY, note TEXT);
"""
MAP = """
[organizations]
name = "name"
organization = "id"
[projects]
organization = "organization_id"
[project_members]
entity = "Project"
action = "PROJECT_MEMBER"
id = "project_id"
organization_of = "project_id"
references = { user_id = "User" }
[notes]
organization_of = "project"
references = { project = "Project" }
[attachments]
organization_of = "note"
references = { note = "Note" }
"""
Either = World | PostgresWorld


@pytest.fixture(params=["sqlite", "postgres"])
def unwatched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Either]:
    """The application and the log both on the one, or both on the other."""
    if request.param == "sqlite":
        made: Either = World(tmp_path)
        made.run("PRAGMA foreign_keys = on")
    else:
        url = str(request.getfixturevalue("pg_url"))
        made = PostgresWorld(tmp_path, url, url)
    yield made
    made.close()


@pytest.fixture
def world(unwatched: Either) -> Either:
    """Acme has a project."""
    unwatched.watch(DDL, map_text=MAP)
    unwatched.run("INSERT INTO organizations VALUES ('acme', 'Acme'), ('other', 'Other')")
    unwatched.run("INSERT INTO projects VALUES ('p', 'acme')")
    return unwatched


def whose(entries: list[Entry]) -> list[str | None]:
    return [entry.organization.id if entry.organization else None for entry in entries]


def new(world: Either) -> list[str | None]:
    """Whose those are that the next pass seals."""
    before = world.log.head().size
    return whose(world.sealed()[before:])


def restart(world: Either) -> None:
    world.sealed()
    world.let_go()


def test_who_sees_one_organization_sees_the_members_of_its_projects_come_and_go(world: Either, tmp_path: Path) -> None:
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    world.run("DELETE FROM project_members")
    added, removed = world.sealed()[-2:]
    assert added.organization == removed.organization == Organization("acme", "Acme")
    seen = find(world.log, Query(), organization="acme").entries
    assert seen[:2] == [removed, added]
    with (tmp_path / "acme.zip").open("wb") as file:
        assert write_bundle(world.log, file, "acme") == len(seen) == 4
    zipfile.ZipFile(tmp_path / "acme.zip").extractall(tmp_path / "acme")
    assert alone.check(alone.Files(tmp_path / "acme"), str(world.log.verifier)).size == 4
    assert world.log.line(added.seq) in (tmp_path / "acme" / "entries.jsonl").read_bytes().splitlines()
    assert find(world.log, Query(), organization="other").count == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_project_that_moves_takes_along_what_comes_later(world: Either, *, restarted: bool) -> None:
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    assert new(world)[-1] == "acme"
    world.run("UPDATE projects SET organization_id = 'other'")
    if restarted:
        restart(world)
    world.run("INSERT INTO project_members VALUES ('p', 'v')")
    assert new(world)[-1] == "other"
    world.run("UPDATE projects SET organization_id = NULL")
    world.run("INSERT INTO project_members VALUES ('p', 'w')")
    assert new(world) == [None, "other"]  # the newest that has one


def test_in_one_pass_each_entry_goes_by_those_before_it(world: Either) -> None:
    world.run("INSERT INTO attachments VALUES ('a', 'n')")
    world.run("INSERT INTO notes VALUES ('n', 'u', 'p')")
    world.run("INSERT INTO attachments VALUES ('b', 'n')")
    world.run("UPDATE projects SET organization_id = 'other'")
    world.run("INSERT INTO attachments VALUES ('c', 'n')")
    world.run("UPDATE notes SET member = 'v'")
    world.run("DELETE FROM attachments WHERE id = 'a'")
    assert new(world)[3:] == [None, "acme", "acme", "other", "acme", "other", "other"]


def test_a_project_and_its_members_may_be_made_in_one_transaction(world: Either) -> None:
    with world.engine().begin() as db:
        db.exec_driver_sql("INSERT INTO projects VALUES ('q', 'other')")
        db.exec_driver_sql("INSERT INTO project_members VALUES ('q', 'u'), ('q', 'v')")
    assert new(world)[-3:] == ["other"] * 3


@pytest.mark.parametrize("restarted", [False, True])
def test_what_goes_with_its_project_is_still_the_organization_s(world: Either, *, restarted: bool) -> None:
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    world.run("INSERT INTO notes VALUES ('n', 'u', 'p')")
    if restarted:
        restart(world)
    world.run("DELETE FROM projects")
    gone = world.sealed()[-3:]
    assert {entry.action for entry in gone} == {"PROJECT_DELETED", "PROJECT_MEMBER_DELETED", "NOTE_DELETED"}
    assert whose(gone) == ["acme"] * 3


def test_what_belongs_to_what_belongs_to_a_project_is_of_its_organization(world: Either) -> None:
    world.run("INSERT INTO notes VALUES ('n', 'u', 'p')")
    world.run("INSERT INTO attachments VALUES ('a', 'n')")
    assert new(world)[-2:] == ["acme", "acme"]
    restart(world)
    world.run("DELETE FROM attachments")
    assert new(world) == ["acme"]


def test_what_the_log_does_not_know_has_no_organization(world: Either) -> None:
    world.run("INSERT INTO attachments VALUES ('a', 'nowhere'), ('b', NULL), ('c', '')")
    world.log.append([happened(entity=Entity("note", "nowhere"), organization=Organization("acme"))])
    world.log.append([happened(entity=Entity("Note", "nowhere"))])
    world.run("UPDATE attachments SET id = 'd' WHERE id = 'a'")
    assert new(world)[-4:] == [None] * 4


@pytest.mark.parametrize("block", [False, True])
def test_a_sealer_that_begins_finds_what_the_log_knew(
    world: Either, monkeypatch: pytest.MonkeyPatch, *, block: bool
) -> None:
    """However many entries without an organization came between: as when the map said nothing of it yet."""
    monkeypatch.setattr(blocks, "SIZES", (64, 32, 8))
    monkeypatch.setattr(owners, "STRETCH", 10)
    monkeypatch.setattr(owners, "LOOKED", 3)
    world.run("INSERT INTO projects VALUES ('q', 'acme'), ('r', NULL)")
    restart(world)
    between = [happened(entity=Entity("Project", "pqr"[n % 3])) for n in range(150)]
    world.log.append(between[:75])
    world.run("UPDATE projects SET organization_id = 'other' WHERE id = 'q'")
    restart(world)
    world.log.append(between[75:])
    if block:
        indexed(world.log)
        assert world.log.blocks.reach(world.log.head().size) > 64
    for project in "pqr":
        world.run(f"INSERT INTO project_members VALUES ('{project}', 'u')")
    assert new(world) == ["acme", "other", None]
    restart(world)
    world.run("DELETE FROM project_members WHERE project_id = 'p'")
    assert new(world) == ["acme"]


def test_what_somebody_else_appended_is_known(world: Either) -> None:
    """Another sealer, or a program that records."""
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    world.sealed()
    with Log.open(world.log_url) as log, closing(Sealer(world.outbox(), log)) as other:
        world.run("UPDATE projects SET organization_id = 'other'")
        assert other.seal() == 1
        world.run("INSERT INTO project_members VALUES ('p', 'v')")
        assert new(world) == ["other"]
        world.log.append([happened(entity=Entity("Project", "p"), organization=Organization("acme"))])
        world.run("INSERT INTO project_members VALUES ('p', 'w')")
        assert other.seal() == 1
    assert whose(world.sealed())[-1] == "acme"


def test_a_batch_that_is_not_committed_leaves_nothing_behind(world: Either, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where it failed, nor where another sealer was faster and it begins again by itself."""
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    world.sealed()
    world.run("INSERT INTO project_members VALUES ('p', 'v')")
    world.run("UPDATE projects SET organization_id = 'other'")
    errors, told = [ConflictError("moved"), LogError("full")], owners.Owners.told

    def fails(self: owners.Owners, event: Event) -> None:
        told(self, event)
        if event.action == "PROJECT_UPDATED" and errors:
            raise errors.pop()

    monkeypatch.setattr(owners.Owners, "told", fails)
    with pytest.raises(LogError, match="full"):
        world.sealer.seal()
    assert new(world) == ["acme", "other"]
    assert not errors


def test_an_index_that_was_altered_gives_nothing_away(world: Either) -> None:
    world.run("INSERT INTO projects VALUES ('q', 'other')")
    world.sealed()
    with world.shell() as db:
        db.disarm()
        db.run("UPDATE entry SET entity_id = (SELECT entity_id FROM entry WHERE seq = 2) WHERE seq = 3")
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    world.sealer.seal()
    added = world.log.entry(4)
    assert (added.entity.id, whose([added])) == ("p", ["acme"])


def test_a_program_of_another_organization_cannot_take_a_project_s_entries(world: Either) -> None:
    world.sealed()
    taking = happened(entity=Entity("Project", "p"), organization=Organization("other"), metadata={"api_key": "k_1"})
    world.log.append([taking])
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    assert new(world) == ["acme"]


def test_what_many_programs_say_of_a_thing_hides_nothing(world: Either) -> None:
    world.sealed()
    said: dict[str, Any] = {
        "entity": Entity("Project", "p"),
        "organization": Organization("other"),
        "metadata": {"api_key": "k_1"},
    }
    world.log.append(happened(**said) for _ in range(1500))
    world.run("INSERT INTO project_members VALUES ('p', 'u')")
    assert new(world) == ["acme"]


def test_a_server_that_is_behind_is_not_asked_whose_a_thing_is(world: Either) -> None:
    world.sealed()
    asked = owners.Owners(world.log.store, world.log.blocks)
    with world.log.appending() as appending, pytest.raises(LogError, match="has 3 of 4 entries where it is read"):
        asked.expect(appending.size + 1, appending.names, [("Project", "p")])


def test_of_an_organization_without_a_name_the_id_is_known(world: Either) -> None:
    world.run("INSERT INTO projects VALUES ('q', 'unheard')")
    world.run("INSERT INTO project_members VALUES ('q', 'u')")
    assert world.sealed()[-1].organization == Organization("unheard")


def test_what_there_is_when_watching_begins_belongs_too(unwatched: Either) -> None:
    """The tables that tell whose a thing is are read first, whatever they are called."""
    rows = (
        "INSERT INTO attachments VALUES ('a', 'n')", "INSERT INTO project_members VALUES ('p', 'u')",
        "INSERT INTO notes VALUES ('n', 'u', 'p')",
    )  # fmt: skip
    unwatched.watch_all(f"{DDL}INSERT INTO projects VALUES ('p', 'acme'); {'; '.join(rows)};", map_text=MAP)
    found = [entry for entry in unwatched.sealed() if entry.operation == "baseline"]
    assert whose(found) == ["acme"] * 4


def test_a_table_that_begins_to_belong_says_so_on_record(unwatched: Either) -> None:
    unwatched.watch_all(DDL)
    unwatched.watch_all(map_text='[notes]\norganization_of = "project"\nreferences = { project = "Project" }')
    changed = unwatched.sealed()[-1]
    assert (changed.action, changed.changes) == ("AUDIT_CAPTURE_CHANGED", {"organization_of": {"new": "project"}})


NOWHERE = "organization_of: the map does not say what '{}' refers to. Name its entity in `references`, as {{ {}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[notes]\norganization_of = "project"', NOWHERE.format("project", "project")),
        ('[notes]\norganization_of = "id"', NOWHERE.format("id", "id")),
        (
            '[project_members]\nid = ["project_id", "user_id"]\norganization_of = "project_id"',
            NOWHERE.format("project_id", "project_id"),
        ),
        (
            '[projects]\norganization = "organization_id"\norganization_of = "id"\nreferences = { id = "X" }',
            "from `organization` ('organization_id') or from `organization_of` ('id'), not from both. Keep one.",
        ),
        ('[notes]\norganization_of = "projekt"', "organization_of: there is no column 'projekt'"),
        (
            '[notes]\norganization_of = "project"\nreferences = { project = "Project" }\nignore = ["project"]',
            "'project' is ignored or redacted, so it cannot give",
        ),
        (
            '[notes]\norganization_of = "project"\nreferences = { project = "Project" }\nredact = ["proj*"]',
            "'project' is ignored or redacted, so it cannot give",
        ),
    ],
)
def test_a_map_that_does_not_say_whose_is_refused(unwatched: Either, text: str, said: str) -> None:
    with pytest.raises(MapError) as caught:
        unwatched.watch(DDL, map_text=text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("The map, table [")
