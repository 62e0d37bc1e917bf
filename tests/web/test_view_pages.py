"""Saved views on the pages: kept, seen first, one click away, removed."""

import html
import re

import pytest

from tests.web.conftest import Open, wrong

HERE = {"sec-fetch-site": "same-origin"}


def test_a_view_that_is_kept_is_one_click_away(pages: Open) -> None:
    client = pages()
    offered = re.search(r'href="([^"]+)">Save this view', client.get("/audit/?q=dana&since=7d").text)
    assert offered
    form = client.get(html.unescape(offered[1])).text
    assert 'value="dana"' in form
    answer = client.post("/audit/views/", data={"name": "Dana's week", "q": "dana", "since": "7d"}, headers=HERE)
    assert "Saved." in answer.text
    page = client.get("/audit/?q=dana&since=7d").text
    assert re.search(r'<a href="/audit/\?q=dana&amp;since=7d" aria-current="true">Dana&#39;s week</a>', page)
    assert "AUDIT_VIEW_SAVED" in client.get("/audit/?q=").text


def test_what_somebody_wants_to_see_first_is_what_the_bare_address_shows(pages: Open) -> None:
    client = pages()
    client.post("/audit/views/", data={"name": "First", "q": "action:LICENSE_*", "opens": "1"}, headers=HERE)
    assert client.get("/audit/").url.query == b"q=action%3ALICENSE_%2A"
    assert client.get("/audit/?q=").url.query == b"q="
    assert 'href="/audit/?q="' in client.get("/audit/?since=7d").text  # "All time" is not the view


def test_only_who_manages_shares(pages: Open) -> None:
    shared = {"q": "x", "shared": "1"}
    assert "Share it" not in pages().get("/audit/views/").text
    pages().post("/audit/views/", data=shared | {"name": "one"}, headers=HERE)
    assert '<td data-label="For">you</td>' in pages().get("/audit/views/").text
    pages(manages=True).post("/audit/views/", data=shared | {"name": "two"}, headers=HERE)
    assert '<td data-label="For">everybody</td>' in pages().get("/audit/views/").text
    assert "two" not in pages("org_a").get("/audit/?q=").text


def test_a_view_is_removed_by_who_kept_it(pages: Open) -> None:
    client = pages()
    client.post("/audit/views/", data={"name": "gone", "q": ""}, headers=HERE)
    action = re.search(r'action="(/audit/views/vw_[^"]+/remove)"', client.get("/audit/views/").text)
    assert action
    assert pages("org_a").post(action[1], headers=HERE).status_code == 404
    assert "Removed." in client.post(action[1], headers=HERE).text
    assert client.post(action[1], headers=HERE).status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [({"name": "", "q": "dana"}, "needs a name"), ({"name": "x", "q": "foo:1"}, "no field of a search")],
)
def test_what_was_typed_stays_where_it_cannot_be_kept(pages: Open, form: dict[str, str], said: str) -> None:
    answer = pages().post("/audit/views/", data=form, headers=HERE)
    assert answer.status_code == 400
    assert said in answer.text
    assert f'value="{form["q"]}"' in answer.text


def test_all_that_is_wrong_with_a_view_is_told_at_once_each_at_its_field(pages: Open) -> None:
    form = {"name": "", "q": "foo:1", "since": "7x", "until": "y", "opens": "1"}
    answer = pages().post("/audit/views/", data=form, headers=HERE)
    assert answer.status_code == 400
    said = wrong(answer.text)
    assert "needs a name" in said["name"]
    assert "no field of a search" in said["q"]
    assert "no date or time" in said["since"]
    assert "no date or time" in said["until"]
    for field, value in form.items():
        assert re.search(f'name="{field}"[^>]*value="{value}"', answer.text)
    assert re.search('name="opens" value="1" checked', answer.text)


def test_a_view_whose_range_ends_before_it_begins_is_refused_at_its_end(pages: Open) -> None:
    form = {"name": "A", "q": "", "since": "2026-02-01", "until": "2026-01-01"}
    assert wrong(pages().post("/audit/views/", data=form, headers=HERE).text) == {
        "until": "The range ends before it begins."
    }


def test_who_keeps_too_many_views_is_told_so_at_none_of_the_fields(
    pages: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indelible.views.views.MOST", 0)
    answer = pages().post("/audit/views/", data={"name": "A", "q": "dana"}, headers=HERE)
    assert (answer.status_code, wrong(answer.text)) == (400, {})
    assert 'role="alert">You keep 0 views already.' in answer.text
    assert 'value="dana"' in answer.text


def test_another_site_keeps_nothing(pages: Open) -> None:
    client = pages()
    answer = client.post("/audit/views/", data={"name": "x", "q": ""}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "No view is saved yet" in client.get("/audit/views/").text
