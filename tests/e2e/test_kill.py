"""Pulling the plug, again and again: whatever was committed is in the log exactly once, and nothing else is."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.e2e.desk import Desk, made, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.desk import Entry, Visitor

KILLS = int(os.environ.get("INDELIBLE_KILLS", "12"))
WRITERS = 4
SEED = 20_261_123

# Which table an entry of a type is about. Sessions and attempts are told as what happened to their user.
TABLES = {"Organization": "organizations", "User": "users", "License": "licenses", "Configuration": "configurations"}
SEEN_ELSEWHERE = {
    "LICENSE_EXPIRY_WARNED",
    "USER_SIGNED_IN",
    "USER_SIGNED_OUT",
    "USER_SIGN_IN_FAILED",
    "USER_SESSION_DELETED",
}
REDACTED = {"redacted": True}

Change = tuple[str, str, Any]  # action, column, new value: unlike that of any other change of the test


@dataclass
class Writer:
    """A client that fills in forms without pause, and remembers what it was told is saved."""

    number: int
    cookie: str
    saved: list[Change] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _count: int = 0

    def work(self, desk: Desk) -> None:
        """Until the portal is gone."""
        with desk.visitor() as visitor:
            visitor.client.cookies.set("portal_session", self.cookie)
            try:
                while True:
                    self._round(visitor)
            except httpx2.TransportError:
                return  # what was asked last may be saved or not: nobody said

    def _round(self, visitor: Visitor) -> None:
        """The life of one organization. Each form changes one thing, to what no other form ever does."""
        organization = visitor.organization(self._word("org"))
        self._note("ORG_CREATED", "id", organization)
        self._form(visitor, f"/organizations/{organization}/name", "ORG_RENAMED", "name", self._word("renamed"))
        visitor.invite(email := f"{self._word('user')}@kill.test", "admin", organization)
        self._note("USER_INVITED", "email", email)
        product = self._word("product")
        license_ = visitor.license(organization, product)
        self._note("LICENSE_ISSUED", "product", product)
        self._form(visitor, f"/licenses/{license_}/product", "LICENSE_UPDATED", "product", self._word("renamed"))
        notice = self._word("notice")
        form = settings(organization_id=organization, sign_in_notice=notice)
        made(visitor.post("/configuration/new", **form))
        self._note("CONFIG_SAVED", "sign_in_notice", notice)
        if self._count % 3 == 0:  # with everything in it, in one transaction
            self._form(visitor, f"/organizations/{organization}/delete", "ORG_DELETED", "id", organization)

    def _form(self, visitor: Visitor, path: str, action: str, column: str, value: str) -> None:
        answer = visitor.post(path, **{column: value})
        if answer.status_code == 303:
            self._note(action, column, value)
        else:
            self.refused.append(f"{path}: {answer.status_code} {answer.text}")

    def _word(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self.number}-{self._count}"

    def _note(self, action: str, column: str, value: str) -> None:
        self.saved.append((action, column, value))


@pytest.mark.timeout(60 + 10 * KILLS)
def test_whatever_moment_the_portal_is_killed_the_log_has_each_committed_change_exactly_once(tmp_path: Path) -> None:
    dice, data = random.Random(SEED), tmp_path / "data"  # noqa: S311 - moments, not secrets
    desk = Desk.start(data)
    writers = [Writer(number, cookie(desk)) for number in range(WRITERS)]
    sealed_while_killed = 0
    try:
        for kill in range(KILLS):
            kill_under_load(desk, writers, dice.uniform(0.02, 0.6))
            sealed_while_killed += waiting(data)
            if kill % 3 == 2:
                desk = Desk.launch(data)  # and once more while it recovers
                time.sleep(dice.uniform(0.3, 0.9))
                desk.close()
            desk = Desk.start(data)
            with desk.visitor() as visitor:
                visitor.client.cookies.set("portal_session", writers[0].cookie)
                entries = entries_of(visitor, data)
            check_log(entries)
            check_told(entries, writers)
        verified = desk.verify()
        assert (verified.returncode, verified.stdout.split()[:1]) == (0, ["ok"]), verified.stderr
    finally:
        desk.close()
    assert desk.complaints() == ""
    assert sealed_while_killed, "no kill fell between a commit and its sealing: this test proved too little"


def entries_of(visitor: Visitor, data: Path) -> list[Entry]:
    """They give the tables. A job of the portal's may expire a license between the two: once more, then."""
    try:
        entries = visitor.entries()
        check_tables(entries, data)
    except AssertionError:
        entries = visitor.entries()
        check_tables(entries, data)
    return entries


def cookie(desk: Desk) -> str:
    with desk.signed_in() as visitor:
        return visitor.client.cookies["portal_session"]


def kill_under_load(desk: Desk, writers: list[Writer], seconds: float) -> None:
    threads = [threading.Thread(target=writer.work, args=[desk]) for writer in writers]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    desk.close()
    for thread in threads:
        thread.join()


def waiting(data: Path) -> int:
    """Records that are committed and not yet in the log's care."""
    with closing(sqlite3.connect(data / "portal.db")) as db:
        (count,) = db.execute("SELECT count(*) FROM indelible_outbox WHERE operation <> 'context'").fetchone()
    return int(count)


def check_log(entries: list[Entry]) -> None:
    assert [entry["seq"] for entry in entries] == list(range(len(entries)))
    assert len({entry["id"] for entry in entries}) == len(entries)


def check_tables(entries: list[Entry], data: Path) -> None:
    """The changes, replayed from nothing, give the tables; each old value is what the entries before had left."""
    replayed: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in TABLES.values()}
    for entry in entries:
        if entry["entity"]["type"] in TABLES and entry["action"] not in SEEN_ELSEWHERE:
            replay(entry, replayed[TABLES[entry["entity"]["type"]]])
    with closing(sqlite3.connect(data / "portal.db")) as db:
        db.row_factory = sqlite3.Row
        for table, rows in replayed.items():
            found = db.execute(f"SELECT * FROM {table}").fetchall()
            assert rows == {row["id"]: told(row, rows.get(row["id"], {})) for row in found}, table


def replay(entry: Entry, rows: dict[str, dict[str, Any]]) -> None:
    key, changes = entry["entity"]["id"], entry["changes"]
    old = {column: change["old"] for column, change in changes.items() if "old" in change}
    new = {column: change["new"] for column, change in changes.items() if "new" in change}
    match entry["operation"]:
        case "create":
            assert key not in rows
            rows[key] = new
        case "update":
            assert old == {column: rows[key][column] for column in old}, entry
            rows[key] |= new
        case "delete":
            assert rows.pop(key) == old, entry


def told(row: sqlite3.Row, said: dict[str, Any]) -> dict[str, Any]:
    """A row as its entries spell it: what is secret hidden, flags as flags, what the map ignores left out."""
    spelled = {}
    for column in set(row.keys()) - {"updated_at"}:
        found, value = row[column], said.get(column)
        if value == REDACTED and found is not None:
            found = REDACTED
        spelled[column] = bool(found) if isinstance(value, bool) else found
    return spelled


def check_told(entries: list[Entry], writers: list[Writer]) -> None:
    """Every "saved" that a client was told of has its entry, once; and no client was ever refused."""
    logged = Counter(changes_of(entries))
    for writer in writers:
        assert writer.refused == []
        assert {change: logged[change] for change in writer.saved} == dict.fromkeys(writer.saved, 1)


def changes_of(entries: list[Entry]) -> Iterator[Change]:
    for entry in entries:
        for column, change in entry["changes"].items():
            value = change.get("new", change.get("old"))
            if isinstance(value, str):
                yield entry["action"], column, value
