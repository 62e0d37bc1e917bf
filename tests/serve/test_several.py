"""Several servers of one log on PostgreSQL, as on machines of their own: all take requests, one does the rest."""

import json
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg

from indelible.actions import ActionMap
from indelible.capture.source import open_source
from indelible.log import Log
from indelible.webhooks.secret import Secrets, key_path
from indelible.work.place import open_work
from tests.api.conftest import EVENT
from tests.checking import check_signed
from tests.postgres import Server as Postgres
from tests.serve.conftest import Server, Start, get, key, start, until  # noqa: F401 - a fixture
from tests.webhooks.receiver import receiving

MACHINES = 3
KILLS = 4


class Machines:
    """Each has its own copy of the keys, its own index, and starts again after it was killed."""

    def __init__(self, start: Start, folder: Path, url: str, app: str) -> None:  # noqa: F811 - the fixture
        self._start, self._folder, self._url, self._app = start, folder, url, app
        self.servers = [self._began(number) for number in range(MACHINES)]

    def _began(self, number: int) -> Server:
        own = self._folder / f"machine-{number}"
        if not own.exists():
            shutil.copytree(self._folder / "keys", own / "keys")
        given = {"INDELIBLE_KEYS": f"{own}/keys", "INDELIBLE_INDEX": f"{own}/index"}
        return self._start(
            self._url, "--app", self._app, environment=given | {"INDELIBLE_WEBHOOK_ALLOW": "127.0.0.0/8"}
        )

    def kill(self, number: int) -> None:
        self.servers[number].stop(signal.SIGKILL)

    def again(self, number: int) -> None:
        self.servers[number] = self._began(number)


@contextmanager
def _thread(work: object) -> Iterator[None]:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]  # a function
    thread.start()
    yield
    thread.join()


def test_servers_that_are_killed_in_turn_lose_nothing_and_double_nothing(
    start: Start,  # noqa: F811 - the fixture
    postgres: Postgres,
    tmp_path: Path,
) -> None:
    url, app = postgres.database(), postgres.database()
    with psycopg.connect(app, autocommit=True) as db:
        db.execute("CREATE TABLE licenses (id integer PRIMARY KEY)")
    with closing(open_source(app)) as source:
        source.watch(None, ActionMap())
    with Log.create(url) as log, closing(open_work(url)) as work:
        Secrets.kept(key_path(log.store.key_path), work)  # before the keys are copied to other machines
    headers = key(url, "append", "read", "manage")
    machines, stopped, dice = Machines(start, tmp_path, url, app), threading.Event(), random.Random(0)  # noqa: S311 - moments
    rows, sent = list[int](), list[str]()

    def change() -> None:
        with psycopg.connect(app, autocommit=True) as db:
            while not stopped.is_set():
                db.execute("INSERT INTO licenses VALUES (%s)", (len(rows),))
                rows.append(len(rows))
                time.sleep(0.005)

    def post() -> None:
        while not stopped.is_set():
            event = EVENT | {"id": str(uuid4()), "action": "LICENSE_SEEN"}
            answered = False
            while not answered:
                server = dice.choice(machines.servers)
                with suppress(httpx2.HTTPError):
                    answer = httpx2.post(f"{server.address}/api/v1/events", json=event, headers=headers, timeout=10)
                    answered = answer.status_code in (200, 201)
            sent.append(str(event["id"]))

    with receiving() as receiver:
        hook = {"url": receiver.url, "filter": "action:LICENSE_SEEN"}
        assert (
            httpx2.post(f"{machines.servers[0].address}/api/v1/webhooks", json=hook, headers=headers).status_code == 201
        )
        with _thread(change), _thread(post):
            for _ in range(KILLS):
                number = dice.randrange(MACHINES)
                time.sleep(dice.uniform(0.3, 1.5))
                machines.kill(number)
                time.sleep(dice.uniform(0.0, 0.5))
                machines.again(number)
            stopped.set()
        made = "/api/v1/events?q=action:LICENSE_CREATED&limit=1"
        for server in machines.servers:
            assert until(lambda server=server: get(server, made, headers=headers).json()["count"] == len(rows))  # type: ignore[misc]  # bound
        assert until(lambda: set(sent) <= {json.loads(each.body)["data"]["id"] for each in receiver.taken()})
    for server in machines.servers:
        assert server.stop() in (0, -signal.SIGTERM)
    with Log.open(url) as log:
        entries = check_signed(log)
    made_ids = [int(entry.entity.id) for entry in entries if entry.action == "LICENSE_CREATED"]
    assert sorted(made_ids) == rows
    assert sorted(str(entry.id) for entry in entries if entry.action == "LICENSE_SEEN") == sorted(sent)
