"""One command serves a log: the API, the pages, and all that works beside them; and stops when it is told."""

import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from indelible.actions import ActionMap
from indelible.capture.source import open_source
from indelible.log import Log
from tests.api.conftest import EVENT
from tests.checking import check_signed
from tests.serve.conftest import INDELIBLE, Start, get, key, until
from tests.store.test_log import happened

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is warned of


def test_it_makes_the_log_serves_it_and_stops_within_moments(start: Start, log_url: str) -> None:
    server = start(log_url)
    assert get(server, "/healthz").json() == {"status": "ok"}
    headers = key(log_url, "append", "read")
    posted = httpx2.post(f"{server.address}/api/v1/events", json=EVENT, headers=headers, timeout=10)
    assert posted.status_code == 201
    assert get(server, "/api/v1/events?q=license", headers=headers).json()["count"] == 1
    assert server.stop() == -signal.SIGTERM or server.process.returncode == 0
    again = start(log_url)
    assert get(again, "/api/v1/events?q=license", headers=headers).json()["count"] == 1
    assert again.stop(signal.SIGINT) in (0, -signal.SIGINT, 130)
    with Log.open(log_url) as log:
        check_signed(log)


def test_health_tells_that_nothing_can_be_recorded_while_the_database_is_read_only(start: Start, pg_url: str) -> None:
    server, headers = start(pg_url), key(pg_url, "append", "read")
    assert httpx2.post(f"{server.address}/api/v1/events", json=EVENT, headers=headers, timeout=10).status_code == 201
    assert get(server, "/healthz").json() == {"status": "ok"}
    name = conninfo_to_dict(pg_url)["dbname"]
    with psycopg.connect(pg_url, autocommit=True, options="-c default_transaction_read_only=off") as db:
        for setting, status in (("on", 503), ("off", 200)):
            db.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}".encode())
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s",
                (name,),
            )
            assert until(lambda status=status: get(server, "/healthz").status_code == status)  # type: ignore[misc]
            assert (
                get(server, "/api/v1/events?q=license", headers=headers).json()["count"] == 1
            )  # it is read all the same


def test_who_has_the_page_open_does_not_keep_it_from_stopping(start: Start, log_url: str) -> None:
    server = start(log_url)
    with httpx2.Client(follow_redirects=True, timeout=20) as browser:
        assert browser.get(server.link).status_code == 200
        with browser.stream("GET", f"{server.address}/live") as listening:
            assert listening.status_code == 200
            server.process.send_signal(signal.SIGINT)
            assert "retry: " in "".join(listening.iter_text())  # to its end: it was not cut off
    assert server.process.wait(20) in (0, -signal.SIGINT, 130)
    assert "exceeded" not in server.said()


def test_what_a_database_captures_is_sealed_and_searched(start: Start, tmp_path: Path) -> None:
    app, log = tmp_path / "app.db", f"sqlite:///{tmp_path}/audit.db"
    with closing(sqlite3.connect(app)) as db:
        db.execute("CREATE TABLE licenses (id TEXT PRIMARY KEY, seats INTEGER)")
    with closing(open_source(f"sqlite:///{app}")) as source:
        source.watch(None, ActionMap())
    server = start(log, "--app", f"sqlite:///{app}")
    headers = key(log, "read", "manage")
    with closing(sqlite3.connect(app)) as db, db:
        db.execute("INSERT INTO licenses VALUES ('lic_1', 3)")
    found = until(lambda: get(server, "/api/v1/events?q=action:LICENSE_CREATED", headers=headers).json()["count"] == 1)
    assert found
    tables = get(server, "/api/v1/coverage", headers=headers).json()["tables"]
    assert tables == [{"table": "licenses", "state": "watched", "reason": None}]
    assert until(lambda: "indelible_pending_records 0\n" in get(server, "/metrics", headers=headers).text)
    assert "indelible_healthy 1\n" in get(server, "/metrics", headers=headers).text


