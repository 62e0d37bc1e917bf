"""A prover proves every entry of its checkpoint, and nothing that is not what was signed."""

import pytest

from indelible.errors import NotFoundError, VerificationError
from indelible.merkle.tlog_proof import TlogProof
from tests.store.test_log import happened
from tests.world import World


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_every_entry_is_proved_to_whoever_has_the_key(either: World, size: int) -> None:
    log = either.log
    log.append([happened() for _ in range(size)])
    prover = log.prover()
    for seq, _, line in log.leaves(0, size):
        proof = TlogProof.parse(str(prover.proof(seq, line)))
        assert proof.verify(line, log.keys).size == size
        assert (proof.index, proof.extra) == (seq, line)


def test_what_was_appended_since_is_not_of_this_checkpoint(world: World) -> None:
    world.log.append([happened()])
    prover = world.log.prover()
    world.log.append([happened()])
    with pytest.raises(NotFoundError, match="Entry 1 is not among the 1 that are signed"):
        prover.proof(1, world.log.line(1))
    assert world.log.prover().proof(1, world.log.line(1)).index == 1


def test_a_log_without_a_checkpoint_proves_nothing(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.log.prover().proof(0, b"{}")


def test_another_line_is_not_proved(world: World) -> None:
    world.log.append([happened(), happened()])
    with pytest.raises(VerificationError, match="entry 0 is not in the tree of 2"):
        world.log.prover().proof(0, world.log.line(1))
