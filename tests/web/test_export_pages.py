"""Exports on the pages: downloaded with the columns that are ticked, or prepared, and each taken by who may."""

import errno
import html
import json
import os
import re

import pytest
from starlette.testclient import TestClient

from indelible.exports.exports import Exports
from indelible.exports.writing import Writer
from indelible.work.place import open_work
from tests.checking import check_signed
from tests.exports.test_exports import _Held
from tests.web.conftest import Open, wrong
from tests.world import World

HERE = {"sec-fetch-site": "same-origin"}


def make(world: World) -> None:
    work = open_work(world.log_url)
    Writer(world.log, work, _Held()).run()
    work.close()


def prepared(client: TestClient, **form: str) -> str:
    """Asks for one; gives the page after that."""
    answer = client.post("/audit/exports/", data={"q": "", "format": "jsonl"} | form, headers=HERE)
    assert "it is made in the background" in answer.text
    return str(answer.text)


def links(page: str, what: str) -> list[str]:
    return re.findall(rf'"(/audit/exports/ex_[^"]+/{what})"', page)


def test_only_the_columns_that_are_ticked_are_downloaded(pages: Open) -> None:
    client = pages()
    page = client.get("/audit/?q=dana").text
    offered = re.findall(r'type="checkbox" name="(column\.\w+)" checked', page)
    everything = client.get("/audit/export?format=csv&" + "&".join(f"{name}=on" for name in offered)).text
    assert everything.startswith("seq,id,occurred_at,action,")
    some = client.get("/audit/export?format=csv&q=license_updated&column.seq=on&column.actor_email=on").text
    assert some == "seq,actor_email\r\n4,dana@acme.test\r\n"
    assert (
        client.get("/audit/export?format=jsonl&q=license_updated&column.seq=on").json()["action"] == "LICENSE_UPDATED"
    )
    told = client.get("/audit/export?format=jsonl&q=action:AUDIT_EXPORTED").text.splitlines()
    assert [json.loads(line)["metadata"].get("columns") for line in told] == [None, "seq,actor_email", None]


def test_where_no_column_is_ticked_there_is_no_file(pages: Open, filled: World) -> None:
    client = pages()
    assert 'type="hidden" name="column."' in client.get("/audit/?q=dana").text
    size = filled.log.head().size
    answer = client.get("/audit/export?format=csv&column.=")
    assert (answer.status_code, "No column is ticked" in answer.text) == (400, True)
    answer = client.post("/audit/exports/", data={"q": "", "format": "csv", "column.": ""}, headers=HERE)
    assert (answer.status_code, "No column is ticked" in answer.text) == (400, True)
    assert filled.log.head().size == size
    assert client.get("/audit/export?format=jsonl&column.=").status_code == 200


