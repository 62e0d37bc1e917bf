"""Each way from what is shown to less of it leads where it says."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from indelible.event import Actor, Entity, Organization
from indelible.web import app, facets
from tests.store.test_log import happened
from tests.web.conftest import Open
from tests.world import World

COUNT = re.compile(r'class="audit-count" role="status">\s*([\d,]+|No)')
CHOICE = re.compile(r'<li><a href="([^"]+)">[^<]+</a> <span>([\d,]+)</span>\s*<a class="audit-but" href="([^"]+)"')
BAR = re.compile(r'<a href="([^"]+)" aria-label="([^"]+): ([\d,]+) entr')


def count(page: str) -> int:
    found = COUNT.search(page)
    assert found
    return 0 if found[1] == "No" else int(found[1].replace(",", ""))


@pytest.fixture
def many(filled: World) -> World:
    """Two more years of entries, a few each week, by three people."""
    begin = datetime(2024, 11, 1, tzinfo=UTC)
    filled.log.append(
        happened(
            occurred_at=begin + timedelta(hours=31 * n),
            actor=Actor(id=f"p{n % 3}", name=f"Person {n % 3}", email=f"p{n % 3}@acme.test"),
            organization=Organization(*(("org_a", "Acme") if n % 4 else ("org_g", "Globex"))),
            changes={"plan": {"old": "free", "new": "pro" if n % 5 else 'the "big" one'}},
        )
        for n in range(400)
    )
    return filled


@pytest.mark.parametrize(
    "query",
    ["", "?since=2025-01-01&until=2025-06-30", "?q=user:p1", "?q=new:pro&since=2025-03-01T07:11Z&until=2025-03-04"],
)
@pytest.mark.parametrize("organization", [None, "org_a"])
@pytest.mark.usefixtures("many")
def test_each_bar_leads_to_as_many_entries_as_it_tells(pages: Open, query: str, organization: str | None) -> None:
    client = pages(organization)
    page = client.get(f"/audit/{query}").text
    bars = [(html.unescape(link), int(told.replace(",", ""))) for link, _, told in BAR.findall(page)]
    assert 1 < len(bars) <= 60
    assert sum(told for _, told in bars) == count(page) > 0
    for link, told in [*bars[:3], *bars[-3:], max(bars, key=lambda bar: bar[1])]:
        assert count(client.get(link).text) == told


@pytest.mark.usefixtures("many")
def test_each_name_in_a_list_leads_to_as_many_entries_as_it_tells(pages: Open) -> None:
    client = pages("org_a")
    page = client.get("/audit/?q=new:pro").text
    assert "organization" not in page[page.index("<summary>Narrow by") : page.index("</details>")]  # they have one
    leads = re.search(r'hx-get="([^"]+/facets[^"]+)"', page)
    assert leads
    alone = client.get(html.unescape(leads[1])).text
    part = client.get(html.unescape(leads[1]), headers={"HX-Request": "true"}).text
    assert "<h2>Organization</h2>" not in alone
    choices = CHOICE.findall(part)
    assert CHOICE.findall(alone) == choices
    assert "<html" in alone
    assert "<html" not in part
    assert len(choices) >= 6
    for only, told, but in choices:
        assert count(client.get(html.unescape(only)).text) == int(told)
        assert count(client.get(html.unescape(but)).text) == count(page) - int(told)


@pytest.mark.usefixtures("many")
def test_each_chip_is_a_term_and_takes_it_away(pages: Open) -> None:
    page = pages().get('/audit/?q=user:p1 new:"the ""big"" one"').text
    chips = re.findall(r'<li><code>(.*?)</code> <a href="([^"]+)"', page)
    assert [html.unescape(text) for text, _ in chips] == ["user:p1", 'new:"the ""big"" one"']
    assert 'value="user:p1"' in pages().get(html.unescape(chips[1][1])).text


@pytest.mark.usefixtures("many")
def test_what_is_known_of_an_entry_leads_to_others_like_it(pages: Open) -> None:
    client = pages()
    listed = client.get("/audit/?q=user:p1").text
    first = re.search(r'id="e(\d+)"', listed)
    assert first
    page = client.get(f"/audit/?q=user:p1&open={first[1]}").text
    links = re.findall(r'<a href="([^"]+)" aria-label="(Only|All but) ([^"]+)"', page)
    assert {told.split()[0] for _, _, told in links} == {"action", "entity", "user", "organization"}
    for link, kind, _ in links:
        found = count(client.get(html.unescape(link)).text)
        assert found > 0 if kind == "Only" else found < count(page)


def test_a_proof_is_there_for_who_may_see_the_entry(pages: Open, filled: World) -> None:
    pages().get("/audit/")
    told = pages("org_a").get("/audit/entry/4/proof")
    assert told.status_code == 200
    assert told.text == str(filled.log.proof(4))
    assert "entry-4.tlog-proof" in told.headers["content-disposition"]
    for organization, seq in (("org_g", "4"), (None, "99"), (None, "x")):
        assert pages(organization).get(f"/audit/entry/{seq}/proof").status_code == 404


def test_the_list_of_suggestions_is_made_of_what_the_viewer_may_see(pages: Open) -> None:
    pages().get("/audit/")
    assert "action:LICENSE_UPDATED" in pages("org_a").get("/audit/suggest?q=action:lic").text
    assert "UPDATED" not in pages("org_g").get("/audit/suggest?q=action:lic").text
    assert pages().get('/audit/suggest?q=new:"<').text.strip() == ""


@pytest.mark.usefixtures("many")
def test_a_search_that_takes_too_long_says_how_to_narrow_it_and_keeps_what_was_typed(
    pages: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SECONDS", -1.0)
    answer = pages().get("/audit/?q=nothing-has-this")
    assert answer.status_code == 400
    assert "This search was stopped after" in answer.text
    assert "as since:30d" in answer.text
    assert 'value="nothing-has-this"' in answer.text


@pytest.mark.usefixtures("many")
def test_names_that_take_too_long_to_count_are_told_of_within_the_page(
    pages: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "SECONDS", -1.0)
    part = pages().get("/audit/facets?q=nothing-has-this", headers={"HX-Request": "true"}, follow_redirects=False)
    assert (part.status_code, "<html" in part.text) == (200, False)
    assert "could not be counted: it cannot be read, or takes too long" in part.text
    alone = pages().get("/audit/facets?q=nothing-has-this", follow_redirects=False)
    assert (alone.status_code, alone.headers["location"]) == (303, "/audit/?q=nothing-has-this")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("since", ["", "0001-01-01", "1800-01-01", "2025-01-01"])
@pytest.mark.parametrize("until", ["", "9999-12-30", "9999-12-31T23:59:59", "2300-01-01"])
def test_a_range_of_any_length_is_drawn_as_far_as_it_can_be(pages: Open, since: str, until: str) -> None:
    page = pages("org_a").get("/audit/", params={"q": "user:p1", "since": since, "until": until})
    assert page.status_code == 200
    assert sum(int(told.replace(",", "")) for _, _, told in BAR.findall(page.text)) == count(page.text) > 0


@pytest.mark.parametrize("length", [970, 991, 1000])
def test_no_way_is_longer_than_a_search_may_be(pages: Open, filled: World, length: int) -> None:
    entity = Entity("Thing", "x" * length, "The thing")
    (seq, *_) = filled.log.append([happened(entity=entity) for _ in range(120)])
    client = pages()
    for path in (f"entry/{seq}", f"?q=action:LICENSE_ASSIGNED&open={seq}", "facets?q=", f"entity/Thing/{entity.id}"):
        page = client.get(f"/audit/{path}").text
        links = {html.unescape(each) for each in re.findall(r'(?:href|hx-get)="(/audit/[^"]*)"', page)}
        assert links
        for link in links:
            assert client.get(link).status_code != 400, link
