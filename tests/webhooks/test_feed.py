"""A receiver that was away asks for what it missed, with its secret and nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.testclient import TestClient

from indelible.event import Entity, Organization
from indelible.merkle.tlog_proof import TlogProof
from indelible.upkeep import Upkeep
from indelible.web import create_app
from tests.store.test_log import happened
from tests.webhooks.conftest import DANA, Hooked

URL = "https://hooks.example.com/"


@pytest.fixture
def client(hooked: Hooked) -> Iterator[TestClient]:
    """Nobody is signed in."""
    upkeep = Upkeep(hooked.log, hooked.log_url, [])
    app = create_app(
        hooked.log, viewer=lambda _: PlainTextResponse("who?", 401), shell=None, refresh=lambda: None, upkeep=upkeep
    )
    with TestClient(Starlette(routes=[Mount("/audit", app)])) as made:
        yield made
    upkeep.close()


def ask(client: TestClient, webhook: str, secret: str, query: str, at: datetime | None = None) -> httpx2.Response:
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": "catching-up", "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("catching-up", at, query),
    }  # fmt: skip
    return client.get(f"/audit/feed/{webhook}?{query}", headers=headers)


def test_all_that_was_missed_comes_page_by_page_and_proved(hooked: Hooked, client: TestClient) -> None:
    endpoint, secret = hooked.add(URL, filter="entity:License")
    hooked.log.append(
        [happened(entity=Entity("License" if number % 3 else "User", str(number))) for number in range(400)]
    )
    found, start = [], 0
    while True:
        answer = ask(client, endpoint.id, secret.shared, f"from={start}").json()
        assert len(answer["entries"]) <= 100
        found += answer["entries"]
        if answer["next"] == start:
            break
        start = answer["next"]
    assert start == hooked.log.head().size
    assert [each["data"]["seq"] for each in found] == [seq for seq in range(1, 401) if (seq - 1) % 3]
    for each in found:
        proof = TlogProof.parse(each["proof"])
        proof.verify(proof.extra or b"", hooked.log.keys)


def test_an_entry_of_any_size_comes_whole(hooked: Hooked, client: TestClient) -> None:
    endpoint, secret = hooked.add(URL, filter="entity:License")
    hooked.log.append([happened(metadata={f"k{n}": "x" * 900 for n in range(60)})])
    (found,) = ask(client, endpoint.id, secret.shared, "from=1").json()["entries"]
    assert len(found["data"]["metadata"]) == 60


def test_an_organizations_webhook_gets_its_own_and_a_filter_that_fits_nothing_moves_on(
    hooked: Hooked, client: TestClient
) -> None:
    endpoint, secret = hooked.add(URL, filter="entity:License", organization="acme")
    hooked.log.append([happened(), happened(organization=Organization("acme"))])
    assert [each["data"]["seq"] for each in ask(client, endpoint.id, secret.shared, "").json()["entries"]] == [2]
    nothing, its = hooked.add(URL, filter="entity:Nothing")
    assert ask(client, nothing.id, its.shared, "from=0").json() == {"entries": [], "next": 4}
    assert ask(client, nothing.id, its.shared, "from=99").json() == {"entries": [], "next": 4}  # its size


def test_whoever_has_not_the_secret_gets_one_answer(hooked: Hooked, client: TestClient) -> None:
    endpoint, secret = hooked.add(URL)
    other, its = hooked.add(URL)
    rotated, _ = hooked.webhooks.endpoints.rotate(other.id, DANA, timedelta(0))
    refused = [
        client.get(f"/audit/feed/{endpoint.id}?from=0"),
        ask(client, endpoint.id, its.shared, "from=0"),
        ask(client, rotated.id, its.shared, "from=0"),
        ask(client, "wh_0", secret.shared, "from=0"),
        ask(client, endpoint.id, secret.shared, "from=0", datetime.now(UTC) - timedelta(minutes=6)),
    ]
    signed = ask(client, endpoint.id, secret.shared, "from=0").request
    refused.append(client.get(f"/audit/feed/{endpoint.id}?from=1", headers=dict(signed.headers)))
    for answer in refused:
        assert (answer.status_code, answer.json()) == (401, refused[0].json())
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["from=x", "from=-1", "from=" + "9" * 19, "from=%00"])
def test_a_number_that_is_none_is_said_so(hooked: Hooked, client: TestClient, query: str) -> None:
    endpoint, secret = hooked.add(URL)
    answer = ask(client, endpoint.id, secret.shared, query)
    assert answer.status_code == 400
    assert "is no sequence number" in answer.json()["detail"]


def test_what_the_server_cannot_do_is_told_a_receiver_without_its_files(
    hooked: Hooked, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, secret = hooked.add(URL, organization="acme")
    hooked.log.close()
    answer = ask(client, endpoint.id, secret.shared, "from=0")
    assert (answer.status_code, "Whoever runs this service" in answer.json()["detail"]) == (503, True)
    (told,) = caplog.messages
    assert "was closed here already" in told
    assert "closed" not in answer.text
