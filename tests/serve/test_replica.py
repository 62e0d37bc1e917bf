"""Searches and exports are read from a replica, where there is one, and from the log itself where that is gone."""

import threading
import time
from contextlib import suppress

import httpx2
import psycopg
import pytest

from indelible.errors import LogError
from indelible.log import Log
from indelible.search.page import find
from indelible.search.query import Query
from indelible.store.postgres import reading
from tests.api.conftest import EVENT
from tests.serve.conftest import Server, Start, get, key, until
from tests.standby import Pair
from tests.store.test_log import happened


@pytest.fixture
def served(start: Start, pair: Pair) -> Server:
    return start(pair.url, "--replica", pair.leading_to("prefer-standby"))


def asked(pair: Pair, table: str) -> int:
    """How many sessions of ours on the standby asked last for something of this table."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'indelible' AND query LIKE %s"
    with psycopg.connect(pair.standby.url()) as db:
        ((count,),) = db.execute(sql, (f"%{table}%",)).fetchall()
    return int(count)


def test_what_people_search_for_is_read_from_the_replica(served: Server, pair: Pair) -> None:
    headers = key(pair.url, "append", "read", "export", organization="acme")
    event = EVENT | {"organization": {"id": "acme"}}
    posted = httpx2.post(f"{served.address}/api/v1/events", json=event, headers=headers, timeout=10)
    assert posted.status_code == 201
    found = "/api/v1/events?q=license_assigned"
    assert until(lambda: get(served, found, headers=headers).json()["count"] == 1)
    assert asked(pair, "indelible_log") > 0
    assert get(served, "/api/v1/entities/License/lic_9", headers=headers).json()["name"] == "Pro seat 9"
    assert get(served, "/api/v1/export?format=jsonl&q=license_assigned", headers=headers).text.count("\n") == 1
    pair.require(standby=False)
    pair.standby.stop()
    assert until(lambda: get(served, found, headers=headers).status_code == 200)
    assert get(served, found, headers=headers).json()["count"] == 1


def test_another_log_is_no_replica(pair: Pair) -> None:
    with Log.create(pair.url) as log, Log.create(f"{pair.url}&log=other") as other:
        other.append([happened()])
        with pytest.raises(LogError, match="not a copy of"):
            log.search_in(f"{pair.url}&log=other")
        assert log.replica is log


def test_a_pool_leads_to_one_server_at_a_time_and_back_to_the_replica(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.require(standby=False)
    with Log.create(pair.url) as log:
        log.append([happened()])
        pair.standby.stop()
        log.search_in(pair.leading_to("prefer-standby"))
        assert not on_the_standby(log)
        pair.standby.again()
        assert not on_the_standby(log)  # for a while: what is open is used
        monkeypatch.setattr(reading, "KEPT_SECONDS", 0)
        log.replica.store._readers.close()  # type: ignore[attr-defined]  # on a server it has some
        log.replica.store._readers._closed = False  # type: ignore[attr-defined]  # likewise
        assert until(lambda: on_the_standby(log))
        assert len(find(log.replica, Query()).entries) == 1


def on_the_standby(log: Log) -> bool:
    return bool(log.replica.store._readers.query(b"SELECT pg_is_in_recovery()") == [(True,)])  # type: ignore[attr-defined]  # likewise


def test_while_the_standby_is_away_what_is_read_is_answered_and_the_server_stops(start: Start, pair: Pair) -> None:
    server = start(pair.url)
    headers = key(pair.url, "append", "read")
    assert get(server, "/api/v1/events", headers=headers).status_code == 200
    pair.standby.stop()
    other = key_without_waiting(pair)
    assert get(server, "/api/v1/events", headers=other).status_code == 200  # that it was used waits for nobody

    def post() -> None:
        with suppress(httpx2.HTTPError):
            httpx2.post(f"{server.address}/api/v1/events", json=EVENT, headers=headers, timeout=60)

    posting = threading.Thread(target=post)
    posting.start()
    time.sleep(1)
    began = time.monotonic()
    server.process.terminate()
    server.process.wait(40)
    assert time.monotonic() - began < 30
    posting.join()


def key_without_waiting(pair: Pair) -> dict[str, str]:
    """A new one, not used yet."""
    pair.require(standby=False)
    made = key(pair.url, "read")
    with psycopg.connect(pair.primary.url(), autocommit=True) as db:
        db.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        db.execute("SELECT pg_reload_conf()")
    return made
