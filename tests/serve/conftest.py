"""A server that was really started, with its own command, on a free port."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from indelible.event import Actor
from indelible.keys.keys import Keys
from indelible.log import Log
from indelible.work.announcements import By
from indelible.work.place import open_work

INDELIBLE = Path(sys.executable).with_name("indelible")


@dataclass
class Server:
    """`link` is what it printed; `address` is without the token."""

    process: subprocess.Popen[str]
    link: str
    log: Path

    @property
    def address(self) -> str:
        return self.link.partition("/?")[0].rstrip("/")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Gives its exit code."""
        self.process.send_signal(number)
        return self.process.wait(15)

    def said(self) -> str:
        return self.log.read_text()


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    servers: list[Server] = []

    def started(*arguments: str, environment: dict[str, str] | None = None) -> Server:
        log = tmp_path / f"server-{len(servers)}.log"
        with log.open("w") as err:
            process = subprocess.Popen(
                [INDELIBLE, "serve", *arguments, "--port", "0"], stdout=subprocess.PIPE, stderr=err, text=True,
                env=os.environ | (environment or {}), cwd=tmp_path,
            )  # fmt: skip
        assert process.stdout is not None
        server = Server(process, process.stdout.readline().strip(), log)
        servers.append(server)
        return server

    yield started
    for server in servers:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)
        if server.process.stdout is not None:
            server.process.stdout.close()


def key(url: str, *scopes: str, organization: str | None = None) -> dict[str, str]:
    """Headers of a new one."""
    with Log.open(url) as log:
        work = open_work(url)
        by = By(actor=Actor(id="test"))
        _, text = Keys(log, work).add(by, name="test", scopes=scopes, organization=organization)
        work.close()
    return {"Authorization": f"Bearer {text}"}


def until(found: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it came to be so."""
    end = time.monotonic() + seconds
    while not (result := found()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


def get(server: Server, path: str, **options: object) -> httpx2.Response:
    return httpx2.get(server.address + path, timeout=10, **options)  # type: ignore[arg-type]  # as httpx2 takes them
