"""The audit pages of a small log with two organizations, and a browser of no JavaScript."""

import html
import re
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from starlette.testclient import TestClient

from indelible import Actor, Viewer, acting_as
from indelible.publish.assurance import Assurance
from indelible.upkeep import Upkeep
from indelible.viewer import Shell
from indelible.web import create_app
from tests.world import World

MAP = """
[organizations]
name = "name"
organization = "id"
[licenses]
name = "product"
organization = "organization_id"
references = { organization_id = "Organization" }
"""
DDL = """
CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE licenses (id TEXT PRIMARY KEY, organization_id TEXT, product TEXT, seats INTEGER, license_key_secret TEXT);
"""
DANA = Actor(id="u_1", name="Dana Lee", email="dana@acme.test")
Open = Callable[..., TestClient]


def wrong(page: str) -> dict[str, str]:
    """What a form says at its fields, each of which is marked and leads to it."""
    said = dict(re.findall(r'<(?:p|div) class="audit-wrong" id="(\w+)-problem">([^<]*)<', page))
    for field in said:
        assert re.search(rf'aria-describedby="{field}-problem"', page)
    assert bool(said) == ('aria-invalid="true"' in page)
    return {field: html.unescape(text) for field, text in said.items()}


def carried(page: str) -> str:
    """What a form carries so that it adds one thing."""
    (found,) = re.findall(r'name="once" value="(\w+)"', page)
    return str(found)


@pytest.fixture
def filled(world: World) -> World:
    """Acme and Globex, a license each; Acme's was changed by Dana."""
    world.watch(DDL, map_text=MAP)
    world.run("INSERT INTO organizations VALUES ('org_a', 'Acme'), ('org_g', 'Globex')")
    world.run("INSERT INTO licenses VALUES ('lic_a', 'org_a', 'Desk', 3, 'S1'), ('lic_g', 'org_g', 'Vault', 5, 'S2')")
    with acting_as(DANA, source="portal", ip="192.0.2.7"), world.engine().begin() as db:
        db.exec_driver_sql("UPDATE licenses SET seats = 4 WHERE id = 'lic_a'")
    return world


@pytest.fixture
def pages(filled: World) -> Iterator[Open]:
    """Mounted at /audit for a viewer of one organization, or of all."""
    clients: list[TestClient] = []
    kept: list[Upkeep] = []

    def opened(
        organization: str | None = None,
        *,
        known: bool = True,
        manages: bool = False,
        shell: Shell | None = None,
        assured: Assurance | None = None,
        verified: bool = False,
    ) -> TestClient:
        def viewer(_request: Request) -> Viewer | Response:
            viewer = Viewer(actor=DANA, organization=organization, manages=manages)
            return viewer if known else PlainTextResponse("who are you?", 401)

        upkeep = Upkeep(filled.log, filled.log_url, [])
        upkeep._publisher.assurance = assured
        if verified:
            upkeep._monitor.check()
        kept.append(upkeep)
        app = create_app(filled.log, viewer=viewer, shell=shell, refresh=filled.sealer.seal, upkeep=upkeep)
        client = TestClient(Starlette(routes=[Mount("/audit", app)]))
        clients.append(client)
        return client

    yield opened
    for client in clients:
        client.close()
    for upkeep in kept:
        upkeep.close()
