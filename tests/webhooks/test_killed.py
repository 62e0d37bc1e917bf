"""A receiver that fails in every way, a server that is killed in the middle: nothing is lost."""

import os

from indelible.merkle.tlog_proof import TlogProof
from tests.webhooks.chaos import survive, unreliable
from tests.webhooks.conftest import Hooked
from tests.webhooks.receiver import receiving

ENTRIES = int(os.environ.get("INDELIBLE_DELIVERIES", "100"))


def test_nothing_is_lost_whatever_the_receiver_does_and_whenever_the_server_is_killed(hooked: Hooked) -> None:
    with receiving(unreliable(ENTRIES)) as receiver:
        came = survive(hooked, receiver, ENTRIES, patience=60 + ENTRIES / 10)
        assert came.lost == 0
        # What was under way when it was killed, and what was taken and not yet written down.
        assert came.twice <= 2 * ENTRIES // 3
        for got in receiver.taken()[-20:]:
            proof = TlogProof.parse(_proof(got.body))
            proof.verify(proof.extra or b"", hooked.log.keys)


def _proof(body: bytes) -> str:
    import json

    return str(json.loads(body)["proof"])
