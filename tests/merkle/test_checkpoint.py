"""A checkpoint is accepted only as it would be written: one log, one size, one root, one spelling."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import MalformedError
from indelible.merkle.checkpoint import Checkpoint, organization_origin
from indelible.merkle.key import SigningKey

ROOT = "nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI="
TEXT = f"audit.example/portal\n48213\n{ROOT}\n"
KEY = SigningKey.generate("audit.example/portal")


def test_the_specimen_of_the_format() -> None:
    checkpoint = Checkpoint.parse(TEXT)
    assert checkpoint == Checkpoint("audit.example/portal", 48213, base64.b64decode(ROOT))
    assert str(checkpoint) == TEXT
    assert Checkpoint.open(checkpoint.sign(KEY), KEY.verifier) == checkpoint


FORGED = {
    "empty": "",
    "no origin": f"\n48213\n{ROOT}\n",
    "origin only": "audit.example/portal\n",
    "no root": "audit.example/portal\n48213\n",
    "leading zero": TEXT.replace("48213", "048213"),
    "plus": TEXT.replace("48213", "+48213"),
    "negative": TEXT.replace("48213", "-48213"),
    "space": TEXT.replace("48213", " 48213"),
    "underscore": TEXT.replace("48213", "48_213"),
    "hexadecimal": TEXT.replace("48213", "0xbc55"),
    "more than can be counted": TEXT.replace("48213", f"{2**63}"),
    "fraction": TEXT.replace("48213", "48213.0"),
    "other digits": TEXT.replace("48213", "٤٨٢١٣"),
    "no number": TEXT.replace("48213", "many"),
    "digits without end": TEXT.replace("48213", "9" * 5000),
    "carriage returns": TEXT.replace("\n", "\r\n"),
    "no final newline": TEXT[:-1],
    "blank last line": TEXT + "\n",
    "empty line": TEXT + "\nmore\n",
    "short root": TEXT.replace(ROOT, base64.b64encode(b"x" * 31).decode()),
    "long root": TEXT.replace(ROOT, base64.b64encode(b"x" * 33).decode()),
    "root with spare bits": TEXT.replace("QeI=", "QeJ="),
    "root without padding": TEXT.replace("QeI=", "QeI"),
    "root with a space": TEXT.replace("nND/", "nND /"),
    "root in the url-safe alphabet": TEXT.replace("/", "_"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_checkpoint_spelled_in_another_way_is_refused_though_it_was_signed(name: str) -> None:
    with pytest.raises(MalformedError):
        Checkpoint.parse(FORGED[name])
    with pytest.raises(MalformedError):
        Checkpoint.open(KEY.sign(FORGED[name]), KEY.verifier)


def test_a_checkpoint_of_another_log_signed_with_this_key_is_refused() -> None:
    note = Checkpoint("audit.example/other", 1, b"x" * 32).sign(KEY)
    with pytest.raises(MalformedError, match=r"is of audit.example/other; the key is for audit.example/portal"):
        Checkpoint.open(note, KEY.verifier)


ORG = organization_origin(KEY.name, "org 7/ü+")
OF_ORG = f"{ORG}\n211\n{ROOT}\nlog 48213\n"


def test_an_organizations_checkpoint_says_among_how_many_entries_it_was_made() -> None:
    found = Checkpoint.open_organization(KEY.sign(OF_ORG), KEY.verifier, "org 7/ü+")
    assert found == (Checkpoint(ORG, 211, base64.b64decode(ROOT), ("log 48213",)), 48213)
    assert str(found[0]) == OF_ORG


def test_no_tree_s_checkpoint_is_another_s() -> None:
    with pytest.raises(MalformedError, match="says more than a log's ever do: 'more'"):
        Checkpoint.open(KEY.sign(TEXT + "more\n"), KEY.verifier)
    for text in (OF_ORG, OF_ORG.replace("log 48213\n", "")):
        with pytest.raises(MalformedError, match="the key is for"):
            Checkpoint.open(KEY.sign(text), KEY.verifier)
    for text in (TEXT, OF_ORG.replace("org%207", "org%208"), TEXT + "log 48213\n"):
        with pytest.raises(MalformedError, match="not of the organization's tree"):
            Checkpoint.open_organization(KEY.sign(text), KEY.verifier, "org 7/ü+")


@pytest.mark.parametrize("line", ["", "log", "log ", "log 07", "log -1", "log 1 ", "log ٧", "size 7", "log 7\nlog 7"])
def test_a_line_that_does_not_say_it_so_is_refused(line: str) -> None:
    with pytest.raises(MalformedError):
        Checkpoint.open_organization(KEY.sign(OF_ORG.replace("log 48213", line)), KEY.verifier, "org 7/ü+")


@given(st.text())
def test_any_text_is_a_checkpoint_or_one_error(text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert str(Checkpoint.parse(text)) == text


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("a", size, root)
    assert Checkpoint.parse(str(checkpoint)) == checkpoint
