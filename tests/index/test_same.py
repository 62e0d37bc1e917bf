"""`verify` makes each block again: it finds what is tampered with, and not what says the same in other bytes."""

import pytest

from indelible.errors import LogError, VerificationError
from indelible.event import Actor, Organization
from indelible.index import blocks, image, same, sets
from indelible.log import Log
from indelible.verify import verify_log
from tests.index.conftest import advance, append, count
from tests.store.test_log import happened
from tests.world import World


def test_a_block_that_hides_an_entry_is_found_by_verify(world: World) -> None:
    append(world, 90)
    advance(world.log)
    verify_log(world.log, world.log.verifier)
    (block, *_) = world.log.blocks.upto(90)
    path = world.log.store.index_path / "64"
    data = bytearray(path.read_bytes())
    at = data.index(bytes(block._section("actor.sets")))
    data[at] ^= 1
    path.write_bytes(data)
    with (
        Log.open(world.log_url, sign=False) as log,
        pytest.raises(VerificationError, match="entries 0 to 63") as caught,
    ):
        verify_log(log, log.verifier)
    assert caught.value.kind == "index"


@pytest.fixture
def deflated(file_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A log with a block in which a set is deflated: of the gram `e22` of every 50th entry."""
    monkeypatch.setattr(blocks, "SIZES", (4096,))
    file_world.log.append(happened(actor=Actor(id="u3"), changes=changed(n % 50)) for n in range(4096))
    advance(file_world.log)
    return file_world


def changed(number: int) -> dict[str, dict[str, str]]:
    return {"plan": {"old": "free", "new": f"value{number}"}}


def test_what_another_zlib_deflated_otherwise_is_the_same_block(
    deflated: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deflated.log.store.index_path / "4096"
    first = path.read_bytes()
    monkeypatch.setattr(sets, "LEVEL", 9)
    verify_log(deflated.log, deflated.log.verifier)
    path.unlink()
    advance(deflated.log)
    assert path.read_bytes() != first
    assert count(deflated.log, "new:value22") == 82


def test_a_deflated_set_that_is_damaged_ends_a_search_with_a_word_and_is_found_by_verify(deflated: World) -> None:
    path = deflated.log.store.index_path / "4096"
    data = path.read_bytes()
    for packed in map(bytes, same._sets(memoryview(data), "new")):
        if len(packed) % 2:
            data = data.replace(packed, b"\xff" * len(packed))
    path.write_bytes(data)
    with Log.open(deflated.log_url, sign=False) as log:
        with pytest.raises(LogError, match=r"The search index is damaged: .* Remove its folder"):
            count(log, "new:value22")
        with pytest.raises(VerificationError, match="entries 0 to 4095") as caught:
            verify_log(log, log.verifier)
    assert caught.value.kind == "index"


@pytest.mark.parametrize("section", [name for name in image.SECTIONS if "sets" not in name and name != "last"])
def test_whatever_is_tampered_with_in_a_block_is_found_by_verify(world: World, section: str) -> None:
    acme = Organization("acme", "Acme")
    world.log.append(happened(organization=acme, changes=changed(n % 2)) for n in range(64))
    advance(world.log)
    path = world.log.store.index_path / "64"
    data = bytearray(path.read_bytes())
    image.section(memoryview(data), section)[-1] ^= 0x80
    path.write_bytes(data)
    with Log.open(world.log_url, sign=False) as log, pytest.raises(VerificationError) as caught:
        verify_log(log, log.verifier)
    assert caught.value.kind == "index"
