"""The audit pages show what is there, to whom it may be shown."""

import csv
import html
import io
import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from indelible import Actor, acting_as
from indelible.errors import UsageError
from indelible.event import read
from indelible.upkeep import Upkeep
from indelible.verify import verify_log
from indelible.web import create_app
from tests.checking import on_sqlite
from tests.web.conftest import Open
from tests.world import World


def test_a_change_is_on_the_page_at_the_next_request(pages: Open, filled: World) -> None:
    client = pages()
    for seats in range(10, 15):
        filled.run("UPDATE licenses SET seats = ? WHERE id = 'lic_g'", (seats,))
        assert f"→ {seats}" in client.get("/audit/").text


def test_a_row_tells_who_what_and_from_what_to_what(pages: Open) -> None:
    page = pages().get("/audit/?q=dana&open=4").text
    for shown in ("Dana Lee", "dana@acme.test", "LICENSE_UPDATED", "Desk", "lic_a", "seats: 3 → 4", "192.0.2.7"):
        assert shown in page
    assert page.count("<tbody") == 2  # one entry, and the table of its old and new values


def test_the_address_says_it_all(pages: Open) -> None:
    page = pages().get("/audit/?q=desk&since=2026-01-01&until=2030-01-01").text
    assert 'value="desk"' in page
    assert 'value="2026-01-01"' in page
    assert re.search(
        r'action="/audit/export".*?name="q" value="desk".*?value="2026-01-01".*?value="2030-01-01"', page, re.DOTALL
    )


