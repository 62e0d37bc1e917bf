"""Every value has one spelling, and every spelling is plain JSON."""

import base64
import hashlib
import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.values import EXACT, PREVIEW, BrokenText, read_text, set_aside, spell

SURROGATES = st.text(st.characters(codec=None, exclude_categories=[]))
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), SURROGATES, st.binary(), st.binary().map(BrokenText),
    st.decimals(), st.binary().map(bytearray), st.datetimes(), st.uuids(), st.complex_numbers(),
    st.lists(st.integers()),
)  # fmt: skip


@given(VALUES)
def test_every_value_has_a_spelling_that_any_json_reader_reads_alike(value: Any) -> None:
    spelled = spell(value)
    line = msgspec.json.encode(spelled)
    assert b"\n" not in line
    assert json.loads(line) == msgspec.json.decode(line) == spelled
    strict = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert strict == spelled


@given(st.integers())
def test_an_integer_is_a_number_where_doubles_are_exact_and_text_beyond(value: int) -> None:
    assert spell(value) == (value if abs(value) <= EXACT else str(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_finite_real_reads_back_the_same(value: float) -> None:
    back = json.loads(msgspec.json.encode(spell(value)))
    assert math.copysign(1, back) == math.copysign(1, value)
    assert back == value


@given(st.binary())
def test_bytes_and_text_that_is_none_keep_every_byte(value: bytes) -> None:
    assert base64.b64decode(spell(value)["bytes"]) == value
    text = read_text(value)
    kept = text.encode() if isinstance(text, str) else base64.b64decode(spell(text)["text"])
    assert kept == value


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (math.nan, {"float": "NaN"}),
        (math.inf, {"float": "Infinity"}),
        (-math.inf, {"float": "-Infinity"}),
        (Decimal("12.50"), "12.50"),
        (True, True),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (b"\x00", {"bytes": "AA=="}),
        (memoryview(b"\x00"), {"bytes": "AA=="}),
        (BrokenText(b"\xff"), {"text": "/w=="}),
        ("\ud800", {"text": "7aCA"}),
        (datetime(2026, 11, 20, tzinfo=UTC), "2026-11-20 00:00:00+00:00"),
    ],
    ids=lambda value: "view" if isinstance(value, memoryview) else repr(value),
)
def test_the_table_of_spellings(value: Any, spelled: Any) -> None:
    assert (type(spell(value)), spell(value)) == (type(spelled), spelled)


@given(VALUES)
def test_a_value_set_aside_is_found_again_under_its_hash(value: Any) -> None:
    spelled = spell(value)
    shown, kept = set_aside(spelled)
    assert shown["sha256"] == kept.hash.hex() == hashlib.sha256(kept.nonce + kept.value).hexdigest()
    assert shown["size"] == len(kept.value)
    assert len(shown["preview"]) <= PREVIEW
    assert msgspec.json.decode(kept.value) == spelled


def test_the_same_value_set_aside_twice_has_two_hashes() -> None:
    """Equal hashes would tell who guesses that two values are the same."""
    assert set_aside("x")[0]["sha256"] != set_aside("x")[0]["sha256"]
