"""Ids of what is added. Where equal texts make equal ids, what is added a second time finds that it is there."""

import hashlib
import secrets as chance

import msgspec


def random_id(prefix: str) -> str:
    return f"{prefix}_{chance.token_hex(8)}"


def id_of(prefix: str, *told: str | None) -> str:
    return f"{prefix}_{hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]}"


def form_id(prefix: str, once: str, *told: str | None) -> str:
    """`once`: a random text that a form carries; "": of no form. Sent again with other texts it is another's."""
    return id_of(prefix, once, *told) if once else random_id(prefix)
