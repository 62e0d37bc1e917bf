"""A witness cosigns what extends what it knows; what it says is kept, and nothing that is not its own."""

import time
from collections.abc import Iterator

import pytest

from indelible.errors import LogError, MalformedError, UsageError, VerificationError
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.cosignature import Witness, cosigned_at
from indelible.publish import witness
from indelible.publish.assurance import assurance
from indelible.publish.witness import Place, cosign
from tests.checking import check_signed
from tests.publish.far_witness import TIME, Dripping, FarWitness, Serving
from tests.store.test_log import happened
from tests.world import World

FAR = FarWitness("witness.example/w1")
W1 = Witness.parse(FAR.vkey)


@pytest.fixture
def log(either: World) -> Log:
    """On every store."""
    either.log.append(happened() for _ in range(300))
    return either.log


@pytest.fixture
def far() -> Iterator[Serving]:
    made = Serving(FAR)
    yield made
    made.close()


def place(far: Serving) -> Place:
    return Place.parse(f"{far.url}/ {FAR.vkey}")


def test_each_checkpoint_is_cosigned_by_proofs_from_the_last(log: Log, far: Serving) -> None:
    for size in (300, 301, 511, 512, 700):
        log.append(happened() for _ in range(size - log.head().size))
        assert cosign(log, place(far)) == TIME
        assert far.size == size
        note = log.checkpoint()
        assert note is not None
        assert cosigned_at(note, W1) == TIME
        assert Checkpoint.open(note, log.verifier).size == size
        assert assurance(log, witnesses=[W1])[:2] == ("witnessed", size)
    assert cosign(log, place(far)) == TIME  # the same once more
    check_signed(log)


def test_what_nobody_trusts_is_not_witnessed(log: Log, far: Serving) -> None:
    assert assurance(log, witnesses=[W1])[:2] == ("signed", 300)
    cosign(log, place(far))
    assert assurance(log).level == "signed"
    assert assurance(log, witnesses=[Witness.parse(FarWitness("other", 2).vkey)]).level == "signed"
    log.append([happened()])
    assert assurance(log, witnesses=[W1])[:2] == ("witnessed", 300)


def test_what_was_cosigned_of_a_key_that_was_revoked_since_is_no_evidence(log: Log, far: Serving) -> None:
    cosign(log, place(far))
    log.change_key(good=200)
    assert assurance(log, witnesses=[W1])[:2] == ("signed", log.head().size)
    cosign(log, place(far))
    assert assurance(log, witnesses=[W1])[:2] == ("witnessed", log.head().size)


def test_nothing_is_asked_before_anything_is_signed(either: World, far: Serving) -> None:
    assert cosign(either.log, place(far)) is None
    assert far.asked == []
    assert assurance(either.log).level == "unsigned"


def test_a_log_that_is_another_one_gets_no_cosignature(log: Log, far: Serving) -> None:
    far.size, far.root = 200, b"x" * 32
    with pytest.raises(VerificationError, match=r"forked: .* has cosigned a tree that this log does not extend"):
        cosign(log, place(far))
    far.size = 400
    with pytest.raises(VerificationError, match=r"rolled back: .* has cosigned 400 entries, and the log has 300"):
        cosign(log, place(far))
    assert assurance(log, witnesses=[W1]).level == "signed"


def test_what_another_server_had_cosigned_meanwhile_is_no_alarm(
    log: Log, far: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = far.add_checkpoint

    def meanwhile(body: str) -> tuple[int, str]:
        monkeypatch.setattr(far, "add_checkpoint", asked)
        log.append([happened()])
        cosign(log, place(far))
        return asked(body)

    monkeypatch.setattr(far, "add_checkpoint", meanwhile)
    assert cosign(log, place(far)) == TIME
    assert assurance(log, witnesses=[W1])[:2] == ("witnessed", 301)


OTHER = FarWitness("witness.example/w1", 9)
ANSWERS = {
    "refuses": (403, "no"),
    "is broken": (500, ""),
    "sends elsewhere": (302, ""),
    "says nothing": (200, ""),
    "says anything": (200, "hello"),
    "signs with another key": (200, OTHER.line("x\n1\ny\n")),
    "says a size without end": (409, "9" * 50),
    "says a size of 5,000 digits": (409, "9" * 5000),
    "says a size in other digits": (409, "²"),
    "says a size in digits of another script": (409, "\u0663"),
    "says no size": (409, "x"),
    "says a size that it does not know then": (409, "0"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_cosignature_keeps_nothing(log: Log, far: Serving, name: str) -> None:
    far.answer = ANSWERS[name]
    with pytest.raises((LogError, MalformedError, VerificationError)):
        cosign(log, place(far))
    assert log.store.cosigned(300) == ""
    assert not [asked for asked in far.asked if "elsewhere" in asked]


@pytest.mark.parametrize("status", [200, 409, 500])
def test_what_it_says_is_cut_and_drives_no_terminal(log: Log, far: Serving, status: int) -> None:
    far.answer = status, "\x1b[2Jall is well\r\n\x07— witness.example/w1 \x1b\n" + "x" * 5000
    with pytest.raises((LogError, MalformedError)) as caught:
        cosign(log, place(far))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("begins", ["\x1b[2J", "HTTP/1.1 \x1b[2J"])
def test_an_answer_that_is_no_http_drives_no_terminal_either(world: World, begins: str) -> None:
    world.log.append([happened()])
    far = Dripping(f"{begins}{'x' * 5000}\r\n\r\n".encode())
    try:
        with pytest.raises(LogError) as caught:
            cosign(world.log, Place.parse(f"http://{far.address} {FAR.vkey}"))
    finally:
        far.close()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_lines_of_others_in_its_answer_are_not_kept(log: Log, far: Serving) -> None:
    note = log.checkpoint()
    assert note is not None
    body = note.rpartition("\n\n")[0] + "\n"
    far.answer = 200, FarWitness("somebody", 3).line(body) + FAR.line(body) + OTHER.line(body)
    assert cosign(log, place(far)) == TIME
    assert log.store.cosigned(300) == FAR.line(body)


def test_a_witness_that_cannot_be_reached_is_an_error_of_ours(log: Log, far: Serving) -> None:
    gone = place(far)._replace(url="http://127.0.0.1:1")
    with pytest.raises(LogError, match="cannot be reached"):
        cosign(log, gone)


DRIPS = {
    "a status": ("http", b""),
    "headers": ("http", b"HTTP/1.1 200 OK\r\nX: "),
    "an answer": ("http", b"HTTP/1.1 200 OK\r\n\r\n"),
    "a refusal": ("http", b"HTTP/1.1 409 Conflict\r\nContent-Length: 9999\r\n\r\n"),
    "a handshake": ("https", b"\x16\x03\x03\x3f\xff"),
}


@pytest.mark.parametrize("name", DRIPS)
@pytest.mark.timeout(90)
def test_who_drips_an_answer_is_not_waited_for(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "SECONDS", 1.0)
    world.log.append([happened()])
    scheme, begins = DRIPS[name]
    far = Dripping(begins)
    try:
        began = time.monotonic()
        with pytest.raises(LogError, match=r"/add-checkpoint cannot be reached: .* It is asked again later\."):
            cosign(world.log, Place.parse(f"{scheme}://{far.address} {FAR.vkey}"))
        assert time.monotonic() - began < 5
    finally:
        far.close()


@pytest.mark.parametrize("text", ["", "https://w", "ftp://w x", "file:///etc/passwd x", f"w {FAR.vkey}"])
def test_what_names_no_witness_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no witness"):
        Place.parse(text)
