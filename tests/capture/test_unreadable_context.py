"""Whatever stands where the context should be: the record is kept, and nobody is named."""

import pytest

from indelible.capture.sqlite.carry import SET
from indelible.event import Actor
from tests.world import World, who

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)"


@pytest.mark.parametrize(
    "row", ["not json", "{}", "[]", '{"actor":{"type":"root"}}', "NUL\0", "1", '{"actor":' * 3000, '{"actor":{"name":"'
            + "x" * 70_000 + '"}}', '{"actor":' + '{"on_behalf_of":' * 2000 + "{}" + "}" * 2001],
    ids=range(9),
)  # fmt: skip
def test_a_context_that_cannot_be_read_loses_no_record_and_names_nobody(world: World, row: str) -> None:
    world.watch(T)
    world.run(SET, (row,))
    world.run("INSERT INTO t VALUES (1, 'x')")
    (entry,) = world.sealed()
    assert (entry.actor, entry.metadata) == (Actor(type="unknown"), {"unreadable_context": True})


def test_bytes_as_a_context_lose_no_record(world: World) -> None:
    world.watch(T)
    world.run(SET.replace("?", "CAST(x'7b22ff227d' AS TEXT)"))
    world.run("INSERT INTO t VALUES (1, 'x')")
    world.run(SET, (b"\x00",))
    world.run("INSERT INTO t VALUES (2, 'x')")
    assert who(world.sealed()) == ["unknown", "unknown"]