def test_metrics_are_for_who_may_read_all_of_it(start: Start, log_url: str) -> None:
    server = start(log_url)
    whole, part = key(log_url, "read"), key(log_url, "read", organization="acme")
    assert "indelible_entries " in get(server, "/metrics", headers=whole).text
    for headers in ({}, part, key(log_url, "append")):
        assert get(server, "/metrics", headers=headers).status_code == 401


def test_the_link_opens_the_pages_once_and_stands_in_no_address_after_that(start: Start, tmp_path: Path) -> None:
    server = start(f"sqlite:///{tmp_path}/audit.db")
    with httpx2.Client(timeout=10) as browser:
        assert browser.get(server.address).status_code == 401
        assert browser.get(f"{server.address}/?token=wrong").status_code == 401
        page = browser.get(server.link, follow_redirects=True)
        assert (page.status_code, str(page.url)) == (200, f"{server.address}/")
        assert "Nothing is recorded yet" in page.text
        assert browser.get(f"{server.address}/webhooks/").status_code == 200  # its own user manages
        assert "default-src 'none'" in page.headers["content-security-policy"]
    token = server.link.rpartition("=")[2]
    assert token not in server.said()


def test_what_is_a_tile_but_for_a_line_break_is_none(start: Start, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    with Log.create(url) as log:
        log.append([happened()])
    server = start(url)
    with httpx2.Client(timeout=10, follow_redirects=True) as browser:
        browser.get(server.link)
        assert browser.get(f"{server.address}/tile/0/000.p/1").status_code == 200
        assert browser.get(f"{server.address}/tile/0/000.p/1%0a").status_code == 404


def test_a_proxy_says_who_looks_and_nobody_else_is_believed(start: Start, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    settings = tmp_path / "indelible.toml"
    settings.write_text(
        'proxies = ["127.0.0.1/32"]\nuser_header = "X-User"\norganization_header = "X-Org"\nmanagers = ["dana"]\n'
    )
    server = start(url, "--config", str(settings))
    key(url, "append", organization="acme")
    assert get(server, "/").status_code == 401
    assert get(server, "/", headers={"X-User": "kim"}).status_code == 403
    own = get(server, "/?q=", headers={"X-User": "kim", "X-Org": "acme"})
    assert "Your organization’s entries" in own.text
    assert "API_KEY_ADDED" in own.text
    assert "API_KEY_ADDED" not in get(server, "/?q=", headers={"X-User": "kim", "X-Org": "globex"}).text
    assert get(server, "/webhooks/", headers={"X-User": "kim", "X-Org": "acme"}).status_code == 404
    assert get(server, "/webhooks/", headers={"X-User": "dana"}).status_code == 200
    twice = [("X-User", "kim"), ("X-User", "dana")]
    assert get(server, "/webhooks/", headers=twice).status_code == 400
    settings.write_text('proxies = ["10.0.0.0/8"]\nuser_header = "X-User"\n')
    other = start(url, "--config", str(settings))
    assert get(other, "/", headers={"X-User": "dana"}).status_code == 403


def test_names_that_a_proxy_writes_are_utf_8(start: Start, tmp_path: Path) -> None:
    settings = tmp_path / "indelible.toml"
    settings.write_text('proxies = ["127.0.0.1/32"]\nuser_header = "X-User"\nmanagers = ["jürgen@acme.test"]\n')
    url = f"sqlite:///{tmp_path}/audit.db"
    server = start(url, "--config", str(settings))
    who = {"X-User": "jürgen@acme.test".encode()}
    assert get(server, "/webhooks/", headers=who).status_code == 200
    assert get(server, "/export?format=jsonl", headers=who).status_code == 200
    assert get(server, "/", headers={"X-User": "李雷".encode()}).status_code == 200
    assert get(server, "/", headers={"X-User": "jürgen".encode("latin-1")}).status_code == 400
    with Log.open(url) as log:
        assert [entry.actor.email for entry in check_signed(log)] == ["jürgen@acme.test"]


def test_it_tells_what_it_does_as_objects_if_that_is_wanted(start: Start, tmp_path: Path) -> None:
    server = start(f"sqlite:///{tmp_path}/audit.db", "--logs", "json", environment={"INDELIBLE_WEBHOOK_KEY": "short"})
    assert server.process.wait(15) == 2  # the API's keys are derived with it, so nothing begins
    assert "INDELIBLE_WEBHOOK_KEY" in server.said()


def test_how_to_make_a_key_is_told_for_this_log_without_its_password(start: Start, tmp_path: Path, pg_url: str) -> None:
    told = conninfo_to_dict(pg_url)
    secret = f"postgresql://{told['user']}:hunter2@/{told['dbname']}?host={told['host']}"
    without = secret.replace(":hunter2", "")
    for url, shown in ((f"sqlite:///{tmp_path}/audit.db", f"sqlite:///{tmp_path}/audit.db"), (secret, f"'{without}'")):
        server = start(url)
        assert f"indelible keys add {shown} --scope read\n" in server.said()
        assert "hunter2" not in server.said()
        assert "Warning" not in server.said()


def test_a_link_that_others_can_read_on_the_way_is_warned_of(start: Start, tmp_path: Path) -> None:
    log = f"sqlite:///{tmp_path}/audit.db"
    assert "the link that signs in goes over plain http" in start(log, "--host", EVERYWHERE).said()
    proxied = start(log, "--host", EVERYWHERE, "--proxies", "10.0.0.0/8", "--user-header", "X-User")
    assert "Warning" not in proxied.said()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["postgresql://nobody@127.0.0.1:1/x"], "cannot be reached"),
        (["--logs", "xml", "sqlite:///a.db"], "text or json"),
        ([], "Which log?"), (["sqlite:///a.db", "--user-header", "X-User"], "go together"),
        (["sqlite:///a.db", "--host", "192.0.2.1"], "Cannot listen"), (["sqlite:///no/such/a.db"], "no/such"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_said_in_one_sentence(start: Start, arguments: list[str], said: str) -> None:
    server = start(*arguments)
    assert server.process.wait(20) in (1, 2)
    assert said in server.said()
    assert "Traceback" not in server.said()


def test_config_show_tells_each_setting_and_where_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "indelible.toml"
    file.write_text('log = "postgresql://me:hunter,two@db/x"\nport = 9000\n')
    monkeypatch.setenv("INDELIBLE_HOST", "::1")
    command = [str(INDELIBLE), "config", "show", "--config", str(file), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["log"] == {"value": "postgresql://…", "origin": "file"}
    assert "hunter" not in str(told)
    assert told["port"] == {"value": "9000", "origin": "file"}
    assert told["host"] == {"value": "::1", "origin": "environment"}
    assert told["logs"] == {"value": "text", "origin": "usual"}
    file.write_text("nose = 1\n")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, "no setting" in refused.stderr) == (2, True)


def test_what_has_a_line_break_in_its_id_is_told_of_and_has_pages(start: Start, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    server = start(url)
    with httpx2.Client(base_url=server.address, headers=key(url, "append", "read"), timeout=10) as client:
        event = {"action": "THING_MADE", "entity": {"type": "Thing", "id": "a\nb/\n", "name": "The thing"}}
        client.post("/api/v1/events", json=event | {"actor": {"id": "u\n1", "name": "Two lines"}})
        told = client.get("/api/v1/entities/Thing/a%0Ab/%0A").json()
        assert (told["type"], told["id"], len(told["entries"])) == ("Thing", "a\nb/\n", 1)
        client.get(server.link)
        for path, name in (("/entity/Thing/a%0Ab/%0A", "The thing"), ("/user/user/u%0A1", "Two lines")):
            page = client.get(path)
            assert (page.status_code, name in page.text) == (200, True)