def test_a_search_that_is_too_long_is_refused_and_kept_as_typed(pages: Open) -> None:
    """A box that cuts it would lose its last term, and find more than was asked for."""
    client = pages()
    assert "maxlength" not in box(client.get("/audit/?q=").text)
    typed = "-user:nobody " * 80 + "action:NOTHING"
    answer = client.get("/audit/", params={"q": typed})
    assert (answer.status_code, "A query has up to 1000 characters" in answer.text) == (400, True)
    assert f'value="{typed}"' in box(answer.text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_end_in_a_search_is_a_space_on_the_page_too(pages: Open, end: str) -> None:
    """No box of one line shows it: there the words on both of its sides would be one."""
    for path in ("", "views/"):
        assert 'value="dana license"' in box(pages().get(f"/audit/{path}", params={"q": f"dana{end}license"}).text)


def box(page: str) -> str:
    """Of the search."""
    (found,) = re.findall(r'<input id="q"[^>]*>', page)
    return str(found)


def test_a_page_without_entries_leads_to_what_may_have_been_meant(pages: Open) -> None:
    found = re.search(r'href="([^"]+)">Did you mean ([^<]+)[?]<', pages().get("/audit/?q=action:LICENSE_UDPATED").text)
    assert found
    assert found[2] == "action:LICENSE_UPDATED"
    assert "LICENSE_UPDATED" in pages().get(html.unescape(found[1])).text
    assert "Did you mean user:Dana?" in pages("org_a").get("/audit/?q=user:dnaa").text
    assert "Did you mean" not in pages("org_g").get("/audit/?q=user:dnaa").text, "who acts in another organization"
    assert "Did you mean" not in pages().get("/audit/?q=xylophone").text


@pytest.mark.parametrize("query", ["", "?q=dana", "?q=xylophone", "?q=foo:1", "?before=0"])
def test_the_keys_are_told_on_every_page_of_entries(pages: Open, query: str) -> None:
    """On one without entries, too, where the key that shows them did nothing."""
    assert pages().get(f"/audit/{query}").text.count('<dialog class="audit-keys" id="audit-keys"') == 1


@pytest.mark.parametrize("organization", ["org_a", "org_g", "org_none"])
def test_a_viewer_of_one_organization_sees_nothing_else(pages: Open, organization: str, filled: World) -> None:
    client, everything = pages(organization), pages()
    everything.get("/audit/")
    own = {e.seq for e in map(read, (line for _, _, line in filled.log.leaves(0, 99)))
           if e.organization and e.organization.id == organization}  # fmt: skip
    for query in ("", "?q=license", "?q=-user:nobody", "?q=org:globex", "?q=vault", "?after=-1", "?before=99"):
        page = client.get(f"/audit/{query}").text
        shown = {seq for seq in range(20) if f'id="e{seq}"' in page}
        assert shown <= own, query
    for seq in range(8):
        assert client.get(f"/audit/entry/{seq}").status_code == (200 if seq in own else 404)
        assert client.get(f"/audit/entry/{seq}?row=open").status_code == (200 if seq in own else 404)
    assert client.get("/audit/checkpoint").status_code == 404
    assert client.get("/audit/tile/entries/000.p/1").status_code == 404
    exported = client.get("/audit/export?format=jsonl").text.splitlines()
    assert {json.loads(line)["seq"] for line in exported} == own


@pytest.mark.parametrize(
    "path", ["/audit/", "/audit/entry/0", "/audit/export?format=csv", "/audit/checkpoint", "/audit/tile/entries/000"]
)
def test_a_stranger_gets_the_hosts_answer_and_nothing_is_recorded(pages: Open, path: str, filled: World) -> None:
    answer = pages(known=False).get(path)
    assert (answer.status_code, answer.text) == (401, "who are you?")
    assert filled.log.head().size == 0


def test_an_export_is_what_was_filtered_and_is_itself_an_entry(pages: Open, filled: World) -> None:
    client = pages("org_a")
    answer = client.get("/audit/export?format=csv&q=license")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["LICENSE_CREATED", "LICENSE_UPDATED"]
    assert json.loads(rows[1]["changes"]) == {"seats": {"old": 3, "new": 4}}
    newest = filled.log.entry(filled.log.head().size - 1)
    assert (newest.action, newest.operation, newest.actor.email) == ("AUDIT_EXPORTED", "export", "dana@acme.test")
    assert newest.organization is not None
    assert newest.organization.name == "Acme"
    assert newest.metadata == {"format": "csv", "query": "license", "up_to_entry": 4}
    assert client.get("/audit/export?format=json").json()[0]["action"] == "ORGANIZATION_CREATED"
    verify_log(filled.log, filled.log.verifier)


def test_json_lines_are_the_log_byte_for_byte(pages: Open, filled: World) -> None:
    body = pages().get("/audit/export?format=jsonl").content
    assert body == b"".join(line + b"\n" for _, _, line in filled.log.leaves(0, 5))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("q=acton:x", "Did you mean action:"),
        ("q=%22open", "This quote is not closed"),
        ("since=someday", "This is no date or time"),
        ("since=2026-02-02&until=2026-01-01", "ends before it begins"),
        ("q=" + "x" * 1001, "up to 1000 characters"),
        ("q=%00", "cannot be searched for"),
    ],
)
def test_a_search_that_cannot_be_read_says_why_and_shows_no_entries(pages: Open, query: str, message: str) -> None:
    answer = pages().get(f"/audit/?{query}")
    assert answer.status_code == 400
    assert message in answer.text
    assert 'class="audit-entry' not in answer.text
    assert pages().get(f"/audit/export?format=csv&{query}").status_code == 400


def test_what_was_typed_is_kept_and_escaped(pages: Open) -> None:
    page = pages().get("/audit/", params={"q": '<script>"', "since": "<b>"}).text
    assert 'value="&lt;script&gt;&#34;"' in page
    assert 'value="&lt;b&gt;"' in page
    assert "<script>&" not in page


def test_a_page_that_cannot_seal_says_so_and_shows_what_is_sealed(pages: Open, filled: World) -> None:
    client = pages()
    client.get("/audit/")
    other = sqlite3.connect(on_sqlite(filled.log).path)
    other.execute("DROP TRIGGER head_grows")
    other.execute("UPDATE head SET size = 1, root = (SELECT hash FROM leaf WHERE seq = 0), frontier = "
                  "(SELECT hash FROM leaf WHERE seq = 0)")  # fmt: skip
    other.commit()
    other.close()
    page = client.get("/audit/").text
    assert "New entries cannot be sealed" in page
    assert "rolled back" in page
    assert "ORGANIZATION_CREATED" in page


def test_paging_reaches_every_entry_and_comes_back(pages: Open, filled: World) -> None:
    for number in range(120):
        filled.run("UPDATE licenses SET seats = ? WHERE id = 'lic_g'", (1000 + number,))
    client, address, seen = pages(), "/audit/?q=license", []
    while address:
        page = client.get(address).text
        seen += [int(part.split('"')[0]) for part in page.split('id="e')[1:]]
        address = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&") if 'rel="next"' in page else ""
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 123


