"""Every delivery verifies with the specification's own library; what is altered, replayed or malformed does not."""

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from indelible.errors import MalformedError
from indelible.webhooks.secret import Secret, Secrets
from indelible.webhooks.signing import TOLERANCE, headers, verify

SECRETS = Secrets(bytes(range(32)))
SECRET, NEXT = SECRETS.of("wh_1", 1), SECRETS.of("wh_1", 2)
BODY = b'{"type":"license.assigned"}'


def signed(body: bytes = BODY, at: float | None = None, *secrets: Secret) -> dict[str, str]:
    return headers("msg_1", int(time.time() if at is None else at), body, secrets or (SECRET,))


def asymmetric(secret: Secret, given_: dict[str, str], body: bytes) -> None:
    """As a receiver does who has the public key alone."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(secret.public.removeprefix("whpk_")))
    content = f"{given_['webhook-id']}.{given_['webhook-timestamp']}.".encode() + body
    for each in given_["webhook-signature"].split(" "):
        if each.startswith("v1a,"):
            try:
                key.verify(base64.b64decode(each.removeprefix("v1a,")), content)
            except InvalidSignature:
                continue
            return
    raise InvalidSignature


@given(st.text().map(str.encode))
def test_the_official_library_verifies_whatever_the_body_is(body: bytes) -> None:
    told = signed(body)
    Webhook(SECRET.shared).verify(body, told, json_parse=False)
    asymmetric(SECRET, told, body)
    verify(told, body, [SECRET], time.time())


def test_our_signature_is_the_librarys_own() -> None:
    at = datetime(2026, 11, 20, 9, 14, 3, tzinfo=UTC)
    ours = headers("msg_1", int(at.timestamp()), BODY, [SECRET])["webhook-signature"].split(" ")[0]
    assert ours == Webhook(SECRET.shared).sign("msg_1", at, BODY.decode())


ALTERED: dict[str, Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]] = {
    "the body": lambda told, body: (told, body.replace(b"assigned", b"revoked_")),
    "a space in the body": lambda told, body: (told, body + b" "),
    "the id": lambda told, body: (told | {"webhook-id": "msg_2"}, body),
    "the time": lambda told, body: (told | {"webhook-timestamp": str(int(told["webhook-timestamp"]) - 1)}, body),
    "the signature": lambda told, body: (
        told | {"webhook-signature": told["webhook-signature"].replace("=", "A=", 1)}, body
    ),
    "replayed later": lambda _, body: (signed(body, time.time() - TOLERANCE - 5), body),
    "from the future": lambda _, body: (signed(body, time.time() + TOLERANCE + 5), body),
    "another endpoint's": lambda _, body: (signed(body, None, SECRETS.of("wh_2", 1)), body),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_what_is_altered_or_replayed_fails(what: str) -> None:
    told, body = ALTERED[what](signed(), BODY)
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(SECRET.shared).verify(body, told)
    with pytest.raises(MalformedError, match="cannot be verified"):
        verify(told, body, [SECRET], time.time())
    if "the signature" not in what and "time" not in what and "later" not in what and "future" not in what:
        with pytest.raises(InvalidSignature):
            asymmetric(SECRET, told, body)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""}, {"webhook-id": "ü"}, {"webhook-id": "m" * 257}, {"webhook-timestamp": ""},
        {"webhook-timestamp": "now"}, {"webhook-timestamp": "-1"}, {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "٣"}, {"webhook-signature": ""}, {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"}, {"webhook-signature": "v1,%%%"}, {"webhook-signature": "v1,é"},
        {"webhook-signature": "v2,AAAA"}, {"webhook-signature": " " * 100},
    ],
)  # fmt: skip
def test_every_malformed_header_is_the_same_error(change: dict[str, str]) -> None:
    with pytest.raises(MalformedError) as refused:
        verify(signed() | change, BODY, [SECRET], time.time())
    assert str(refused.value) == "The signature of this request cannot be verified."


def test_while_a_secret_is_rotated_both_verify_and_afterwards_the_new_one_alone() -> None:
    both = signed(BODY, None, NEXT, SECRET)
    for secret in (SECRET, NEXT):
        Webhook(secret.shared).verify(BODY, both)
        asymmetric(secret, both, BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET.shared).verify(BODY, signed(BODY, None, NEXT))


def test_a_secret_is_as_long_as_the_specification_wants_and_shows_itself_to_nobody() -> None:
    assert SECRET.shared.startswith("whsec_")
    assert 24 <= len(base64.b64decode(SECRET.shared.removeprefix("whsec_"))) <= 64
    assert SECRET.public.startswith("whpk_")
    assert SECRET.shared[6:20] not in repr(SECRET) + str(SECRET)
