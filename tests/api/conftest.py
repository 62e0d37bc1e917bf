"""The API of a log on every store, and keys for it."""

from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from indelible.api import create_api
from indelible.event import Actor
from indelible.log import Log
from indelible.upkeep import Upkeep
from indelible.work.announcements import By

ALL = ("append", "read", "export", "manage")
DANA = By(actor=Actor(id="dana", name="Dana"))
Client = Callable[..., TestClient]
EVENT = {"action": "LICENSE_ASSIGNED", "entity": {"type": "License", "id": "lic_9", "name": "Pro seat 9"}}


@pytest.fixture
def log(log_url: str) -> Iterator[Log]:
    with Log.create(log_url, "audit.example/test") as made:
        yield made


@pytest.fixture
def upkeep(log: Log, log_url: str) -> Iterator[Upkeep]:
    made = Upkeep(log, log_url, [])
    yield made
    made.close()


@pytest.fixture
def api(log: Log, upkeep: Upkeep) -> Iterator[Client]:
    """A client with a key of these scopes, for this organization alone."""
    app = Starlette(routes=[Mount("/api/v1", create_api(log, upkeep))])
    clients: list[TestClient] = []

    def opened(*scopes: str, organization: str | None = None) -> TestClient:
        _, text = upkeep.desk.keys.add(DANA, name="portal", scopes=scopes or ALL, organization=organization)
        client = TestClient(app, base_url="http://test/api/v1", headers={"Authorization": f"Bearer {text}"})
        clients.append(client)
        return client

    yield opened
    for client in clients:
        client.close()
