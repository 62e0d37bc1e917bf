"""The pages of digests and jobs, and the way out of a mail."""

import re

import pytest
from starlette.testclient import TestClient

from tests.checking import check_signed
from tests.web.conftest import Open, carried, wrong
from tests.world import World


@pytest.fixture
def manager(pages: Open) -> TestClient:
    client = pages(manages=True)
    client.get("/audit/")
    return client


def added(client: TestClient, **form: str) -> str:
    answer = client.post("/audit/digests/", data={"recipient": "kim@acme.test", "frequency": "weekly"} | form)
    assert answer.status_code == 200
    return str(re.findall(r"/digests/(dg_\w+)/remove", answer.text)[-1])


def test_a_digest_is_added_and_removed(manager: TestClient, filled: World) -> None:
    id_ = added(manager, query="operation:delete")
    assert "kim@acme.test" in manager.get("/audit/digests/").text
    assert "Removed." in manager.post(f"/audit/digests/{id_}/remove").text
    actions = [(entry.action, entry.actor.email) for entry in check_signed(filled.log)[-2:]]
    assert actions == [("DIGEST_ADDED", "dana@acme.test"), ("DIGEST_REMOVED", "dana@acme.test")]


def test_what_cannot_be_used_is_said_beside_what_was_typed(manager: TestClient) -> None:
    given = {"recipient": "kim", "frequency": "daily", "query": "dana", "name": "Board"}
    good = {"recipient": "kim@acme.test"}
    wrong = {"recipient": {}, "query": good | {"query": "foo:1"}, "organization": good | {"organization": "x" * 257}}
    for field, change in wrong.items():
        answer = manager.post("/audit/digests/", data=given | change)
        assert answer.status_code == 400
        assert f'id="{field}-problem"' in answer.text
        assert 'value="Board"' in answer.text
        assert '<option value="daily" selected>' in answer.text


def test_all_that_is_wrong_with_a_digest_is_told_at_once_each_at_its_field(manager: TestClient) -> None:
    given = {"recipient": "kim", "frequency": "hourly", "query": "foo:1", "name": "x" * 121, "organization": "y" * 257}
    answer = manager.post("/audit/digests/", data=given)
    assert answer.status_code == 400
    said = wrong(answer.text)
    assert sorted(said) == sorted(given)
    assert "no e-mail address" in said["recipient"]
    assert "'hourly' is no frequency" in said["frequency"]
    assert "up to 120 characters" in said["name"]
    assert f'value="{given["name"]}"' in answer.text
    unprintable = given | {"recipient": "kim@acme.test", "frequency": "daily", "query": "", "organization": ""}
    assert list(wrong(manager.post("/audit/digests/", data=unprintable | {"name": "a\u202eb"}).text)) == ["name"]


def test_a_form_that_is_sent_again_adds_no_other_digest(manager: TestClient, filled: World) -> None:
    form = {"recipient": "kim@acme.test", "frequency": "daily", "once": carried(manager.get("/audit/digests/").text)}
    for _ in range(2):
        assert "Added." in manager.post("/audit/digests/", data=form).text
    assert len(re.findall("/digests/dg_", manager.get("/audit/digests/").text)) == 1
    assert [entry.action for entry in check_signed(filled.log)].count("DIGEST_ADDED") == 1


def test_who_may_not_manage_finds_nothing(manager: TestClient, pages: Open) -> None:
    id_ = added(manager)
    for other in (pages(), pages("org_a")):
        assert other.get("/audit/digests/").status_code == 404
        assert other.get("/audit/jobs/").status_code == 404
    for other in (pages(), pages("org_a", manages=True)):
        assert other.post(f"/audit/digests/{id_}/remove").status_code == 404
    acme = pages("org_a", manages=True)
    assert acme.get("/audit/jobs/").status_code == 404
    assert "Jobs" not in acme.get("/audit/").text
    assert "kim@acme.test" not in acme.get("/audit/digests/").text


def test_a_link_in_a_mail_asks_first_and_then_ends_it(manager: TestClient, pages: Open, filled: World) -> None:
    """Whoever has the mail need not be signed in; what scans mails follows links and presses nothing."""
    id_ = added(manager)
    desk = manager.app.routes[0].app  # type: ignore[attr-defined]  # Starlette's
    assert desk is not None
    nobody = pages(known=False)
    token = token_of(filled, id_)
    link = f"/audit/digests/{id_}/unsubscribe?token={token}"
    asked = nobody.get(link)
    assert (asked.status_code, asked.headers["referrer-policy"]) == (200, "no-referrer")
    assert "Hear no more" in asked.text
    assert "kim@acme.test" in manager.get("/audit/digests/").text
    cross = {"sec-fetch-site": "cross-site", "origin": "https://mail.example"}
    done = nobody.post(link, data={"List-Unsubscribe": "One-Click"}, headers=cross)
    assert "You are unsubscribed" in done.text
    assert "kim@acme.test" not in manager.get("/audit/digests/").text
    assert check_signed(filled.log)[-1].action == "DIGEST_UNSUBSCRIBED"
    assert nobody.post(link).status_code == 404
    assert nobody.get(link).status_code == 404


@pytest.mark.parametrize("token", ["", "0" * 32, "ü", "%00"])
def test_a_link_that_was_cut_ends_nothing(manager: TestClient, pages: Open, token: str) -> None:
    id_ = added(manager)
    link = f"/audit/digests/{id_}/unsubscribe?token={token}"
    assert [pages(known=False).get(link).status_code, pages(known=False).post(link).status_code] == [404, 404]
    assert "kim@acme.test" in manager.get("/audit/digests/").text


def token_of(filled: World, id_: str) -> str:
    from indelible.desk import Desk

    desk = Desk.open(filled.log, filled.log_url, "")
    try:
        return desk.digests.token(id_)
    finally:
        desk.close()


def test_the_page_of_jobs_is_empty_where_none_is_scheduled(manager: TestClient) -> None:
    assert "No job is scheduled" in manager.get("/audit/jobs/").text
