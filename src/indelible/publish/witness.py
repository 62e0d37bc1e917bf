"""Asks a witness to cosign the log's checkpoint (c2sp.org/tlog-witness, `add-checkpoint`).

A witness keeps one number and one hash for each log, and signs only what extends them. So a log that was rewritten with
its own key gets no cosignature from whoever cosigned the true one.
"""

import http.client
import re
import time
from typing import NamedTuple

from indelible.errors import LogError, UsageError, VerificationError
from indelible.legible import printable
from indelible.log import Log
from indelible.merkle.b64 import encode
from indelible.merkle.cosignature import Witness, cosigned_at, with_cosignatures
from indelible.merkle.proof import consistency
from indelible.merkle.tile import subtree
from indelible.publish.asking import post

SECONDS = 10.0  # for all that a witness is asked: who stops a server waits no longer for it
TRIES = 4  # where several servers have it cosign one log, each may find that another was first
CONFLICT = 409
SIZE = re.compile(r"[0-9]{1,19}")


class Place(NamedTuple):
    """Where a witness is asked (the prefix before /add-checkpoint), and whose signature counts."""

    url: str
    witness: Witness

    @classmethod
    def parse(cls, text: str) -> "Place":
        """From `URL VKEY`. Raises UsageError, MalformedError."""
        url, _, key = text.strip().partition(" ")
        if not url.startswith(("https://", "http://")) or not key:
            raise UsageError(f"{text[:200]!r} names no witness: its URL, a space and its verifier key are expected.")
        return cls(url.rstrip("/"), Witness.parse(key))


def cosign(log: Log, place: Place) -> int | None:
    """Have the newest checkpoint cosigned, and keep that; gives the time, in POSIX seconds. None if nothing is signed.

    Raises LogError if the witness cannot be reached or does not sign, VerificationError if it has seen another log.
    """
    until, old = time.monotonic() + SECONDS, 0
    for _ in range(TRIES):
        size, note = log.store.newest_checkpoint() or (0, "")  # each time: another server may tell it more meanwhile
        if not note:
            return None
        if old > size:
            message = f"{place.witness.name} has cosigned {old} entries, and the log has {size} that are signed."
            raise VerificationError("rolled back", message)
        status, answer = _ask(place, _request(log, old, size, note), until)
        if status != CONFLICT or not SIZE.fullmatch(answer.strip()):
            break
        old = int(answer)  # up to where it knows the log
    if status == http.client.UNPROCESSABLE_ENTITY:
        raise VerificationError("forked", f"{place.witness.name} has cosigned a tree that this log does not extend.")
    if status != http.client.OK:
        raise LogError(
            f"The witness {place.witness.name} did not sign: it answered {status}. {printable(answer[:200].strip())}"
        )
    return _keep(log, size, note, answer, place.witness)


def _ask(place: Place, body: bytes, until: float) -> tuple[int, str]:
    left = until - time.monotonic()
    if left <= 0:
        raise LogError(f"The witness {place.witness.name} took {SECONDS:.0f} s. It is asked again later.")
    return post(f"{place.url}/add-checkpoint", body, left)


def _keep(log: Log, size: int, note: str, answer: str, witness: Witness) -> int:
    """A signature that is not the witness's is none."""
    cosigned = with_cosignatures(note, answer, witness)
    at = cosigned_at(cosigned, witness)
    if at is None:
        raise LogError(f"The answer of {witness.name} has no signature by {witness}. Look at the key that was given.")
    for line in cosigned.removeprefix(note).splitlines(keepends=True):
        log.store.add_cosignature(size, line)
    return at


def _request(log: Log, old: int, size: int, note: str) -> bytes:
    runs = consistency(old, size) if old else []
    proof = "".join(f"{encode(subtree(run, log.store.nodes))}\n" for run in runs)
    return f"old {old}\n{proof}\n{note}".encode()
