"""A receiver gets the entry byte for byte, and what proves it without trusting us."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.actions import dotted
from indelible.cli import main
from indelible.event import Entity
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.tlog_proof import TlogProof
from indelible.merkle.tree import leaf_hash
from indelible.webhooks.payload import LIMIT, body
from tests.store.test_log import happened
from tests.world import World


def sent(world: World, seq: int = 0) -> bytes:
    return body(world.log.entry(seq), world.log.line(seq), world.log.prover(), "https://portal.test/audit/")


@pytest.mark.parametrize(
    ("action", "type_"),
    [
        ("LICENSE_ASSIGNED", "license.assigned"), ("USER_SIGNED_IN", "user.signed_in"),
        ("CONFIG_SAVED", "config.saved"), ("AUDIT_TAMPERING_DETECTED", "audit.tampering_detected"),
    ],
)  # fmt: skip
def test_an_action_has_a_dotted_type(action: str, type_: str) -> None:
    assert dotted(action) == type_


@given(st.text(max_size=200), st.text(min_size=1, max_size=50))
def test_the_entry_is_in_it_byte_for_byte_and_its_proof_verifies(world: World, text: str, key: str) -> None:
    (seq,) = world.log.append([happened(reason=text, entity=Entity("License", key))])
    whole, line = sent(world, seq), world.log.line(seq)
    told = json.loads(whole)
    assert list(told) == ["type", "timestamp", "data", "leaf_hash", "proof"]
    assert b'"data":' + line + b',"leaf_hash"' in whole
    assert (told["type"], told["timestamp"]) == ("license.assigned", told["data"]["occurred_at"])
    proof = TlogProof.parse(told["proof"])
    checkpoint = proof.verify(line, world.log.keys)
    assert (proof.index, proof.extra, checkpoint.size) == (seq, line, world.log.head().size)
    assert told["leaf_hash"] == leaf_hash(line).hex()


def test_a_receiver_verifies_the_proof_with_our_own_command(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    world.log.append([happened() for _ in range(5)])
    (tmp_path / "proof").write_text(json.loads(sent(world, 3))["proof"])
    monkeypatch.setattr("sys.argv", ["indelible", "verify", str(tmp_path / "proof"), "--key", str(world.log.verifier)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsysbinary.readouterr().out == world.log.line(3) + b"\n"


@pytest.mark.parametrize("size", [100, 7000, 8000, 12_000, 60_000])
def test_a_payload_is_under_20_kb_or_a_link(world: World, size: int) -> None:
    world.log.append([happened(metadata={f"k{n}": "y" * 900 for n in range(size // 910)})])
    whole = sent(world)
    told, line = msgspec.json.decode(whole), world.log.line(0)
    assert len(whole) < LIMIT
    proof = TlogProof.parse(told["proof"])
    proof.verify(line, world.log.keys)
    if size < 7500:
        assert told["data"] == json.loads(line)
    if size > 10_000:
        id_ = str(world.log.entry(0).id)
        assert told["data"] == {"seq": 0, "id": id_, "link": "https://portal.test/audit/entry/0"}
        assert proof.extra is None
    assert told["leaf_hash"] == leaf_hash(line).hex()


def test_checkpoints_that_were_received_are_what_a_witness_needs(world: World) -> None:
    world.log.append([happened()])
    first = TlogProof.parse(json.loads(sent(world))["proof"]).checkpoint
    world.log.append([happened()])
    kept = Checkpoint.open(first, world.log.verifier)
    assert world.log.tree(kept.size) == kept
