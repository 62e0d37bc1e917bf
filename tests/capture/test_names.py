"""What an entry calls another entity is what that entity's own table last called it."""

from tests.world import World

DDL = """
CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id TEXT, user_name TEXT);
CREATE TABLE seats (id TEXT PRIMARY KEY, holder TEXT);
"""
MAP = """
[users]
name = "name"
[sessions]
entity = "User"
action = "USER_SESSION"
id = "user_id"
name = "user_name"
[seats]
references = { holder = "User" }
"""


def test_another_table_that_tells_of_a_user_cannot_rename_them(world: World) -> None:
    world.watch(DDL, map_text=MAP)
    world.run("INSERT INTO users VALUES ('u_1', 'Mary Jones')")
    world.run("INSERT INTO sessions VALUES ('s_1', 'u_1', 'Mary Jones')")
    world.run("UPDATE users SET name = 'Mary Smith'")
    world.run("DELETE FROM sessions")  # it still says Jones
    world.run("INSERT INTO sessions VALUES ('s_2', 'u_1', 'whatever somebody typed')")
    world.run("INSERT INTO seats VALUES ('seat', 'u_1')")
    *_, left, forged, seat = world.sealed()
    assert [left.entity.name, forged.entity.name] == ["Mary Smith", "Mary Smith"]
    assert seat.changes["holder"] == {"new": "u_1", "new_name": "Mary Smith"}


def test_another_table_that_tells_of_an_organization_cannot_rename_it(world: World) -> None:
    world.watch(
        "CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT);"
        "CREATE TABLE notes (id TEXT PRIMARY KEY, org TEXT, label TEXT)",
        map_text='[organizations]\nname = "name"\norganization = "id"\n'
        '[notes]\nentity = "Organization"\nid = "org"\nname = "label"\norganization = "org"',
    )
    world.run("INSERT INTO organizations VALUES ('o', 'Acme')")
    world.run("INSERT INTO notes VALUES ('n', 'o', 'whatever somebody typed')")
    assert [entry.organization and entry.organization.name for entry in world.sealed()] == ["Acme", "Acme"]


def test_a_name_that_only_another_table_tells_is_better_than_none(world: World) -> None:
    world.watch(DDL, map_text=MAP)
    world.run("INSERT INTO sessions VALUES ('s_1', 'u_9', 'Kim')")
    assert world.sealed()[0].entity.name == "Kim"
