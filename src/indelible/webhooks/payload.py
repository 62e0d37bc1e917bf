r"""What a receiver is sent: the entry, and what proves it.

    {"type":"license.assigned","timestamp":"2026-11-20T09:14:03.512345Z","data":{"v":1,"seq":48212,...},
     "leaf_hash":"4f0c…","proof":"c2sp.org/tlog-proof@v1\nextra eyJ2Ijox…\nindex 48212\n…"}

`data` is the entry, byte for byte as in the log. The proof carries it too, and the newest checkpoint: kept, that makes
the receiver a witness; alone, `indelible verify FILE --key KEY` reads it. What would be 20 KB or more ("Payload size")
comes as a link instead, with the leaf's hash and the proof.
"""

from dataclasses import replace
from datetime import datetime

import msgspec

from indelible.actions import dotted
from indelible.event import Entry, rfc3339
from indelible.merkle.tree import leaf_hash
from indelible.prover import Prover

LIMIT = 20_000  # bytes; a payload is smaller
TEST = "webhook.tested"


def body(entry: Entry, line: bytes, prover: Prover, pages: str, limit: int = LIMIT) -> bytes:
    """`pages`: where the audit pages are, for the link.

    Raises VerificationError where the log is not what was signed.
    """
    proof = prover.proof(entry.seq, line)
    told = {
        "type": dotted(entry.action),
        "timestamp": entry.occurred_at,
        "data": msgspec.Raw(line),
        "leaf_hash": leaf_hash(line).hex(),
        "proof": str(proof),
    }
    whole = msgspec.json.encode(told)
    if len(whole) < limit:
        return whole
    thin = {"seq": entry.seq, "id": entry.id, "link": f"{pages.rstrip('/')}/entry/{entry.seq}"}
    return msgspec.json.encode(told | {"data": thin, "proof": str(replace(proof, extra=None))})


def test_body(endpoint: str, now: datetime) -> bytes:
    return msgspec.json.encode({"type": TEST, "timestamp": rfc3339(now), "data": {"endpoint": endpoint}})
