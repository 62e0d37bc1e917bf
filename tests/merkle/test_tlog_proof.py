"""A proof of one entry is read as it was written, holds for that entry alone, and for nothing that was changed."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import Error, MalformedError, VerificationError
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.key import SigningKey
from indelible.merkle.keyring import Keyring
from indelible.merkle.proof import inclusion
from indelible.merkle.tlog_proof import TlogProof
from tests.checking import mth

KEY = SigningKey.generate("audit.example/test")
LEAVES = [b"line %d" % number for number in range(20)]


def proof_of(index: int, size: int, extra: bytes | None = None) -> TlogProof:
    hashes = tuple(mth(LEAVES[run.start : run.stop]) for run in inclusion(index, size))
    return TlogProof(index, hashes, Checkpoint(KEY.name, size, mth(LEAVES[:size])).sign(KEY), extra)


@given(st.integers(1, 20).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))), st.none() | st.binary())
def test_it_is_read_as_it_was_written_and_holds(both: tuple[int, int], extra: bytes | None) -> None:
    made = proof_of(*both, extra)
    read = TlogProof.parse(str(made))
    assert read == made
    assert read.verify(LEAVES[both[0]], Keyring(KEY.verifier)).size == both[1]


def test_it_begins_as_the_specification_says() -> None:
    lines = str(proof_of(4, 11, b"x")).split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra eA==", "index 4"]
    assert lines[3 : lines.index("")] == [line for line in lines[3:7] if len(line) == 44]
    assert lines[lines.index("") + 1 :][:2] == ["audit.example/test", "11"]
    assert str(proof_of(4, 11)).split("\n")[1] == "index 4"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("@v1", "@v2"),
        lambda text: " " + text,
        lambda text: text.replace("index 4", "index 04"),
        lambda text: text.replace("index 4", "index +4"),
        lambda text: text.replace("index 4", "index -4"),
        lambda text: text.replace("index 4", "index"),
        lambda text: text.replace("index 4\n", ""),
        lambda text: text.replace("index", "extra !\nindex"),
        lambda text: text.replace("index", "extra eA==\nextra eA==\nindex"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n\n", "\n", 1),
        lambda text: text.replace("\n\n", "\n\n\n", 1),
        lambda text: text.replace("index 4\n", "index 4\nAAAA\n"),
        lambda text: text.replace("index 4\n", "index 4\n \n"),
        lambda _: "",
        lambda _: "c2sp.org/tlog-proof@v1\n",
    ],
)
def test_what_is_no_proof_is_one_error(change: object) -> None:
    with pytest.raises(MalformedError):
        TlogProof.parse(change(str(proof_of(4, 11))))  # type: ignore[operator]  # one of the above


def test_of_another_line_or_place_or_key_it_proves_nothing() -> None:
    proof = proof_of(4, 11)
    with pytest.raises(VerificationError, match="entry 4 is not in the tree of 11 that was signed"):
        proof.verify(LEAVES[5], Keyring(KEY.verifier))
    with pytest.raises(VerificationError):
        TlogProof(5, proof.hashes, proof.checkpoint).verify(LEAVES[4], Keyring(KEY.verifier))
    with pytest.raises(MalformedError):
        proof.verify(LEAVES[4], Keyring(SigningKey.generate(KEY.name).verifier))
    with pytest.raises(Error):
        TlogProof(4, proof.hashes, proof_of(4, 12).checkpoint).verify(LEAVES[4], Keyring(KEY.verifier))


def test_a_bit_flipped_anywhere_is_refused() -> None:
    text, random = str(proof_of(4, 11)), Random(4)  # noqa: S311 - the same flips in each run
    data = text.encode()
    for _ in range(2000):
        at = random.randrange(len(data))
        changed = data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        with pytest.raises((MalformedError, VerificationError, UnicodeDecodeError)):
            TlogProof.parse(changed.decode()).verify(LEAVES[4], Keyring(KEY.verifier))
