"""The pages of webhooks: added, watched, tried and removed by who may; for everybody else they are not there."""

import html
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.checking import check_signed
from tests.web.conftest import Open, carried, wrong
from tests.webhooks.receiver import Answer, Receiver, receiving
from tests.world import World


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def manager(pages: Open, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("INDELIBLE_WEBHOOK_ALLOW", "127.0.0.0/8")
    client = pages(manages=True)
    client.get("/audit/")  # what was captured is sealed
    return client


def added(client: TestClient, **form: str) -> str:
    """Gives the id."""
    answer = client.post("/audit/webhooks/", data={"url": "https://hooks.example.com/x"} | form)
    assert answer.status_code == 200, answer.text
    return str(re.findall(r"/webhooks/(wh_\w+)", answer.text)[0])


def test_a_webhook_is_added_and_its_secret_shown_this_once(manager: TestClient, filled: World) -> None:
    answer = manager.post("/audit/webhooks/", data={"url": "https://hooks.example.com/x?k=s3cr3t", "filter": "dana"})
    (secret,) = re.findall(r"whsec_[\w+/=]+", answer.text)
    assert answer.headers["cache-control"] == "no-store"
    (id_,) = set(re.findall(r"wh_\w+", answer.text))
    for path in ("/audit/webhooks/", f"/audit/webhooks/{id_}"):
        assert secret not in manager.get(path).text
    entry = check_signed(filled.log)[-1]
    assert (entry.action, entry.actor.email, entry.context.source) == ("WEBHOOK_ADDED", "dana@acme.test", "audit page")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"filter": "foo:1"}, "filter"),
        ({"contact": "me"}, "contact"),
        ({"url": ""}, "url"),
        ({"url": f"https://{'a' * 64}.test/"}, "url"),
        ({"organization": "x" * 257}, "organization"),
    ],
)
def test_what_cannot_be_used_is_said_beside_what_was_typed(
    manager: TestClient, form: dict[str, str], field: str
) -> None:
    given = {"url": "https://hooks.example.com/x", "filter": "dana", "contact": "ops@acme.test"} | form
    answer = manager.post("/audit/webhooks/", data=given)
    assert answer.status_code == 400
    assert f'id="{field}-problem"' in answer.text
    for value in given.values():
        assert f'value="{html.escape(value)}"' in answer.text
    assert "Nobody is told yet" in answer.text


def test_all_that_is_wrong_with_a_webhook_is_told_at_once_each_at_its_field(manager: TestClient) -> None:
    given = {"url": "ftp://x", "filter": "foo:1", "contact": "me"}
    new = manager.post("/audit/webhooks/", data=given | {"organization": "x" * 257})
    assert sorted(wrong(new.text)) == ["contact", "filter", "organization", "url"]
    assert sorted(wrong(manager.post(f"/audit/webhooks/{added(manager)}/change", data=given).text)) == sorted(given)


def test_a_form_that_is_sent_again_adds_nothing_and_leads_to_what_it_added(manager: TestClient, filled: World) -> None:
    """A reload of the page that shows the secret does that."""
    form = {"url": "https://hooks.example.com/x", "once": carried(manager.get("/audit/webhooks/").text)}
    secret = re.findall(r"whsec_[\w+/=]+", manager.post("/audit/webhooks/", data=form).text)[0]
    size = filled.log.head().size
    again = manager.post("/audit/webhooks/", data=form)
    assert "It was added already" in again.text
    assert "Make a new secret" in again.text
    assert secret not in again.text
    assert filled.log.head().size == size
    assert manager.get("/audit/webhooks/").text.count("hooks.example.com/…") == 1


def test_what_a_form_carries_is_new_with_each_page_and_stays_while_it_is_mended(manager: TestClient) -> None:
    once = carried(manager.get("/audit/webhooks/").text)
    assert once != carried(manager.get("/audit/webhooks/").text)
    assert carried(manager.post("/audit/webhooks/", data={"url": "", "once": once}).text) == once
    for path in ("x", "y"):  # back, and another address
        added(manager, url=f"https://hooks.example.com/{path}", once=once)
    assert manager.get("/audit/webhooks/").text.count("hooks.example.com/…") == 2


