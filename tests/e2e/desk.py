"""A portal as customers run it: a process of its own, and people who fill in its forms."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import httpx2

from indelible.log import Log
from indelible.search.page import lines
from indelible.search.query import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER = "owner@northdesk.test"
PASSWORD = "correct horse battery"
FIRST = {"PORTAL_ADMIN_EMAIL": OWNER, "PORTAL_ADMIN_PASSWORD": PASSWORD}

Entry = dict[str, Any]


def command(name: str, *arguments: object) -> list[str]:
    """One of the product's two commands, whether or not it is on the path."""
    return [sys.executable, "-c", f"from {name}.cli import main; main()", *map(str, arguments)]


def environment(**given: str) -> dict[str, str]:
    """No setting of this machine reaches the portal under test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "SMTP_", "DATABASE_"))}
    return kept | given


@dataclass
class Desk:
    """One running portal on a free port, and the directory that outlives it."""

    data: Path
    process: subprocess.Popen[str]
    printed: list[str]
    url: str = ""

    @classmethod
    def start(cls, data: Path, *options: str, **environ: str) -> Self:
        """Returns once it listens. What it complains of goes to a file beside its directory."""
        desk = cls.launch(data, *options, **environ)
        try:
            desk.listen()
        except BaseException:
            desk.close()
            raise
        return desk

    @classmethod
    def launch(cls, data: Path, *options: str, **environ: str) -> Self:
        with data.with_suffix(".log").open("a") as complaints:
            process = subprocess.Popen(
                command("portal", "run", "--data", data, "--port", "0", *options),
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                env=environment(**FIRST | environ),
                cwd=data.parent,
            )
        return cls(data, process, [])

    def listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line.strip())
            if found := re.search(r"http://\S+", line):
                self.url = found[0]
                return
        raise AssertionError(f"The portal did not start: {self.complaints()}")

    def close(self) -> None:
        """Killed, as by a power cut; nothing of it stays behind. Closing what is closed does nothing."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    @property
    def log_url(self) -> str:
        return f"sqlite:///{self.data / 'audit.db'}"

    def complaints(self) -> str:
        return self.data.with_suffix(".log").read_text()

    def visitor(self) -> Visitor:
        """Somebody at the door."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        return Visitor(httpx2.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False))

    @contextmanager
    def signed_in(self, email: str = OWNER, password: str = PASSWORD) -> Iterator[Visitor]:
        with self.visitor() as visitor:
            answer = visitor.post("/sign-in", email=email, password=password)
            assert answer.status_code == 303, answer.text
            yield visitor

    def accept(self, link: str, name: str) -> None:
        """As the invited person: signed in, somewhere else, from then on."""
        with self.visitor() as visitor:
            answer = visitor.post(link, name=name, password=PASSWORD)
            assert answer.status_code == 303, answer.text

    def sealed(self, query: str = "") -> list[Entry]:
        """What is in the log's own file at this moment, in its order; asks nothing of the portal."""
        with Log.open(self.log_url, sign=False) as log:
            return [json.loads(line) for line in lines(log, parse(query, datetime.now(UTC)))]

    def settled(self, query: str = "") -> list[Entry]:
        """Likewise, once the portal's own thread has sealed everything that was saved before."""
        deadline = time.monotonic() + 20
        while httpx2.get(f"{self.url}/healthz", trust_env=False).json()["pending"]:
            assert time.monotonic() < deadline, "what was saved is not sealed"
            time.sleep(0.02)
        return self.sealed(query)

    def verify(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command("indelible", "verify", self.log_url), capture_output=True, text=True, check=False)


@dataclass
class Visitor:
    """A browser without a window: keeps its cookie, says where its requests come from, follows nothing."""

    client: httpx2.Client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str, **parameters: str) -> httpx2.Response:
        return self.client.get(path, params=parameters or None)

    def post(self, path: str, **form: str) -> httpx2.Response:
        return self.client.post(path, data=form)

    def entries(self, query: str = "", **parameters: str) -> list[Entry]:
        """The audit page's JSON export."""
        answer = self.get("/audit/export", format="json", q=query, **parameters)
        assert answer.status_code == 200, answer.text
        found: list[Entry] = answer.json()
        return found

    def organization(self, name: str, plan: str = "team") -> str:
        return made(self.post("/organizations/new", name=name, plan=plan))

    def license(self, organization: str, product: str) -> str:
        return made(self.post("/licenses/new", organization_id=organization, product=product, expires_on=""))

    def invite(self, email: str, role: str = "auditor", organization: str = "") -> str:
        """The invitation's link, as the page shows it once."""
        answer = self.post("/users/new", email=email, role=role, organization_id=organization)
        assert answer.status_code == 200, answer.text
        found = re.search(r"/invitation/[\w-]+", answer.text)
        assert found, answer.text
        return found[0]


def made(answer: httpx2.Response) -> str:
    """The id of what a form has made, from where the form leads."""
    assert answer.status_code == 303, answer.text
    return re.split(r"[/?]", answer.headers["location"])[2]


def settings(**values: str) -> dict[str, str]:
    """The configuration form, filled in with the defaults."""
    form = {"session_hours": "12", "invitation_days": "7", "license_term_days": "365", "support_email": ""}
    return form | {"sign_in_notice": "", "invitations_enabled": "on"} | values
