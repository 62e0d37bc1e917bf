"""A witness's cosignature is that of C2SP, and only its own counts.

The witness here is a far side: it signs with `cryptography` alone, by the words of the specification.
"""

import base64
import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import MalformedError
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.cosignature import Witness, cosigned_at, with_cosignatures
from indelible.merkle.key import SigningKey, Verifier
from indelible.merkle.note import open_note
from tests.publish.far_witness import TIME, FarWitness

LOG = SigningKey.generate("audit.example/test")
BODY = str(Checkpoint(LOG.name, 7, hashlib.sha256(b"root").digest()))
NOTE = LOG.sign(BODY)


FAR = FarWitness("witness.example/w1")
OTHER = FarWitness("witness.example/w2", 2)
W1 = Witness.parse(FAR.vkey)
LINE = FAR.line(BODY)


def test_a_cosignature_tells_when_it_was_made() -> None:
    assert cosigned_at(NOTE + LINE, W1) == TIME
    assert cosigned_at(NOTE, W1) is None
    assert cosigned_at(NOTE + OTHER.line(BODY), W1) is None


def test_of_two_the_later_counts() -> None:
    assert cosigned_at(NOTE + LINE + FAR.line(BODY, TIME + 60) + FAR.line(BODY, TIME + 5), W1) == TIME + 60


def test_a_witness_key_is_written_as_it_was_read_and_is_no_key_of_a_log() -> None:
    assert str(W1) == FAR.vkey
    with pytest.raises(MalformedError, match="no verifier key"):
        Verifier.parse(FAR.vkey)
    with pytest.raises(MalformedError, match="no verifier key"):
        Witness.parse(str(LOG.verifier))


def test_a_cosigned_note_still_opens_with_the_logs_key_and_with_the_witnesss() -> None:
    assert open_note(NOTE + LINE, LOG.verifier) == open_note(NOTE + LINE, W1) == BODY


FORGED = {
    "of another tree": FAR.line(BODY.replace("7", "8")),
    "of another key": FarWitness(FAR.name, 3).line(BODY),
    "by the log's own kind of signature": FAR.line(BODY, message=BODY),
    "of another time": FAR.line(BODY, message=f"cosignature/v1\ntime {TIME + 1}\n{BODY}"),
    "of another header": FAR.line(BODY, message=f"cosignature/v2\ntime {TIME}\n{BODY}"),
    "with a time in words of another kind": FAR.line(BODY, message=f"cosignature/v1\ntime 0{TIME}\n{BODY}"),
    "beyond the latest time": FAR.line(BODY, 2**63),
    "cut": f"— {FAR.name} {base64.b64encode(base64.b64decode(LINE.split()[-1])[:-1]).decode()}\n",
    "of the key's id alone": f"— {FAR.name} {base64.b64encode(base64.b64decode(LINE.split()[-1])[:5]).decode()}\n",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_cosignature_counts_for_nothing(name: str) -> None:
    assert cosigned_at(NOTE + FORGED[name], W1) is None
    assert with_cosignatures(NOTE, FORGED[name], W1) == NOTE
    assert cosigned_at(NOTE + FORGED[name] + LINE, W1) == TIME


def test_of_an_answer_only_the_witnesss_lines_are_kept_each_once() -> None:
    answer = OTHER.line(BODY) + LINE + FORGED["of another tree"] + LINE
    assert with_cosignatures(NOTE, answer, W1) == NOTE + LINE
    assert with_cosignatures(NOTE + LINE, LINE, W1) == NOTE + LINE


@pytest.mark.parametrize("answer", ["no", "\n", LINE + "x", LINE[:-1], "— w1 !!!\n", "\n\n" + LINE, "\x00"])
def test_an_answer_that_is_no_signature_lines_is_refused(answer: str) -> None:
    with pytest.raises(MalformedError):
        with_cosignatures(NOTE, answer, W1)


@given(st.text())
def test_an_answer_of_any_text_adds_nothing(answer: str) -> None:
    with suppress(MalformedError):
        assert with_cosignatures(NOTE, answer, W1) == NOTE
