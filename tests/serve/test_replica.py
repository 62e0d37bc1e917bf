"""Searches and exports are read from a replica, where there is one, and from the log itself where that is gone."""

import httpx2
import psycopg
import pytest

from indelible.errors import LogError
from indelible.log import Log
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
