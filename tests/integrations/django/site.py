"""The test project with real databases behind it. Django's settings are one for the process: its databases are not."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import django
import psycopg
from asgiref.local import Local
from psycopg import sql

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.integrations.django.project.settings"
django.setup()

from django.conf import settings  # noqa: E402 - Django is set up first
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from indelible.capture.source import open_source  # noqa: E402
from indelible.event import Entry  # noqa: E402
from indelible.integrations.django import auditing  # noqa: E402
from indelible.integrations.django.databases import source_url  # noqa: E402
from tests.checking import check_signed  # noqa: E402
from tests.postgres import Server  # noqa: E402

setup_test_environment(debug=False)


class Templates:
    """A migrated database of each engine, to be copied."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, str] = {}

    def sqlite(self, copy: Path) -> dict[str, Any]:
        if "sqlite" not in self._made:
            path = self._folder / "template.db"
            use({"ENGINE": "django.db.backends.sqlite3", "NAME": path}, self._folder)
            call_command("migrate", verbosity=0)
            connections.close_all()
            self._made["sqlite"] = str(path)
        shutil.copyfile(self._made["sqlite"], copy)
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": copy}

    def postgres(self, server: Server) -> dict[str, Any]:
        if "postgres" not in self._made:
            use(postgres_settings(server.database()), self._folder)
            call_command("migrate", verbosity=0)
            self._made["postgres"] = settings_name()
            auditing.close()
            connections.close_all()
        made = postgres_settings(server.database())
        with psycopg.connect(server.url(), autocommit=True) as db:
            name, template = sql.Identifier(made["NAME"]), sql.Identifier(self._made["postgres"])
            db.execute(sql.SQL("DROP DATABASE {}").format(name))
            db.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(name, template))
        return made


class Site:
    """The project in one test."""

    def __init__(self, templates: Templates, folder: Path, postgres: Server | None) -> None:
        self.folder = folder
        self.engine = "postgresql" if postgres else "sqlite"
        self.database = templates.postgres(postgres) if postgres else templates.sqlite(folder / "app.db")
        use(self.database, folder)
        self.sealed()  # what migrate wrote

    def close(self) -> None:
        auditing.close()
        connections.close_all()

    @property
    def url(self) -> str:
        found = source_url("default")
        assert found is not None
        return found

    def sealed(self) -> list[Entry]:
        """What was added to the log by a pass; all of it is checked."""
        log = auditing.audit().log
        before = log.head().size
        auditing.audit().seal()
        return check_signed(log)[before:]

    def raw(self, statement: str) -> None:
        """As another client of the database, which knows nothing of actors."""
        if self.engine == "postgresql":
            with psycopg.connect(self.url, autocommit=True) as db:
                db.execute(statement)
            return
        with closing(sqlite3.connect(self.database["NAME"], isolation_level=None)) as raw:
            raw.execute(statement)

    def waiting(self) -> int:
        source = open_source(self.url)
        outbox = source.outbox()
        count = outbox.pending()[0]
        outbox.close()
        source.close()
        return count

    def reconnect(self, **changes: Any) -> None:
        """With other settings of the database."""
        connections.close_all()
        use(self.database | changes, self.folder)


def use(database: dict[str, Any], folder: Path, **indelible: Any) -> None:
    """From now on the project has this database, as if its settings had always said so."""
    auditing.close()
    if "default" in connections.settings:
        connections.close_all()
    settings.DATABASES = {"default": database}
    connections.settings = connections.configure_settings(settings.DATABASES)
    connections._connections = Local(connections.thread_critical)  # every thread's
    settings.INDELIBLE = {"LOG": f"sqlite:///{folder / 'audit.db'}", "SEAL": False, **indelible}
    auditing.remember()


@contextmanager
def with_settings(**indelible: Any) -> Iterator[None]:
    """Some of INDELIBLE's keys changed."""
    before = settings.INDELIBLE
    settings.INDELIBLE = before | indelible
    try:
        yield
    finally:
        settings.INDELIBLE = before


def postgres_settings(url: str) -> dict[str, Any]:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts["user"],
        "HOST": unquote(str(parts["host"])),
    }


def settings_name() -> str:
    return str(connections.settings["default"]["NAME"])
