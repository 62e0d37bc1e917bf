"""Entries as OCSF 1.8.0 events, a JSON object a line.

What happens to users is Account Change (3001), all else Entity Management (3004). `raw_data` is the entry, byte for
byte; what has no place in OCSF, or not the form that it has there, is in that alone.

https://schema.ocsf.io/1.8.0/classes/entity_management
"""

import re
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import msgspec

from indelible.event import Actor, Entry, micros, read
from indelible.summary import summarize

VERSION = "1.8.0"
IAM = 3  # the category
ACCOUNT, ENTITY = 3001, 3004  # classes
OTHER = 99
ACTIVITIES = {"create": 1, "read": 2, "export": 2, "update": 3, "delete": 4}
ON_ACCOUNTS = {
    "CREATED": 1, "ENABLED": 2, "ACTIVATED": 2, "PASSWORD_CHANGED": 3, "PASSWORD_RESET": 4, "DISABLED": 5,
    "DEACTIVATED": 5, "SUSPENDED": 5, "DELETED": 6, "LOCKED": 9, "UNLOCKED": 12,
}  # fmt: skip
NAMES = {
    ACCOUNT: {1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable", 6: "Delete",
              9: "Lock", 12: "Unlock"},
    ENTITY: {1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
}  # fmt: skip
_EMAIL = re.compile(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+")
TYPES = {"User": 2, "Group": 3, "Team": 3, "Organization": 4, "Policy": 5}  # of managed entities


def spell_ocsf(lines: Sequence[bytes], origin: str) -> bytes:
    return msgspec.json.Encoder().encode_lines([_event(read(line), line, origin) for line in lines])


def _event(entry: Entry, line: bytes, origin: str) -> dict[str, Any]:
    about_user = entry.entity.type == "User"
    class_uid = ACCOUNT if about_user else ENTITY
    verb = entry.action.partition("_")[2]
    activity = (ON_ACCOUNTS.get(verb) if about_user else ACTIVITIES.get(entry.operation)) or OTHER
    succeeded = entry.outcome == "success"
    told: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": NAMES[class_uid].get(activity, entry.operation),
        "category_uid": IAM,
        "category_name": "Identity & Access Management",
        "class_uid": class_uid,
        "class_name": "Account Change" if about_user else "Entity Management",
        "type_uid": class_uid * 100 + activity,
        "severity_id": 1 if succeeded else 2,
        "severity": "Informational" if succeeded else "Low",
        "status_id": 1 if succeeded else 2,
        "status": "Success" if succeeded else "Failure",
        "status_detail": None if succeeded else entry.outcome,
        "time": micros(datetime.fromisoformat(entry.occurred_at)) // 1000,
        "message": f"{entry.action} {summarize(entry)}".strip(),
        "metadata": _metadata(entry, origin),
        "actor": _actor(entry.actor),
        "src_endpoint": {"ip": entry.context.ip} if _is_address(entry.context.ip) else None,
        "http_request": _request(entry),
        "unmapped": _unmapped(entry),
        "raw_data": line.decode(),
    }
    return _without_nothing(told | _target(entry, about_user=about_user))


def _target(entry: Entry, *, about_user: bool) -> dict[str, Any]:
    entity = entry.entity
    if about_user:
        return {"user": {"uid": entity.id, "name": entity.name}}
    kind = TYPES.get(entity.type, OTHER)
    named = {"uid": entity.id, "name": entity.name}
    part = {3: {"group": named}, 4: {"org": named}, 5: {"policy": named}}.get(kind, {})
    return {"entity": named | {"type_id": kind, "type": entity.type} | part, "comment": entry.reason}


def _metadata(entry: Entry, origin: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "uid": str(entry.id),
        "sequence": entry.seq,
        "event_code": entry.action,
        "log_name": origin,
        "original_time": entry.occurred_at,
        "correlation_uid": entry.context.transaction_id,
        "tenant_uid": entry.organization.id if entry.organization else None,
        "product": {"name": "Indelible", "vendor_name": "Indelible", "feature": {"name": entry.context.source}},
    }


def _actor(actor: Actor) -> dict[str, Any]:
    """Who is no person is a program: the job, the key or the database's user that did it."""
    email = actor.email if actor.email and _EMAIL.fullmatch(actor.email) else None
    named = {"uid": actor.id, "name": actor.name or actor.email or actor.id, "email_addr": email}
    if actor.type == "user" and any(named.values()):
        return {"user": named}
    return {"app_name": actor.name or actor.type, "app_uid": actor.id}


def _is_address(text: str | None) -> bool:
    try:
        return bool(ip_address(text or ""))
    except ValueError:
        return False


def _request(entry: Entry) -> dict[str, Any] | None:
    context = entry.context
    return {"user_agent": context.user_agent, "uid": context.request_id} if context.user_agent else None


def _unmapped(entry: Entry) -> dict[str, Any]:
    organization = entry.organization and entry.organization.name
    return {"changes": entry.changes or None, "organization": organization, "details": entry.metadata or None}


def _without_nothing(told: dict[str, Any]) -> dict[str, Any]:
    """OCSF leaves out what is not known; in an entry's own values nothing is left out."""
    found = {}
    for name, value in told.items():
        part = _without_nothing(value) if isinstance(value, dict) and name != "changes" else value
        if part is not None and part != {}:
            found[name] = part
    return found
