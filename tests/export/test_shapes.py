"""What leaves in the shapes of others is what their own schema and library read; the entry is in it, byte for byte."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.event import Actor, Context, Entity, Organization, seal
from indelible.export import FORMATS, write
from indelible.export.csv import COLUMNS
from tests.store.test_log import happened

SCHEMA = json.loads(Path(__file__).with_name("ocsf-1.8.0.json").read_text())
PLAIN = {"integer_t": int, "long_t": int, "string_t": str, "boolean_t": bool}
NASTY = st.sampled_from(["", "Dana", "=1+1", 'a"b', "\0", "ß", "x" * 300, "two\nlines", " ", "'", "\ufeff", "😀", "-1"])
TYPES = ["User", "License", "Organization", "Team", "Policy"]
ACTIONS = ["USER_CREATED", "USER_PASSWORD_RESET", "USER_INVITED", "LICENSE_ASSIGNED", "ORG_RENAMED", "TEAM_DELETED"]
KINDS = st.sampled_from(["user", "system", "job", "unknown", "api_key"])
some = st.none() | NASTY
changed = st.fixed_dictionaries({}, optional={"old": some, "new": some | st.integers()})
events = st.builds(
    happened,
    action=st.sampled_from(ACTIONS),
    operation=st.sampled_from(["create", "update", "delete", "export", "sign_in", "read"]),
    entity=st.builds(Entity, st.sampled_from(TYPES), st.just("1"), some),
    actor=st.builds(Actor, type=KINDS, id=some, name=some, email=some | st.just("dana@acme.test")),
    organization=st.none() | st.builds(Organization, NASTY, some),
    changes=st.dictionaries(NASTY, changed, max_size=3),
    outcome=st.sampled_from(["success", "failure", "denied"]),
    reason=some,
    context=st.builds(Context, source=some, ip=some | st.just("2001:db8::1"), user_agent=some, request_id=some),
)


def exported(name: str, *lines: bytes) -> bytes:
    return b"".join(write([lines], FORMATS[name], "audit.example/test"))


def problems(value: Any, kind: str, path: str = "") -> list[str]:
    """What OCSF's own schema finds wrong with an object, or with a class."""
    shape = SCHEMA["objects"].get(kind) or SCHEMA["classes"].get(kind)
    if shape is None:
        return _plain(value, kind, path)
    attributes = shape["attributes"]
    found = [
        f"{path}: {name} is required" for name, each in attributes.items() if each.get("required") and name not in value
    ]
    if "at_least_one" in shape and not set(shape["at_least_one"]) & set(value):
        found.append(f"{path}: none of {shape['at_least_one']}")
    for name, part in value.items():
        if name not in attributes:
            found.append(f"{path}.{name} is no attribute")
            continue
        if "enum" in attributes[name] and str(part) not in attributes[name]["enum"]:
            found.append(f"{path}.{name}: {part} is not among {attributes[name]['enum']}")
        for each in part if attributes[name].get("array") else [part]:
            found += problems(each, attributes[name]["type"], f"{path}.{name}")
    return found


def _plain(value: Any, kind: str, path: str) -> list[str]:
    if kind not in SCHEMA["types"]:
        return [] if kind in ("object", "json_t") else [f"{path}: {kind} is not in the compiled schema"]
    told = SCHEMA["types"][kind]
    if kind == "json_t":
        return []
    if not isinstance(value, PLAIN[told.get("type", kind)]) or isinstance(value, bool):
        return [f"{path}: {value!r} is no {kind}"]
    if len(str(value)) > told.get("max_len", 10**9) or not re.search(told.get("regex", ""), str(value)):
        return [f"{path}: {value!r} has not the form of {kind}"]
    return []


@settings(max_examples=150)
@given(event=events)
def test_ocsf_is_as_its_schema_says_and_carries_the_entry(event: Any) -> None:
    line, _ = seal(event, 7)
    (told,) = exported("ocsf", line).splitlines()
    found = json.loads(told)
    assert problems(found, str(found["class_uid"])) == []
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert found["raw_data"].encode() == line
    assert found["unmapped"].get("changes", {}) == json.loads(line)["changes"] if "unmapped" in found else True


def test_the_schema_of_the_tests_refuses_what_is_wrong() -> None:
    line, _ = seal(happened(), 7)
    good = json.loads(exported("ocsf", line))
    assert problems(good, "3004") == []
    wrong: dict[str, Any]
    for wrong in ({"time": "now"}, {"activity_id": 77}, {"metadata": {}}, {"nothing": 1}, {"entity": {"type": "x"}}):
        assert problems(good | wrong, "3004") != []


@pytest.mark.parametrize(
    ("action", "operation", "type_", "class_uid", "activity"),
    [
        ("LICENSE_ASSIGNED", "update", "License", 3004, 3),
        ("ORG_CREATED", "create", "Organization", 3004, 1),
        ("AUDIT_EXPORTED", "export", "AuditLog", 3004, 2),
        ("USER_CREATED", "create", "User", 3001, 1),
        ("USER_PASSWORD_RESET", "update", "User", 3001, 4),
        ("USER_INVITED", "create", "User", 3001, 99),
        ("USER_SIGNED_IN", "sign_in", "User", 3001, 99),
    ],
)
def test_actions_become_activities(action: str, operation: str, type_: str, class_uid: int, activity: int) -> None:
    line, _ = seal(happened(action=action, operation=operation, entity=Entity(type_, "1", "One")), 0)
    found = json.loads(exported("ocsf", line))
    assert (found["class_uid"], found["activity_id"]) == (class_uid, activity)


@pytest.mark.parametrize("bad", ["\n", "\0", "\x7f", "\x85", "\ufdd0", "\uffff"])
def test_a_subject_has_only_what_a_string_of_cloudevents_may_have(bad: str) -> None:
    line, _ = seal(happened(entity=Entity("License", f"a{bad}b")), 7)
    told = json.loads(exported("cloudevents", line))
    assert told["subject"] == "License/a\N{REPLACEMENT CHARACTER}b"
    assert told["data"] == json.loads(line)


@settings(max_examples=100)
@given(event=events)
def test_cloudevents_are_read_by_the_specification_s_own_library(event: Any) -> None:
    line, _ = seal(event, 7)
    (told,) = exported("cloudevents", line).splitlines()
    read = JSONFormat().read(CloudEvent, told)
    assert read.get_id() == str(event.id)
    assert read.get_source() == "indelible:audit.example/test"
    assert read.get_type().startswith("indelible.")
    assert read.get_data() == json.loads(line)
    assert line in told


@settings(max_examples=100)
@given(event=events)
def test_raw_csv_is_read_back_as_it_was(event: Any) -> None:
    line, _ = seal(event, 7)
    (row,) = csv.DictReader(io.StringIO(exported("csv-raw", line).decode(), newline=""))
    assert set(row) == set(COLUMNS)
    assert row["actor_name"] == (event.actor.name or "")
    assert row["entity_name"] == (event.entity.name or "")
    assert row["reason"] == (event.reason or "")
    assert json.loads(row["changes"]) == json.loads(line)["changes"]
