"""A key leads to another only by a change that both have signed; each counts for its own sizes alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import MalformedError
from indelible.merkle.checkpoint import Checkpoint, organization_origin
from indelible.merkle.key import SigningKey
from indelible.merkle.keyring import KeyChange, Keyring, RevokedError

NAME = "audit.example/portal"
KEYS = [SigningKey.generate(NAME) for _ in range(4)]
SIZES = [10, 10, 25]  # of the log at each change
ROOT = b"r" * 32


def change(old: SigningKey, new: SigningKey, size: int, good: int | None = None) -> str:
    return KeyChange(size, size if good is None else good, old.verifier, new.verifier).sign(old, new)


CHANGES = [change(old, new, size) for (old, new), size in zip(pairwise(KEYS), SIZES, strict=True)]


def note(key: SigningKey, size: int) -> str:
    return Checkpoint(NAME, size, ROOT).sign(key)


@pytest.mark.parametrize("pinned", range(4))
def test_whichever_key_is_pinned_leads_to_all_of_them(pinned: int) -> None:
    keys = Keyring(KEYS[pinned].verifier, CHANGES)
    assert keys.current == KEYS[3].verifier
    for key, sizes in zip(KEYS, [(0, 9, 10), (10,), (10, 11, 25), (25, 26, 9999)], strict=True):
        for size in sizes:
            assert keys.open(note(key, size)) == Checkpoint(NAME, size, ROOT)


@pytest.mark.parametrize("pinned", range(4))
def test_a_key_s_word_counts_for_its_own_sizes_alone(pinned: int) -> None:
    keys = Keyring(KEYS[pinned].verifier, CHANGES)
    for key, sizes in zip(KEYS, [(11, 25), (9, 11), (9, 26), (0, 24)], strict=True):
        for size in sizes:
            with pytest.raises(RevokedError, match="its word counts from"):
                keys.open(note(key, size))


def test_a_revoked_key_s_word_ends_where_it_was_good() -> None:
    keys = Keyring(KEYS[1].verifier, [change(KEYS[0], KEYS[1], 10, 6)])
    assert keys.open(note(KEYS[0], 6)).size == 6
    for size in (7, 10, 11):
        assert keys.revoked(note(KEYS[0], size))
    assert not keys.revoked(note(KEYS[1], 10))
    assert not keys.revoked("no note")


def test_an_organization_s_checkpoint_counts_by_the_size_of_the_log() -> None:
    keys = Keyring(KEYS[0].verifier, CHANGES[:1])
    for size, key in ((10, KEYS[0]), (11, KEYS[1])):
        made = Checkpoint(organization_origin(NAME, "acme"), 3, ROOT, (f"log {size}",))
        assert keys.open_organization(made.sign(key), "acme") == (made, size)
        with pytest.raises(MalformedError):
            keys.open_organization(
                made.sign(KEYS[1] if key is KEYS[0] else KEYS[0]), "acme"
            ) if size == 11 else keys.open(made.sign(key))


def test_without_changes_one_key_signs_everything() -> None:
    assert Keyring(KEYS[0].verifier).open(note(KEYS[0], 10**12)).size == 10**12
    with pytest.raises(MalformedError, match="carries no signature by"):
        Keyring(KEYS[0].verifier).open(note(KEYS[1], 1))


OTHER = SigningKey.generate("audit.example/other")
MADE = KeyChange(10, 10, KEYS[0].verifier, KEYS[1].verifier)
FORGED = {
    "by the old key alone": KEYS[0].sign(str(MADE)),
    "by the new key alone": KEYS[1].sign(str(MADE)),
    "by another key": f"{MADE}\n{KEYS[2].line(str(MADE))}{KEYS[1].line(str(MADE))}",
    "of another size": CHANGES[0].replace("\n10\n", "\n11\n", 1),
    "good beyond its size": KeyChange(10, 11, KEYS[0].verifier, KEYS[1].verifier).sign(KEYS[0], KEYS[1]),
    "of a negative size": KeyChange(-1, -1, KEYS[0].verifier, KEYS[1].verifier).sign(KEYS[0], KEYS[1]),
    "to a key of another name": KeyChange(10, 10, KEYS[0].verifier, OTHER.verifier).sign(KEYS[0], OTHER),
    "with another header": change(KEYS[0], KEYS[1], 10).replace("v1", "v2"),
    "a checkpoint": note(KEYS[0], 10),
    "nothing": "",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_change_leads_nowhere(name: str) -> None:
    with pytest.raises(MalformedError):
        Keyring(KEYS[0].verifier, [FORGED[name]])


@pytest.mark.parametrize("order", [[0, 2], [1, 0], [0, 0], [2, 1, 0], [1, 2, 0]])
def test_changes_out_of_their_order_are_no_chain(order: list[int]) -> None:
    with pytest.raises(MalformedError, match="are no chain"):
        Keyring(KEYS[1].verifier, [CHANGES[number] for number in order])


def test_a_chain_that_goes_back_in_size_is_none() -> None:
    with pytest.raises(MalformedError, match="are no chain"):
        Keyring(KEYS[0].verifier, [change(KEYS[0], KEYS[1], 10), change(KEYS[1], KEYS[2], 9)])


@pytest.mark.parametrize("size", [7, 10, 10**6])
def test_whoever_stole_a_key_that_was_revoked_leads_to_no_other_by_it(size: int) -> None:
    thief, revoked = SigningKey.generate(NAME), change(KEYS[0], KEYS[1], 10, 6)
    with pytest.raises(MalformedError, match="are no chain"):
        Keyring(KEYS[1].verifier, [change(thief, KEYS[0], size), revoked])
    behind = Keyring(KEYS[1].verifier, [change(thief, KEYS[0], 6), revoked])
    assert behind.revoked(note(thief, 7)), "no further than the stolen key itself"


def test_a_chain_of_another_log_does_not_begin_with_the_pinned_key() -> None:
    with pytest.raises(MalformedError, match="is none of the keys that the log has had"):
        Keyring(SigningKey.generate(NAME).verifier, CHANGES)


@given(st.text())
def test_any_text_is_refused_by_one_error(text: str) -> None:
    with pytest.raises(MalformedError):
        KeyChange.open(text)
