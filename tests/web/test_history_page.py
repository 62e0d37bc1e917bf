"""The page of one thing shows what it was, to whom it may be shown."""

import html
import re
from urllib.parse import urljoin

import pytest

from indelible.event import Actor, Entity
from tests.store.test_log import happened
from tests.web.conftest import Open
from tests.world import World


@pytest.fixture
def changed(filled: World) -> World:
    filled.run("UPDATE licenses SET seats = 9, license_key_secret = 'S9' WHERE id = 'lic_a'")
    filled.sealed()
    return filled


@pytest.mark.usefixtures("changed")
def test_it_tells_what_it_is_and_what_happened_to_it(pages: Open) -> None:
    page = pages().get("/audit/entity/License/lic_a").text
    for shown in ("Desk", "lic_a", "3 entries", "there now", "seats: 3 → 4", "seats: 4 → 9", ">9<", "redacted"):
        assert shown in page
    assert "S9" not in page
    assert pages().get("/audit/entity/license/lic_a").status_code == 200


@pytest.mark.usefixtures("changed")
def test_two_moments_are_compared(pages: Open) -> None:
    client = pages()
    assert "Nothing is different" in client.get("/audit/entity/License/lic_a?since=2998-01-01&until=2999-01-01").text
    page = client.get("/audit/entity/License/lic_a?since=2020-01-01&until=2999-01-01").text
    assert "From 2020-01-01 00:00:00 to 2999-01-02 00:00:00" in page
    assert "Desk" in page
    page = client.get("/audit/entity/License/lic_a?since=2020-01-01").text
    assert "It was not there, as far as the log knows" in page
    wrong = client.get("/audit/entity/License/lic_a?since=soon")
    assert wrong.status_code == 400
    assert 'value="soon"' in wrong.text


@pytest.mark.usefixtures("changed")
def test_another_organization_s_thing_is_not_there(pages: Open) -> None:
    assert pages("org_g").get("/audit/entity/License/lic_a").status_code == 404
    assert pages("org_a").get("/audit/entity/License/lic_a").status_code == 200
    assert pages().get("/audit/entity/License/nothing").status_code == 404


def test_types_that_differ_in_a_slash_have_pages_of_their_own(pages: Open, filled: World) -> None:
    for type_, id_, name in (("a/b", "c", "first"), ("a", "b/c", "second"), ("é/b ?", "../#?", "third")):
        (seq,) = filled.log.append([happened(entity=Entity(type_, id_, f"The {name}"))])
        page = pages().get(f"/audit/?open={seq}").text
        link = page.split('href="/audit/entity/')[1].split('"')[0]
        found = pages().get(f"/audit/entity/{link}")
        assert f"The {name}" in found.text
        assert "1 entry" in found.text


def test_a_thing_that_was_deleted_is_told_of(pages: Open, filled: World) -> None:
    filled.run("DELETE FROM licenses WHERE id = 'lic_g'")
    page = pages().get("/audit/entity/License/lic_g").text
    assert "deleted" in page
    assert "It is not there any more" in page
    assert "LICENSE_DELETED" in page


def test_an_id_of_any_letters_has_a_page_that_its_entries_lead_to(pages: Open, filled: World) -> None:
    filled.run("INSERT INTO licenses VALUES ('a/b ?#%é', 'org_a', 'Odd <b>', 1, 's')")
    client = pages()
    page = client.get("/audit/?q=odd&open=5").text
    link = page.split('href="/audit/entity/')[1].split('"')[0]
    found = client.get(f"/audit/entity/{link}")
    assert found.status_code == 200
    assert "Odd &lt;b&gt;" in found.text


@pytest.mark.parametrize("type_", [".", "..", "-"])
@pytest.mark.parametrize("id_", ["7", "a/b ?#%é", "..", "../x"])
def test_a_type_that_browsers_would_resolve_has_the_pages_too(pages: Open, filled: World, type_: str, id_: str) -> None:
    who = Actor(id="dana@acme.test", name="Dana")
    (seq,) = filled.log.append([happened(actor=who, entity=Entity(type_, id_, "Odd"))])
    client = pages()
    for page in (f"/audit/entry/{seq}", "/audit/user/user/dana@acme.test"):
        link = re.search(r'href="(/audit/entity/[^"]+)"', client.get(page).text)
        assert link
        address = urljoin("http://testserver/", html.unescape(link[1]))
        found = client.get(address).text
        assert "<h1>Odd</h1>" in found
        carried = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', found))
        ranged = client.get(address.partition("?")[0], params=carried | {"since": "2001-01-01", "until": "2001-01-02"})
        assert "<h1>Odd</h1>" in ranged.text


@pytest.mark.parametrize("id_", [".", "..", "a\nb", "a\n", "%2F..\n?&#+é"])
@pytest.mark.parametrize("what", ["entity", "user"])
def test_an_id_that_no_path_can_end_in_has_the_pages_that_its_entries_lead_to(
    pages: Open, filled: World, what: str, id_: str
) -> None:
    """Browsers resolve dots, and the route that a host mounts the pages with ends at a line break."""
    (seq,) = filled.log.append([happened(actor=Actor(id=id_, name="Odd"), entity=Entity("Doc", id_, "Odd"))])
    client = pages()
    link = re.search(rf'href="(/audit/{what}/[^"]+)"', client.get(f"/audit/entry/{seq}").text)
    assert link
    address = urljoin("http://testserver/", html.unescape(link[1]))
    assert "<h1>Odd</h1>" in client.get(address).text
    nothing = {"since": "2001-01-01", "until": "2001-01-02"}
    carried = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', client.get(address).text)
    ranged = client.get(address.partition("?")[0], params=dict(carried) | nothing)
    assert "<h1>Odd</h1>" in ranged.text
    if what == "user":
        (all_of_it,) = re.findall('href="([^"]+)">All of it', ranged.text)
        assert "<h1>Odd</h1>" in client.get(urljoin(address, html.unescape(all_of_it))).text
