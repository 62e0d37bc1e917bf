"""Django around a case: its settings, and a database with the tables of the libraries."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.capture_torture.model import Engine

LABEL = "tortured"
APPS = ("django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres")


def set_up(engine: Engine, url: str, installed: Sequence[str], **more: Any) -> None:
    """Once in a process; then every library's own tables are in the database at `url`."""
    settings.configure(
        DATABASES={"default": database(engine, url)},
        INSTALLED_APPS=[*APPS, *installed, "tests.capture_torture.peers.tortured"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        **more,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    connection.close()


def database(engine: Engine, url: str) -> dict[str, Any]:
    if engine == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url}
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts["user"],
        "HOST": parts["host"],
    }


def copy(engine: Engine, template: str, number: int) -> str:
    """A database with the libraries' tables and nothing else."""
    if engine == "sqlite":
        return shutil.copy(template, f"{template}.{number}")
    name = f"case{number}"
    source = str(conninfo_to_dict(template)["dbname"])
    with psycopg.connect(template.replace(f"/{source}?", "/postgres?"), autocommit=True) as db:
        db.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
    return template.replace(f"/{source}?", f"/{name}?")


def remove(engine: Engine, url: str) -> None:
    if engine == "sqlite":
        for path in Path(url).parent.glob(Path(url).name + "*"):
            path.unlink()
        return
    name = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
