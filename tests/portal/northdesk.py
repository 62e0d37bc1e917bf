"""A portal to test: real SQLite files, the real audit log, and a browser of sorts."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.models import Base, Configuration, License, Organization, User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx2 import Response
    from starlette.applications import Starlette

    import indelible
    from portal.web import Portal

OWNER = "root@northdesk.test"
PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = QUICK.hash(PASSWORD)


@dataclass
class Desk:
    """One running portal. Each `browser` has cookies of its own."""

    app: Starlette

    @property
    def portal(self) -> Portal:
        portal: Portal = self.app.state.portal
        return portal

    @property
    def audit(self) -> indelible.Audit:
        audit: indelible.Audit = self.app.state.audit
        return audit

    def browser(self) -> Browser:
        return Browser(self, TestClient(self.app, follow_redirects=False))

    def signed_in(self, email: str = OWNER, password: str = PASSWORD) -> Browser:
        browser = self.browser()
        answer = browser.post("/sign-in", email=email, password=password)
        assert answer.status_code == 303, text(answer)
        return browser

    def add(self, row: Base) -> str:
        with self.portal.database.writing() as db:
            db.add(row)
            db.commit()
        return str(row.id)  # type: ignore[attr-defined]

    def organization(self, name: str = "Acme", **values: Any) -> str:
        return self.add(Organization(name=name, **values))

    def user(self, email: str, role: str = "admin", organization: str | None = None, **values: Any) -> str:
        values = {"name": email.partition("@")[0].title(), "status": "active", "password_hash": HASH} | values
        return self.add(User(email=email, role=role, organization_id=organization, **values))

    def someone(self, role: str, organization: str | None = None) -> Browser:
        """A signed-in person of this role."""
        email = f"{role}-{organization or 'platform'}@people.test".replace("_", "-")
        self.user(email, role, organization)
        return self.signed_in(email)

    def row(self, model: type[Any], row_id: str) -> Any:
        with self.portal.database.reading() as db:
            return db.get(model, row_id)

    def rows(self, model: type[Any]) -> list[Any]:
        with self.portal.database.reading() as db:
            return list(db.scalars(select(model)))

    def change(self, model: type[Any], row_id: str, **values: Any) -> None:
        """What no page allows: moving time, mostly."""
        with self.portal.database.writing() as db:
            row = db.get(model, row_id)
            for name, value in values.items():
                setattr(row, name, value)
            db.commit()

    def platform(self) -> Configuration:
        rows: list[Configuration] = self.rows(Configuration)
        return next(row for row in rows if row.organization_id is None)

    def licenses(self) -> list[License]:
        return self.rows(License)

    def user_called(self, email: str) -> User:
        users: list[User] = self.rows(User)
        return next(user for user in users if user.email == email)

    def entries(self) -> Iterator[Any]:
        self.audit.seal()
        for seq in range(self.audit.log.head().size):
            yield self.audit.log.entry(seq)


@dataclass
class Browser:
    desk: Desk
    client: TestClient

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, **form: str) -> Response:
        return self.client.post(path, data=form)

    def raw(self, path: str, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> Response:
        return self.client.post(path, content=body, headers={"content-type": content_type})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def text(answer: Response) -> str:
    """What a person reads: no tags, no entities, single spaces."""
    without = re.sub(r"<(head|svg).*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(without)).strip()


def settings_form(**values: str) -> dict[str, str]:
    form = {
        "session_hours": "12",
        "invitation_days": "7",
        "license_term_days": "365",
        "support_email": "",
        "sign_in_notice": "",
        "invitations_enabled": "on",
    }
    return form | values
