"""Text of others is spelled so that a person reads what it is."""

import pytest

from indelible.legible import legible


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("invoice\u202egpj.exe", "invoice[U+202E]gpj.exe"),
        ("a\u2066b\u2069c\u200e\u200f\u061c", "a[U+2066]b[U+2069]c[U+200E][U+200F][U+061C]"),
        ("pay\u200bpal\ufeff\u00ad", "pay[U+200B]pal[U+FEFF][U+00AD]"),
        ("\u3164", "[U+3164]"),  # a letter of Hangul, without a shape
        ("a\u200db \u0434\u200c\u0434", "a[U+200D]b \u0434[U+200C]\u0434"),
        ("a\x1b[2Jb\u2028c", "a[U+001B][2Jb[U+2028]c"),
        ("   ", "␣␣␣"),
        ("\u00a0\n", "[U+00A0][U+000A]"),
    ],
)
def test_what_nobody_sees_of_a_text_is_spelled(text: str, told: str) -> None:
    assert legible(text) == told


@pytest.mark.parametrize(
    "text", ["", "a b\nc", "Zoë €", "東京\u3000太郎", "1\u202f234\u00a0€", "👩\u200d👩\u200d👧 🏳️\u200d🌈", "क्\u200dष"]
)
def test_what_is_read_as_it_is_stays_as_it_is(text: str) -> None:
    assert legible(text) == text


def test_a_word_of_persian_keeps_its_joiner() -> None:
    assert legible("می\u200cخواهم") == "\u2068می\u200cخواهم\u2069"
    assert legible("می\u200c") == "\u2068می[U+200C]\u2069"  # it joins nothing: two names would look the same