def test_the_host_s_frame_stands_around_the_page(pages: Open) -> None:
    client = pages(shell=lambda _request, page: f"<title>{page.title}</title><nav>host</nav>{page.body}")  # noqa: S604
    assert client.get("/audit/").text.startswith("<title>Audit log</title><nav>host</nav>")
    assert "/audit/static/audit.css?" in pages().get("/audit/").text
    assert pages().get("/audit/static/audit.css").status_code == 200


def test_secrets_are_nowhere_on_the_page(pages: Open) -> None:
    client = pages()
    everything = client.get("/audit/entry/2").text + client.get("/audit/export?format=jsonl").text
    assert "S1" not in everything
    assert "redacted" in everything


def test_an_export_that_cannot_be_recorded_does_not_leave(pages: Open, filled: World) -> None:
    client = pages()
    client.get("/audit/")
    other = sqlite3.connect(on_sqlite(filled.log).path)
    other.execute("CREATE TRIGGER full BEFORE INSERT ON leaf BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    other.commit()
    other.close()
    answer = client.get("/audit/export?format=csv")
    assert answer.status_code == 503
    assert "disk full" in answer.text
    assert "LICENSE" not in answer.text


def test_asking_only_for_the_headers_of_an_export_records_nothing(pages: Open, filled: World) -> None:
    client = pages()
    client.get("/audit/")
    before = filled.log.head().size
    answer = client.head("/audit/export?format=csv")
    assert (answer.status_code, answer.text) == (200, "")
    assert "attachment" in answer.headers["content-disposition"]
    assert filled.log.head().size == before


def test_what_is_not_there_is_said_in_the_host_s_frame_and_static_files_are_kept(pages: Open) -> None:
    client = pages(shell=lambda _request, page: f"<nav>host</nav>{page.body}")  # noqa: S604
    answer = client.get("/audit/nowhere/at/all")
    assert (answer.status_code, answer.text.startswith("<nav>host</nav>")) == (404, True)
    assert pages(known=False).get("/audit/nowhere").status_code == 401
    assert "immutable" in client.get("/audit/static/audit.css").headers["cache-control"]


def test_a_viewer_of_one_organization_is_not_told_how_the_service_fails(pages: Open, filled: World) -> None:
    (filled.folder / "audit.db.key").unlink()
    assert "audit.db.key" in pages().get("/audit/").text
    page = pages("org_a").get("/audit/").text
    assert "New entries cannot be sealed" in page
    assert "audit.db" not in page


def test_changes_of_one_transaction_are_shown_together(pages: Open, filled: World) -> None:
    client = pages()
    client.get("/audit/")
    engine = filled.engine()
    with acting_as(Actor(id="u_1", name="Dana Lee")), engine.begin() as db:
        for statement in ("UPDATE licenses SET seats = 90", "UPDATE licenses SET seats = 91 WHERE id = 'lic_a'"):
            db.execute(text(statement))
    page = client.get("/audit/").text
    joined = [int(found) for found in re.findall(r'audit-joined" id="e(\d+)"', page)]
    seq = max(joined) + 1
    assert joined == list(range(seq - 1, min(joined) - 1, -1))
    for path in (f"/audit/entry/{seq}", f"/audit/?open={seq}", f"/audit/entry/{seq}?row=open"):
        opened = client.get(path).text
        assert "In the same transaction" in opened
        assert all(f'href="/audit/entry/{other}"' in opened for other in joined)
    assert "In the same transaction" not in client.get("/audit/entry/0").text


def test_another_organization_s_part_of_a_transaction_is_not_shown(pages: Open, filled: World) -> None:
    everything, client = pages(), pages("org_a")
    with acting_as(Actor(id="u_1", name="Dana Lee")), filled.engine().begin() as db:
        db.execute(text("UPDATE licenses SET seats = 77"))
    everything.get("/audit/")
    entries = [read(line) for _, _, line in filled.log.leaves(0, 99)][-3:]
    mine = [e for e in entries if e.organization and e.organization.id == "org_a"]
    others = [e for e in entries if e not in mine]
    page = client.get(f"/audit/entry/{mine[-1].seq}").text
    assert others
    assert not [e for e in others if f"/audit/entry/{e.seq}" in page]


def test_an_organization_without_entries_is_not_told_that_nothing_is_recorded(pages: Open) -> None:
    page = pages("org_none").get("/audit/").text
    assert "Your organization has no entries" in page
    assert "docs/map.md" in page
    assert "Nothing is recorded yet" not in page
    assert "nothing to switch on" not in page


@pytest.mark.parametrize("given", [None, "dana", Actor(id="u_1")])
def test_a_viewer_function_that_gives_something_else_is_told_what_it_may(filled: World, given: Any) -> None:
    with closing(Upkeep(filled.log, filled.log_url, [])) as upkeep:
        app = create_app(filled.log, viewer=lambda _: given, shell=None, refresh=filled.sealer.seal, upkeep=upkeep)
        said = f"`viewer` gave {type(given).__name__}. .* gives a Viewer or, .* a Response: RedirectResponse"
        with TestClient(app) as client, pytest.raises(UsageError, match=said):
            client.get("/")


@pytest.fixture
def tampered(filled: World) -> World:
    """Entry 1, which is Globex's, is not what it was."""
    filled.sealed()
    with filled.shell() as db:
        db.disarm()
        ((line,),) = db.rows("SELECT line FROM leaf WHERE seq = 1")
        db.run("UPDATE leaf SET line = ? WHERE seq = 1", line.replace(b"Globex", b"Globux"))
    return filled


@pytest.mark.usefixtures("tampered")
def test_a_log_that_failed_to_verify_is_never_called_signed(pages: Open) -> None:
    page = pages(verified=True).get("/audit/").text
    head, export = page.split('role="alert">')[1].split("</p>")[0], page.split('class="audit-export"')[1]
    assert "Verification of this log failed." in head
    assert "changed: entry 1 is not the line that was sealed." in head
    assert re.search(r"Known since <time [^>]*>20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC</time>", head)
    assert "<code>indelible verify</code>" in head
    assert "docs/assurance.md" in head
    assert "Verification of this log failed." in export
    assert ">signed</a>" not in page


@pytest.mark.usefixtures("tampered")
def test_every_page_of_entries_says_that_the_log_failed_to_verify(pages: Open) -> None:
    client = pages(verified=True)
    for page in ("entry/0", "entity/License/lic_a", "user/user/u_1", "?q=nothing"):
        answer = client.get(f"/audit/{page}")
        assert (page, answer.status_code, answer.text.count("Known since <time")) == (page, 200, 1)


@pytest.mark.usefixtures("tampered")
def test_a_viewer_of_one_organization_is_told_that_it_failed_and_no_facts_of_others(pages: Open) -> None:
    page = pages("org_a", verified=True).get("/audit/").text
    assert page.count("Verification of this log failed.") == 2
    assert "Whoever runs this service has to look at it." in page
    assert "entry 1" not in page
    assert ", signed" not in page


def test_what_is_said_to_be_verified_is_what_the_last_pass_saw(pages: Open, filled: World) -> None:
    assert "verified" not in pages().get("/audit/").text.split("</header>")[0]
    filled.run("UPDATE licenses SET seats = 9 WHERE id = 'lic_g'")
    checked = pages(verified=True)
    head = " ".join(checked.get("/audit/").text.split("</header>")[0].split())
    assert re.search(r'6 entries, all <a href="/audit/checkpoint">signed</a> · 5 verified <time [^>]*>\d{4}-', head)
    assert "the log was verified" in pages("org_a", verified=True).get("/audit/").text


@pytest.mark.parametrize(
    "path", ["?q=", "entry/4", "facets?q=", "entity/License/lic_a", "user/user/u_1", "export?format=csv"]
)
def test_what_the_server_cannot_do_is_told_an_organization_without_its_files(
    pages: Open, filled: World, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    client, everybody = pages("org_a"), pages()
    client.get("/audit/?q=")
    with closing(sqlite3.connect(on_sqlite(filled.log).path)) as other:
        other.execute("DROP TABLE leaf")
    answer = client.get(f"/audit/{path}")
    assert (answer.status_code, "Whoever runs this service" in answer.text) == (503, True)
    for named in (".db", "leaf"):
        assert named not in answer.text
        assert named in caplog.text
        assert named in everybody.get(f"/audit/{path}").text
