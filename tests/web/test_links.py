"""A link shows one organization's entries, to whoever has it, until it ends; it cannot be made to show more."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.testclient import TestClient

from indelible import Audit
from indelible.errors import UsageError
from indelible.event import Actor
from indelible.upkeep import Upkeep
from indelible.web import links
from tests.web.conftest import Open
from tests.world import World

KIM = Actor(id="kim", name="Kim", email="kim@acme.test")


@pytest.fixture
def link(filled: World) -> str:
    upkeep = Upkeep(filled.log, filled.log_url, [])
    made = links.sign(upkeep.desk.secrets, "org_a", KIM, timedelta(minutes=5))
    upkeep.close()
    return made


@pytest.fixture
def client(pages: Open) -> TestClient:
    """Of somebody whom the host does not know."""
    return pages(known=False)


def test_it_shows_the_entries_of_one_organization(client: TestClient, link: str) -> None:
    assert client.get("/audit/").status_code == 401
    page = client.get(f"/audit/as/{link}/")
    assert page.status_code == 200
    assert "Desk" in page.text
    for elsewhere in ("", "?q=vault", "?q=org:globex", "entry/2", "entity/License/lic_g", "suggest?q=entity:v"):
        assert "Vault" not in client.get(f"/audit/as/{link}/{elsewhere}").text
    assert page.headers["referrer-policy"] == "same-origin"


def test_every_address_on_its_pages_stays_within_it(client: TestClient, link: str) -> None:
    page = client.get(f"/audit/as/{link}/?q=desk&open=4").text
    found = [
        part.split('"')[0] for name in ('href="', 'hx-get="', 'action="', 'src="') for part in page.split(name)[1:]
    ]
    assert len(found) > 20
    assert [each for each in found if each.startswith("/audit") and not each.startswith(f"/audit/as/{link}/")] == []
    assert client.get(f"/audit/as/{link}/static/audit.css").status_code == 200


def test_who_has_it_is_named_in_what_they_take_away(client: TestClient, link: str, filled: World) -> None:
    client.get(f"/audit/as/{link}/export?format=jsonl&q=")
    last = filled.log.entry(filled.log.head().size - 1)
    assert (last.action, last.actor.id) == ("AUDIT_EXPORTED", "kim")
    assert last.organization
    assert last.organization.id == "org_a"


@pytest.mark.parametrize("path", ["webhooks/", "digests/", "jobs/", "checkpoint", "tile/0/000"])
def test_it_lets_nobody_manage_and_tells_nothing_of_the_whole_log(client: TestClient, link: str, path: str) -> None:
    assert client.get(f"/audit/as/{link}/{path}").status_code == 404


def test_it_ends(client: TestClient, filled: World) -> None:
    upkeep = Upkeep(filled.log, filled.log_url, [])
    link = links.sign(upkeep.desk.secrets, "org_a", KIM, timedelta(microseconds=1))
    upkeep.close()
    answer = client.get(f"/audit/as/{link}/")
    assert answer.status_code == 403
    assert "This link has ended" in answer.text


def test_what_it_says_cannot_be_changed(client: TestClient, link: str) -> None:
    told, mac = link.split(".")
    said = json.loads(base64.urlsafe_b64decode(told + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(said | {"organization": "org_g"}).encode()).decode().rstrip("=")
    for wrong in (f"{forged}.{mac}", f"{told}.{mac[:-1]}0x", f"{told}.", told, "x", f"{told}.é", f"{mac}.{told}"):
        assert client.get(f"/audit/as/{wrong}/").status_code == 403


@pytest.mark.parametrize(("organization", "lasts"), [("", 5), ("org_a", 0), ("org_a", -1), ("org_a", 1441)])
def test_what_no_link_can_be_is_refused(filled: World, organization: str, lasts: int) -> None:
    upkeep = Upkeep(filled.log, filled.log_url, [])
    with pytest.raises(UsageError):
        links.sign(upkeep.desk.secrets, organization, KIM, timedelta(minutes=lasts))
    upkeep.close()


def test_a_host_makes_one_for_where_its_pages_are(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    with Audit(engine, f"sqlite:///{tmp_path}/audit.db") as audit:
        audit.watch()
        pages = audit.app(viewer=lambda _: PlainTextResponse("who are you?", 401))
        client = TestClient(Starlette(routes=[Mount("/audit", pages)]))
        assert client.get(f"/audit{audit.link('org_7', KIM)}").status_code == 200
        assert client.get("/audit/").status_code == 401
        client.close()
    engine.dispose()