@pytest.mark.parametrize("boxes", ["column.bogus=on", "column.seq=on&column.bogus=on", "column.bogus=off"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_column_that_is_none_is_named_and_nothing_is_taken(pages: Open, filled: World, boxes: str, form: str) -> None:
    client = pages()
    client.get("/audit/?q=")
    size = filled.log.head().size
    answer = client.get(f"/audit/export?format={form}&{boxes}")
    assert (answer.status_code, "'bogus' is no column" in html.unescape(answer.text)) == (400, True)
    asked = {"q": "", "format": form} | dict(each.split("=") for each in boxes.split("&"))
    answer = client.post("/audit/exports/", data=asked, headers=HERE)
    assert (answer.status_code, "'bogus' is no column" in html.unescape(answer.text)) == (400, True)
    assert filled.log.head().size == size


def test_a_column_that_is_off_is_not_ticked(pages: Open) -> None:
    client = pages()
    some = client.get("/audit/export?format=csv&q=license_updated&column.seq=on&column.id=off").text
    assert some == "seq\r\n4\r\n"
    assert client.get("/audit/export?format=csv&column.seq=off").status_code == 400


def test_a_prepared_export_is_taken_from_its_page(pages: Open, filled: World) -> None:
    client = pages("org_a")
    page = prepared(client, q="license", format="csv", **{"column.seq": "on", "column.entity_id": "on"})
    assert "waiting" in page
    assert 'hx-trigger="every 2s"' in page
    assert not links(page, "file")
    make(filled)
    page = client.get("/audit/exports/").text
    assert "hx-trigger" not in page
    assert "2 entries, " in page
    got = client.get(links(page, "file")[0])
    assert got.text == "seq,entity_id\r\n2,lic_a\r\n4,lic_a\r\n"
    assert re.fullmatch(r'attachment; filename="audit-log-\w+\.csv"', got.headers["content-disposition"])
    assert client.get(links(page, "manifest")[0]).json()["entries"] == 2
    actions = [
        json.loads(line)["action"] for line in client.get("/audit/export?format=jsonl&q=export").text.splitlines()
    ]
    assert actions == ["AUDIT_EXPORTED", "AUDIT_EXPORT_DOWNLOADED"]


def test_a_download_that_was_broken_off_goes_on(pages: Open, filled: World) -> None:
    client = pages()
    prepared(client)
    make(filled)
    (file,) = links(client.get("/audit/exports/").text, "file")
    whole = client.get(file).content
    assert int(client.head(file).headers["content-length"]) == len(whole)
    rest = client.get(file, headers={"range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, whole[100:])


def test_of_a_file_that_is_gone_is_said_where_it_may_be(pages: Open, filled: World) -> None:
    client = pages("org_a")
    prepared(client)
    make(filled)
    (address,) = links(client.get("/audit/exports/").text, "file")
    work = open_work(filled.log_url)
    exports = Exports(filled.log, work)
    exports.path(exports.all()[0]).unlink()
    work.close()
    answer = client.get(address)
    assert answer.status_code == 404
    assert "is not here. If it was removed, ask for the export again; where several servers share" in answer.text


def test_why_an_export_failed_is_told_to_who_sees_every_organization(
    pages: Open, filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    prepared(pages("org_a"))
    with monkeypatch.context() as patched:
        patched.setattr("indelible.exports.writing.os.fsync", full)
        make(filled)
    told = pages("org_a").get("/audit/exports/").text
    assert "Try again, or tell whoever runs this service." in told
    assert "INDELIBLE_EXPORTS" not in told
    assert "INDELIBLE_EXPORTS" in pages(manages=True).get("/audit/exports/").text


def test_a_double_click_asks_for_one_file(pages: Open, filled: World) -> None:
    client = pages()
    page = client.get("/audit/")
    once = re.findall(r'name="once" value="(\w+)">Prepare it<', page.text)
    for _ in range(2):
        shown = prepared(client, once=once[0] if once else "")
    assert len(links(shown, "remove")) == 1
    assert [entry.action for entry in check_signed(filled.log)].count("AUDIT_EXPORTED") == 1
    assert len(links(prepared(client, once=once[0], q="dana"), "remove")) == 2  # of another search
    assert client.get("/audit/").text.count(once[0]) == 0


def test_another_s_is_not_there(pages: Open, filled: World) -> None:
    prepared(pages("org_a"))
    make(filled)
    (file,) = links(pages("org_a").get("/audit/exports/").text, "file")
    other = pages("org_g", manages=True)
    assert "No export was asked for" in other.get("/audit/exports/").text
    assert [other.get(file).status_code, other.head(file).status_code] == [404, 404]
    assert other.get(file.replace("/file", "/manifest")).status_code == 404
    for change in ("remove", "resume"):
        assert other.post(file.replace("/file", f"/{change}"), headers=HERE).status_code == 404
    assert pages(manages=True).get(file).status_code == 200


def test_it_is_cancelled_and_removed(pages: Open, filled: World) -> None:
    client = pages()
    page = prepared(client)
    assert ">Cancel</button>" in page
    assert "Removed." in client.post(links(page, "remove")[0], headers=HERE).text
    make(filled)
    assert "No export was asked for" in client.get("/audit/exports/").text


WRONG = {"q": "license foo:1", "since": "soon", "until": "later", "format": "csv", "column.": "", "column.seq": "off"}


@pytest.mark.parametrize("prepares", [False, True])
def test_what_cannot_be_taken_is_said_at_each_field_of_a_page_that_keeps_what_was_asked(
    pages: Open, *, prepares: bool
) -> None:
    client = pages()
    answer = client.post("/audit/exports/", data=WRONG, headers=HERE) if prepares else client.get(
        "/audit/export", params=WRONG
    )  # fmt: skip
    assert answer.status_code == 400
    assert sorted(said := wrong(answer.text)) == ["columns", "q", "since", "until"]
    assert "No column is ticked" in said["columns"]
    assert 'type="checkbox" name="column.seq"' in answer.text
    assert " checked> CSV <" in answer.text
    for field in ("q", "since", "until"):
        assert re.search(f'name="{field}"[^>]*value="{WRONG[field]}"', answer.text)
    back = re.search('href="([^"]+)">Back to the search', answer.text)
    assert back
    assert html.unescape(back[1]) == "/audit/?q=license+foo%3A1&since=soon&until=later"


def test_a_column_that_is_ticked_stays_so_on_the_page_that_says_what_is_wrong(pages: Open) -> None:
    page = pages().get("/audit/export?format=xls&column.=&column.seq=on&since=7d&until=today").text
    assert re.findall(r'name="column\.(\w+)" checked', page) == ["seq"]
    assert wrong(page) == {"format": "'xls' is no format: csv, csv-raw, json, jsonl, cloudevents, ocsf."}


def test_who_has_too_many_exports_is_told_so_and_keeps_what_was_asked(
    pages: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indelible.exports.exports.MOST", 0)
    answer = pages().post("/audit/exports/", data={"q": "dana", "format": "csv"}, headers=HERE)
    assert (answer.status_code, wrong(answer.text)) == (400, {})
    assert 'role="alert">You have 0 exports.' in answer.text
    assert 'value="dana"' in answer.text
    assert 'href="/audit/exports/">Prepared' in answer.text


@pytest.mark.parametrize(
    ("form", "said"),
    [({"format": "xls"}, "is no format"), ({"q": "foo:1"}, "no field of a search"), ({"since": "soon"}, "no date")],
)
def test_what_cannot_be_prepared_is_said(pages: Open, form: dict[str, str], said: str) -> None:
    client = pages()
    answer = client.post("/audit/exports/", data={"q": "", "format": "csv"} | form, headers=HERE)
    assert answer.status_code == 400
    assert said in html.unescape(answer.text)


def test_the_panel_counts_exactly_what_will_be_taken(pages: Open) -> None:
    assert pages().get("/audit/count?q=license").text == "Exactly 3"
    assert pages("org_g").get("/audit/count?q=").text == "Exactly 2"


def test_where_the_setting_says_so_looking_is_an_entry_without_what_was_looked_for(
    pages: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDELIBLE_RECORD_VIEWS", "1")
    client = pages("org_a")
    client.get("/audit/?q=user:dana%40acme.test -license&since=7d")
    client.get("/audit/?q=user:DANA%40acme.test")
    client.get("/audit/entry/4")
    client.get("/audit/entity/License/lic_a")
    client.head("/audit/?q=dana")
    monkeypatch.setenv("INDELIBLE_RECORD_VIEWS", "0")
    told = pages().get("/audit/export?format=jsonl&q=action:AUDIT_VIEWED").text
    assert "acme.test" not in re.sub(r'"actor":\{[^}]*\}', "", told)
    first, second, entry, history = (json.loads(line) for line in told.splitlines())
    user, licence = first["metadata"]["query"].split()
    assert re.fullmatch(r"user:[0-9a-f]{16}", user)
    assert re.fullmatch(r"-any:[0-9a-f]{16}", licence)
    assert (second["metadata"], first["metadata"]["since"]) == ({"query": user}, "7d")
    assert entry["metadata"] == {"entry": 4}
    assert history["metadata"]["query"].startswith("entity:")
    assert {each["organization"]["id"] for each in (first, second, entry, history)} == {"org_a"}
