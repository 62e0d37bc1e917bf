"""Signed notes are those of C2SP, and what was not signed is not accepted."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import MalformedError
from indelible.merkle.key import SigningKey, Verifier, key_id
from indelible.merkle.note import open_note, signature_lines

# The specimen of golang.org/x/mod/sumdb/note: another implementation's key, text and signature.
SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
KEY = f"PRIVATE+KEY+PeterNeumann+c74f20a3+{SECRET}"
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
LINE = f"— PeterNeumann {SIGNATURE}\n"
NOTE = f"{TEXT}\n{LINE}"
PETER = Verifier.parse(VERIFIER)
ENOCH = SigningKey.generate("EnochRoot")


def test_the_specimen_opens() -> None:
    assert open_note(NOTE, PETER) == TEXT


def test_the_specimens_key_signs_the_specimen_byte_for_byte() -> None:
    key = SigningKey.parse(KEY)
    assert key.sign(TEXT) == NOTE
    assert str(key.verifier) == VERIFIER
    assert key.export() == KEY


def test_signatures_by_others_are_passed_over() -> None:
    other = ENOCH.sign(TEXT).removeprefix(TEXT + "\n")
    assert open_note(f"{TEXT}\n{other}{LINE}", PETER) == TEXT
    assert open_note(f"{TEXT}\n{LINE}{other}", PETER) == TEXT
    assert open_note(f"{TEXT}\n{LINE}{other}", ENOCH.verifier) == TEXT


def test_of_lines_below_a_note_only_signatures_are_kept() -> None:
    assert signature_lines(f"hello\n{LINE}— a+b {SIGNATURE}\n\n— x\n{LINE}{LINE[:-1]}") == LINE + LINE
    assert signature_lines("") == ""


def test_a_text_with_blank_lines_is_split_at_the_last() -> None:
    text = "a\n\nb\n\n— not a signature\n"
    assert open_note(ENOCH.sign(text), ENOCH.verifier) == text


FORGED = {
    "empty": "",
    "text only": TEXT,
    "no signature": f"{TEXT}\n",
    "no blank line": TEXT + LINE,
    "two blank lines": f"{TEXT}\n\n{LINE}",
    "no text": LINE,
    "changed text": NOTE.replace("cryptography", "cryptographY"),
    "cut text": NOTE.replace("If you", "f you"),
    "text without its last newline": f"{TEXT[:-1]}\n\n{LINE}".replace("is.\n\n", "is. \n\n"),
    "trailing byte": NOTE + "x",
    "trailing newline": NOTE + "\n",
    "no final newline": NOTE[:-1],
    "carriage returns": NOTE.replace("\n", "\r\n"),
    "control character": NOTE.replace("If", "\x07If"),
    "null byte": NOTE + "\0",
    "byte order mark": "\ufeff" + NOTE,
    "hyphen for the dash": NOTE.replace("—", "-"),
    "en dash for the dash": NOTE.replace("—", "–"),
    "two spaces": NOTE.replace("— Peter", "—  Peter"),
    "space at the end": NOTE.replace("JnAM=", "JnAM= "),
    "name of another": NOTE.replace("PeterNeumann x", "EnochRoot x"),
    "no name": NOTE.replace("PeterNeumann ", " "),
    "only a name": f"{TEXT}\n— PeterNeumann\n",
    "no padding": NOTE.replace("JnAM=", "JnAM"),
    "more padding": NOTE.replace("JnAM=", "JnAM=="),
    "url-safe alphabet": NOTE.replace("/", "_"),
    "spare bits set": NOTE.replace("JnAM=", "JnAN="),
    "changed signature": NOTE.replace("x08go/ZJ", "x08go/ZK"),
    "changed key hash": NOTE.replace("x08go", "y08go"),
    "signature cut to the key hash": f"{TEXT}\n— PeterNeumann x08gow==\n",
    "signature cut": f"{TEXT}\n— PeterNeumann x08go/ZJkuBS\n",
    "a second signature of the same key that does not fit": f"{NOTE}{LINE.replace('x08go/ZJ', 'x08go/ZK')}",
    "a name with a plus": f"{NOTE}— a+b {SIGNATURE}\n",
    "a name with a space that is none of ASCII": f"{NOTE}— a\u00a0b {SIGNATURE}\n",
    "a second line that is none": f"{NOTE}hello\n",
    "a blank signature line": f"{TEXT}\n{LINE}\n{LINE}",
    "forged first, true second": f"{TEXT}\n{LINE.replace('ZJkuBS', 'ZJkuBT')}{LINE}",
    "too long": "x" * 1_000_001 + NOTE,
    "lone surrogate": NOTE.replace("If", "\ud800"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_note_is_refused(name: str) -> None:
    assert FORGED[name] != NOTE
    with pytest.raises(MalformedError):
        open_note(FORGED[name], PETER)


def test_a_note_by_another_key_of_the_same_name_is_refused() -> None:
    with pytest.raises(MalformedError, match="carries no signature by"):
        open_note(SigningKey.generate("PeterNeumann").sign(TEXT), PETER)


@given(st.text())
def test_any_text_is_refused_by_one_error(text: str) -> None:
    with pytest.raises(MalformedError):
        open_note(text, PETER)
    with pytest.raises(MalformedError):
        Verifier.parse(text)
    with pytest.raises(MalformedError):
        SigningKey.parse(text)


def test_no_part_of_a_verifier_key_is_one() -> None:
    for i, j in itertools.combinations(range(len(VERIFIER) + 1), 2):
        if (i, j) != (0, len(VERIFIER)):
            with pytest.raises(MalformedError):
                Verifier.parse(VERIFIER[i:j])


@pytest.mark.parametrize("place", range(len(VERIFIER)))
def test_a_verifier_key_with_one_character_changed_is_none(place: int) -> None:
    changed = VERIFIER[:place] + chr(ord(VERIFIER[place]) ^ 1) + VERIFIER[place + 1 :]
    with pytest.raises(MalformedError):
        Verifier.parse(changed)


def test_a_verifier_key_that_was_mistyped_or_cut_is_told_from_what_is_none() -> None:
    for place in range(VERIFIER.index("+") + 1, len(VERIFIER)):
        other = "0" if VERIFIER[place] != "0" else "1"
        if VERIFIER[place] != "+":
            with pytest.raises(MalformedError, match="id in this verifier key is not that of its key: a character was"):
                Verifier.parse(VERIFIER[:place] + other + VERIFIER[place + 1 :])
    with pytest.raises(MalformedError, match=r"or some were cut off. Copy it once more"):
        Verifier.parse(VERIFIER[:-5])
    with pytest.raises(MalformedError, match="This is no verifier key: name"):
        Verifier.parse("PeterNeumann")


BROKEN_KEYS = {
    "cut": KEY[:-1],
    "cut deep": KEY[:-20],
    "changed": KEY.replace("Y7hf", "Y8hf"),
    "other hash": KEY.replace("c74f20a3", "c74f20a4"),
    "other name": KEY.replace("Peter", "Pater"),
    "other type": KEY.replace("AYEK", "BIEK"),
    "twice": KEY + KEY,
    "bytes before": "x" + KEY,
    "bytes after": KEY + "x",
    "no prefix": KEY.removeprefix("PRIVATE+KEY+"),
    "line inside": KEY.replace("+c74f", "+\nc74f"),
    "name with a space": KEY.replace("Peter", "Peter "),
    "replacement characters": KEY.replace("DFz", "\ufffd\ufffd\ufffd"),
}


@pytest.mark.parametrize("name", BROKEN_KEYS)
@pytest.mark.parametrize("parse", [SigningKey.parse, Verifier.parse])
def test_no_error_about_a_key_shows_any_of_it(name: str, parse: type) -> None:
    """Also where a signing key is given by mistake for the verifier key."""
    with pytest.raises(MalformedError) as caught:
        parse(BROKEN_KEYS[name])
    if name == "no prefix" and parse is Verifier.parse:
        return  # then nothing tells it from a verifier key that was mistyped
    shown = str(caught.value) + repr(caught.value)
    assert not [SECRET[i : i + 6] for i in range(len(SECRET) - 5) if SECRET[i : i + 6] in shown]


def test_a_signing_key_given_as_a_verifier_key_is_told_so() -> None:
    with pytest.raises(MalformedError, match="This is a signing key, for nobody else to see"):
        Verifier.parse(KEY)


def test_a_key_shows_nothing_of_itself_when_printed() -> None:
    assert f"{ENOCH} {ENOCH!r} {[ENOCH]}" == "SigningKey('EnochRoot') SigningKey('EnochRoot') [SigningKey('EnochRoot')]"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\x00", "x" * 256])
def test_a_name_that_cannot_name_a_key_is_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="cannot name a key"):
        SigningKey.generate(name)


def test_a_key_id_is_the_specimens() -> None:
    assert key_id("PeterNeumann", b"\x01" + PETER.public).hex() == "c74f20a3"
