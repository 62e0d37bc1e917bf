"""Two tenants, and whatever one of them asks for: not a byte of the other's comes back.

Everything of each tenant has a mark of its own in it, which nobody types. What a key of one gets, by any operation, on
any page and in any file, has no mark of the other's.
"""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from indelible.api import create_api
from indelible.event import Actor, Entity, Organization
from indelible.exports.writing import Writer
from indelible.log import Log
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer
from indelible.web import create_app
from indelible.work.announcements import By
from tests.checking import indexed
from tests.exports.test_exports import _Held
from tests.store.test_log import happened

CALLS = int(os.environ.get("INDELIBLE_TENANT_CALLS", "1200"))
WORD = {"acme": "quagga", "globex": "zebu"}
MARK = {"acme": "quagga-m1", "globex": "zebu-m2"}
QUERIES = (
    "", "quagga", "zebu", "user:quagga", "user:zebu", "org:acme", "org:globex", "entity:License", "old:zebu",
    "new:quagga", "-user:zebu", "-org:acme", "action:*", "field:zebu", "entity:zebu/1", "since:7d", "operation:update",
    '"', "nokey:1",
)  # fmt: skip
Ask = Callable[[random.Random], tuple[str, str, Any]]


@pytest.fixture
def filled(log: Log, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setenv("INDELIBLE_API_RATE", "1000000")
    monkeypatch.setenv("INDELIBLE_WEBHOOK_ALLOW", "127.0.0.0/8")
    for number in range(400):
        organization = ("acme", "globex")[number % 2]
        word = MARK[organization]
        log.append(
            [happened(
                actor=Actor(id=f"{word}{number % 5}", name=word, email=f"{word}@x.test"),
                entity=Entity("License" if number % 3 else WORD[organization], str(number % 7), word), reason=word,
                organization=Organization(organization, word), changes={word: {"old": f"{word}0", "new": f"{word}1"}},
            )]
        )  # fmt: skip
    indexed(log)
    for organization, word in MARK.items():
        by = By(actor=Actor(id=word, name=word), organization=organization)
        upkeep.desk.webhooks.endpoints.add(f"http://127.0.0.1:9/{word}", by, filter=word)
        upkeep.desk.views.add(by, name=word, query=word, shared=True)
        upkeep.desk.exports.add(by, form="jsonl", query=word)
        upkeep.desk.keys.add(by, name=word, scopes=["read"])
        upkeep.desk.digests.add(by, recipient=f"{word}@x.test", frequency="daily", name=word, query=word)
    Writer(log, upkeep.desk.work, _Held()).run()
    return log


def ids(upkeep: Upkeep) -> list[str]:
    """Of everything, whoever's it is."""
    desk = upkeep.desk
    rooms: list[Any] = [desk.webhooks.endpoints, desk.exports, desk.keys, desk.digests]
    return [each.id for room in rooms for each in room.all()]


def api_calls(known: list[str]) -> list[Ask]:
    return [
        lambda r: ("GET", f"/api/v1/events?limit={r.randint(1, 500)}", {"q": r.choice(QUERIES)}),
        lambda r: ("GET", f"/api/v1/events/{r.randint(0, 440)}", None),
        lambda r: ("GET", f"/api/v1/entities/{r.choice(['License', *WORD.values()])}/{r.randint(0, 7)}", None),
        lambda r: ("GET", f"/api/v1/export?format={r.choice(['csv', 'jsonl', 'ocsf'])}", {"q": r.choice(QUERIES)}),
        lambda r: ("GET", f"/api/v1/{r.choice(['webhooks', 'exports', 'keys'])}/{r.choice(known)}", None),
        lambda r: ("GET", f"/api/v1/exports/{r.choice(known)}/file", None),
        lambda r: ("GET", f"/api/v1/{r.choice(['webhooks', 'exports', 'keys', 'views', 'coverage'])}", None),
        lambda r: ("POST", f"/api/v1/keys/{r.choice(known)}/rotate", None),
        lambda r: ("POST", f"/api/v1/webhooks/{r.choice(known)}/{r.choice(['pause', 'resume', 'rotate'])}", None),
    ]  # fmt: skip


def page_calls(known: list[str]) -> list[Ask]:
    return [
        lambda r: ("GET", "/", {"q": r.choice(QUERIES), "before": str(r.randint(0, 440))}),
        lambda r: ("GET", f"/entry/{r.randint(0, 440)}", {"row": r.choice(["open", "closed", "x"])}),
        lambda r: ("GET", f"/entry/{r.randint(0, 440)}", None),
        lambda r: ("GET", f"/entity/{r.choice(['License', *WORD.values()])}/{r.randint(0, 7)}", None),
        lambda r: ("GET", f"/export?format={r.choice(['csv', 'jsonl'])}", {"q": r.choice(QUERIES)}),
        lambda r: ("GET", r.choice(["/count", "/suggest"]), {"q": r.choice(["user:", "org:", "entity:", *QUERIES])}),
        lambda r: ("GET", f"/exports/{r.choice(known)}/{r.choice(['file', 'manifest'])}", None),
        lambda r: ("GET", r.choice(["/webhooks/", "/digests/", "/jobs/", "/views/", "/exports/", "/checkpoint"]), None),
        lambda r: ("GET", f"/webhooks/{r.choice(known)}", None),
        lambda r: ("GET", f"/tile/entries/{r.choice(['000', '001.p/150'])}", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("own", "other"), [("acme", "globex"), ("globex", "acme")])
def test_not_a_byte_of_another_tenant_s_comes_back(filled: Log, upkeep: Upkeep, own: str, other: str) -> None:
    _, text = upkeep.desk.keys.add(
        By(actor=Actor(id=own)), name=own, scopes=["append", "read", "export", "manage"], organization=own
    )

    def viewer(_request: Request) -> Viewer:
        return Viewer(actor=Actor(id=own, name=own), organization=own, manages=True)

    pages = create_app(filled, viewer=viewer, shell=None, refresh=lambda: None, upkeep=upkeep)
    app = Starlette(routes=[Mount("/api/v1", create_api(filled, upkeep)), Mount("/", pages)])
    known, chance = ids(upkeep), random.Random(own)  # noqa: S311 - the same calls in each run
    calls = api_calls(known) + page_calls(known)
    headers = {"Authorization": f"Bearer {text}", "Sec-Fetch-Site": "same-origin"}
    answered = 0
    with TestClient(app, headers=headers, raise_server_exceptions=True) as client:
        for _ in range(CALLS):
            method, path, given = chance.choice(calls)(chance)
            answer = client.request(method, path, params=given)
            assert answer.status_code < 500, (path, given, answer.text[:300])
            assert MARK[other] not in answer.text + str(answer.headers), (path, given)
            answered += MARK[own] in answer.text
    assert answered > CALLS // 10  # its own comes back
