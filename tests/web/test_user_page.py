"""The page of one user tells everything they did, and nobody else, to whom it may be told."""

import pytest

from indelible import Actor, acting_as
from tests.web.conftest import Open
from tests.world import World

NAMESAKE = Actor(id="u_11", name="Dana Lee", email="dana@globex.test")
SMITH = Actor(id="u_1", name="Dana Smith", email="dana@acme.test")


def save(world: World, actor: Actor, license_: str, seats: int, ip: str = "192.0.2.7") -> None:
    with acting_as(actor, source="portal", ip=ip), world.engine().begin() as db:
        db.exec_driver_sql(f"UPDATE licenses SET seats = {seats} WHERE id = '{license_}'")
    world.sealed()


@pytest.fixture
def busy(filled: World) -> World:
    """Dana of Acme, who has another name since, and somebody whose name and id are like hers."""
    filled.sealed()
    save(filled, NAMESAKE, "lic_g", 7)
    save(filled, SMITH, "lic_a", 9, ip="198.51.100.4")
    save(filled, SMITH, "lic_g", 8)
    return filled


@pytest.mark.usefixtures("busy")
def test_it_tells_who_they_are_and_all_they_did_and_nothing_of_a_namesake(pages: Open) -> None:
    page = pages().get("/audit/user/user/u_1").text
    for shown in (
        "<h1>Dana Smith</h1>", "dana@acme.test", "u_1", "3 entries", "also known as Dana Lee", "198.51.100.4",
        "192.0.2.7", "seats: 3 → 4", "seats: 4 → 9", "seats: 7 → 8", "Desk", "Vault", "What they did",
    ):  # fmt: skip
        assert shown in page
    assert "globex.test" not in page
    assert "seats: 5 → 7" not in page


@pytest.mark.usefixtures("busy")
def test_an_entry_leads_to_it(pages: Open) -> None:
    client = pages()
    for page in (client.get("/audit/?open=5").text, client.get("/audit/entry/5").text):
        link = page.split('href="/audit/user/')[1].split('"')[0]
        assert "What they did" in client.get(f"/audit/user/{link}").text
    nobody = client.get("/audit/entry/1").text  # a change that nobody claimed
    assert "/audit/user/" not in nobody


@pytest.mark.usefixtures("busy")
def test_a_range_narrows_what_is_listed_and_not_who_they_are(pages: Open) -> None:
    client = pages()
    past = client.get("/audit/user/user/u_1?until=2020-01-01")
    assert past.status_code == 200
    for shown in ("Nothing in this range", "3 entries", "Dana Smith"):
        assert shown in past.text
    assert "seats: 4 → 9" in client.get("/audit/user/user/u_1?since=1d").text
    wrong = client.get("/audit/user/user/u_1?since=soon")
    assert wrong.status_code == 400
    assert 'value="soon"' in wrong.text


@pytest.mark.usefixtures("busy")
def test_of_another_organization_s_entries_nothing_is_told(pages: Open) -> None:
    own = pages("org_a").get("/audit/user/user/u_1").text
    assert "2 entries" in own
    for hidden in ("Vault", "lic_g", "seats: 7 → 8"):
        assert hidden not in own
    assert pages("org_a").get("/audit/user/user/u_11").status_code == 404


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("address", ["user/u_2", "user/", "user/u", "User/u_1", "nobody/u_1", "job/u_1", "user/%00"])
def test_who_is_not_there_has_no_page(pages: Open, address: str) -> None:
    assert pages().get(f"/audit/user/{address}").status_code == 404


def test_an_id_of_any_letters_has_a_page_that_its_entries_lead_to(pages: Open, filled: World) -> None:
    filled.sealed()
    save(filled, Actor(id="a/b ?#%é\"'", name="Odd <b>"), "lic_a", 5)
    client = pages()
    page = client.get("/audit/?q=odd&open=5").text
    link = page.split('href="/audit/user/')[1].split('"')[0]
    found = client.get(f"/audit/user/{link}")
    assert found.status_code == 200
    assert "<h1>Odd &lt;b&gt;</h1>" in found.text
