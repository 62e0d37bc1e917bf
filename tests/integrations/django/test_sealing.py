"""A process that serves requests seals; whatever else it may be."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.core.checks import run_checks
from django.test import Client

from indelible.integrations.django import auditing
from indelible.log import Log
from tests.checking import check_signed
from tests.integrations.django.project.shop.models import Product
from tests.integrations.django.site import Site, with_settings

SECONDS = 20


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_first_request_begins_to_seal_and_nothing_else_does(site: Site) -> None:
    Product.objects.create(name="chair")
    assert auditing.audit().health() == []
    with with_settings(SEAL=True):
        Client().get("/read/")
    until(lambda: site.waiting() == 0)
    Client().get("/write/", {"name": "desk"})
    until(lambda: site.waiting() == 0)
    assert [each["status"] for each in auditing.audit().health()] == ["ok"]
    auditing.close()
    assert "indelible-sealer" not in [thread.name for thread in threading.enumerate()]
    with Log.open(auditing.log_url()) as log:
        assert [entry.changes["name"]["new"] for entry in check_signed(log)[-2:]] == ["chair", "desk"]


def test_the_log_may_be_in_postgresql(sqlite_site: Site, pg_url: str) -> None:
    auditing.close()  # what the site has opened is a file
    with with_settings(LOG=pg_url, SEAL=True):
        assert not [found for found in run_checks() if (found.id or "").startswith("indelible.E")]
        Client().get("/write/", {"name": "desk"})
        until(lambda: sqlite_site.waiting() == 0)
        auditing.close()
        with Log.open(pg_url) as log:
            assert [entry.changes["name"]["new"] for entry in check_signed(log)[-1:]] == ["desk"]


def test_a_database_that_is_not_watched_yet_stops_no_request(sqlite_site: Site, tmp_path: Path) -> None:
    sqlite_site.reconnect(NAME=tmp_path / "empty.db")
    with with_settings(SEAL=True):
        answer = Client(raise_request_exception=False).get("/read/")
    assert answer.status_code == 500  # there is no table: Django's own answer
    assert auditing.audit().health() == []


def test_after_a_fork_the_child_opens_what_is_its_own(sqlite_site: Site) -> None:
    """As gunicorn does it: the application is loaded, used perhaps, and then forked."""
    code = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from tests.integrations.django import site
from pathlib import Path
database = {{"ENGINE": "django.db.backends.sqlite3", "NAME": Path({str(sqlite_site.database["NAME"])!r})}}
site.use(database, Path({str(sqlite_site.folder)!r}))
from indelible.integrations.django.auditing import audit
from tests.integrations.django.project.shop.models import Product
from django.db import connections
before = audit()
before.log
connections.close_all()
children = []
for number in range(3):
    child = os.fork()
    if not child:
        assert audit() is not before
        Product.objects.create(name=f"of child {{number}}")
        audit().seal()
        os._exit(0)
    children.append(child)
codes = [os.waitpid(child, 0)[1] for child in children]
before.seal()
sys.exit(max(codes))
"""
    auditing.close()
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    with Log.open(auditing.log_url()) as log:
        names = [entry.changes["name"]["new"] for entry in check_signed(log)[-3:]]
    assert sorted(names) == ["of child 0", "of child 1", "of child 2"]
