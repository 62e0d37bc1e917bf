"""Catching up: a receiver asks for what its endpoint is to hear of, from any sequence number on.

    GET …/feed/wh_3f0c5b1a2e44?from=48212
    webhook-id, webhook-timestamp, webhook-signature: as of a delivery whose body is the query, `from=48212`

So whoever has the endpoint's secret may ask, and the secret does not travel. The answer is
`{"entries":[…],"next":48377}`: what would have been delivered, and where to go on; `next` is the log's size once there
is no more.
"""

import time
from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec

from indelible.errors import UsageError
from indelible.follow import STRETCH, leaves
from indelible.log import Log
from indelible.webhooks import payload, signing
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.secret import Secret

MOST = 100  # entries of one answer
LOOKED_AT = 10_000  # entries for one answer, whether or not they fit
MAX_DIGITS = 18


def authorize(headers: Mapping[str, str], query: str, secrets: list[Secret]) -> None:
    """Raises MalformedError unless the request is signed with one of these, within the last minutes."""
    signing.verify(headers, query.encode(), secrets, time.time())


def start_of(query: str) -> int:
    """Raises UsageError."""
    (text,) = parse_qs(query).get("from", ["0"])[:1]
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise UsageError(f"from={text[:40]!r} is no sequence number. Give the number of the first entry wanted.")
    return int(text)


def feed(log: Log, endpoint: Endpoint, start: int, pages: str) -> bytes:
    """The answer, as JSON. Raises LogError, VerificationError."""
    match, prover, found = endpoint.match(), log.prover(), list[msgspec.Raw]()
    at = start = min(start, prover.size)
    while len(found) < MOST and at - start < LOOKED_AT and (read := leaves(log, at, STRETCH)):
        for leaf in read:
            if leaf.entry.seq >= prover.size or len(found) == MOST:
                break
            at = leaf.entry.seq + 1
            if match(leaf.entry):
                whole = payload.body(leaf.entry, leaf.line, prover, pages, limit=2**31)
                found.append(msgspec.Raw(whole))
        if at < read[-1].entry.seq + 1:
            break
    return msgspec.json.encode({"entries": found, "next": at})