def test_its_page_tells_what_was_sent_and_answered(manager: TestClient, receiver: Receiver, filled: World) -> None:
    id_ = added(manager, url=receiver.url)
    receiver.behave = lambda _n, _m: Answer(500, body=b"<script>alert(1)</script>")
    answer = manager.post(f"/audit/webhooks/{id_}/test")
    assert "answered 500" in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert(1)" not in answer.text
    told = manager.get(f"/audit/webhooks/{id_}").text
    assert "answered 500" in told
    assert re.search(r"Set aside</dt><dd>0<", told), "a test is no delivery"
    assert [entry.action for entry in check_signed(filled.log)][-2:] == ["WEBHOOK_ADDED", "WEBHOOK_TESTED"]


def test_each_button_does_what_it_says_and_is_an_entry(manager: TestClient, filled: World) -> None:
    id_ = added(manager)
    for act, shown in (("pause", "paused"), ("resume", "active")):
        answer = manager.post(f"/audit/webhooks/{id_}/{act}")
        assert (answer.status_code, answer.history[0].status_code) == (200, 303)
        assert f">{shown}</span>" in answer.text
    assert "whsec_" in manager.post(f"/audit/webhooks/{id_}/rotate").text
    answer = manager.post(f"/audit/webhooks/{id_}/change", data={"url": "https://other.test", "filter": "dana"})
    assert "https://other.test" in answer.text
    assert manager.post(f"/audit/webhooks/{id_}/change", data={"url": "nowhere"}).status_code == 400
    assert "Deliver failed ones again" in manager.post(f"/audit/webhooks/{id_}/replay").text
    assert "Removed." in manager.post(f"/audit/webhooks/{id_}/remove").text
    assert manager.get(f"/audit/webhooks/{id_}").status_code == 404
    assert [entry.action for entry in check_signed(filled.log) if entry.entity.type == "Webhook"] == [
        "WEBHOOK_ADDED", "WEBHOOK_PAUSED", "WEBHOOK_RESUMED", "WEBHOOK_SECRET_ROTATED", "WEBHOOK_CHANGED",
        "WEBHOOK_REPLAYED", "WEBHOOK_REMOVED",
    ]  # fmt: skip


@pytest.mark.parametrize("act", ["remove", "pause", "test"])
def test_what_was_removed_before_in_another_window_or_by_a_double_click_is_said_to_be_gone(
    manager: TestClient, act: str
) -> None:
    id_ = added(manager)
    manager.post(f"/audit/webhooks/{id_}/remove")
    answer = manager.post(f"/audit/webhooks/{id_}/{act}")
    assert answer.status_code == 404
    assert "<h1>Not there any more</h1>" in answer.text
    assert "No such page" not in answer.text


ACTS = ["test", "pause", "resume", "rotate", "replay", "remove", "change"]


def test_who_may_not_manage_finds_nothing(manager: TestClient, pages: Open, filled: World) -> None:
    id_ = added(manager)
    for other in (pages(), pages("org_a", manages=True), pages("org_a")):
        assert other.get(f"/audit/webhooks/{id_}").status_code == 404
        for act in ACTS:
            assert other.post(f"/audit/webhooks/{id_}/{act}", data={"url": "https://x.test"}).status_code == 404
    assert pages().get("/audit/webhooks/").status_code == 404
    assert pages().post("/audit/webhooks/", data={"url": "https://x.test"}).status_code == 404
    assert "Webhooks" not in pages().get("/audit/").text
    assert "Webhooks" in manager.get("/audit/").text
    assert [entry.action for entry in check_signed(filled.log) if entry.entity.type == "Webhook"] == ["WEBHOOK_ADDED"]


def test_an_organizations_manager_adds_for_that_one_alone(pages: Open, filled: World) -> None:
    acme = pages("org_a", manages=True)
    acme.get("/audit/")
    added(acme, organization="org_g")
    entry = check_signed(filled.log)[-1]
    assert entry.organization is not None
    assert (entry.organization.id, entry.organization.name) == ("org_a", "Acme")
    assert "Organization" not in acme.get("/audit/webhooks/").text


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.test"}]
)
def test_another_sites_form_does_nothing(manager: TestClient, filled: World, headers: dict[str, str]) -> None:
    size = filled.log.head().size
    assert manager.post("/audit/webhooks/", data={"url": "https://x.test"}, headers=headers).status_code == 403
    assert filled.log.head().size == size


def test_a_form_without_end_is_refused(manager: TestClient) -> None:
    assert manager.post("/audit/webhooks/", data={"url": "x" * 100_000}).status_code == 413
