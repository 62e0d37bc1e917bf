"""What `manage.py check` says: with `--database default` also whether every table is covered."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import connections

from indelible import errors
from indelible.integrations.django.auditing import log_path, log_url
from indelible.integrations.django.conf import LABEL, configured
from indelible.integrations.django.coverage import coverage
from indelible.integrations.django.databases import VENDORS, source_url
from indelible.integrations.django.defaults import given_tables, merged, model_maps
from indelible.log import Log

MIDDLEWARE = "indelible.integrations.django.Middleware"


@register(LABEL)
def check_settings(**_: Any) -> list[CheckMessage]:
    """E001 to E005: what cannot work. Nothing here opens the application's database."""
    try:
        made = configured()
        made.actor, made.log, made.door  # noqa: B018 - each raises what is wrong with it
    except (errors.Error, TypeError) as error:
        return [checks.Error(str(error), hint="See docs/django.md for every key of INDELIBLE.", id="indelible.E001")]
    return [*_databases(made.DATABASES), *_map(), *_log()]


@register(LABEL)
def check_project(**_: Any) -> list[CheckMessage]:
    """W001 to W003: what works less than it could."""
    found: list[CheckMessage] = []
    middleware = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in middleware:
        hint = f"Add {MIDDLEWARE!r} to MIDDLEWARE, below AuthenticationMiddleware."
        found.append(
            checks.Warning(
                "No request says who acts: its writes are recorded as unknown.", hint=hint, id="indelible.W001"
            )
        )
    before = middleware[: middleware.index(MIDDLEWARE)] if MIDDLEWARE in middleware else []
    if MIDDLEWARE in middleware and not any(name.endswith("AuthenticationMiddleware") for name in before):
        hint = f"Put {MIDDLEWARE!r} below AuthenticationMiddleware."
        found.append(
            checks.Warning("Nobody is signed in where requests are attributed.", hint=hint, id="indelible.W002")
        )
    order = [config.name for config in apps.get_app_configs()]
    admin, ours = "django.contrib.admin", "indelible.integrations.django"
    if admin in order and order.index(admin) < order.index(ours):
        hint = f"Put {ours!r} above {admin!r} in INSTALLED_APPS."
        found.append(
            checks.Warning("The admin's history pages have no link to the audit log.", hint=hint, id="indelible.W003")
        )
    return found


@register(Tags.database)
def check_coverage(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W004 to W006 and W008: what the databases themselves say."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        if alias in configured().DATABASES and connections[alias].vendor in VENDORS:
            try:
                found += _coverage(alias)
            except errors.NotFoundError:
                continue  # a file that the first `migrate` will make
            except errors.Error as error:  # no reason to stop `migrate`, which may be what helps
                found.append(checks.Warning(f"{alias}: {error}", id="indelible.W008"))
    return found


def _databases(aliases: Sequence[str]) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in aliases:
        if alias not in connections.databases:
            message = f"INDELIBLE['DATABASES'] names {alias!r}, and DATABASES has {', '.join(connections.databases)}."
            found.append(checks.Error(message, id="indelible.E002"))
            continue
        try:
            source_url(alias)
        except errors.Error as error:
            found.append(checks.Error(str(error), id="indelible.E003"))
    return found


def _map() -> list[CheckMessage]:
    path = configured().map_path
    try:
        merged(path)
    except errors.Error as error:
        return [checks.Error(str(error), id="indelible.E004")]
    unknown = sorted(given_tables(path) - model_maps().keys())
    return [
        checks.Warning(
            f"The map {path} names the table {name!r}, which no model has.",
            hint="It is watched if the database has it; if it is a slip, correct it.",
            id="indelible.W007",
        )
        for name in unknown
    ]


def _log() -> list[CheckMessage]:
    path = log_path()
    if path is None:
        return []  # a check is no reason to reach for a server
    if not path.parent.is_dir():
        message = f"The log {path} cannot be made: there is no folder {path.parent}."
        return [checks.Error(message, hint="Make the folder, or give another INDELIBLE['LOG'].", id="indelible.E005")]
    if path.exists():
        try:
            Log.open(log_url()).close()
        except (errors.Error, OSError) as error:
            return [checks.Error(f"The log {path} cannot be used: {error}", id="indelible.E005")]
    return []


def _coverage(alias: str) -> list[CheckMessage]:
    url = source_url(alias)
    if url is None:
        return [
            checks.Warning(f"The database {alias!r} lives in memory; nothing of it is recorded.", id="indelible.W006")
        ]
    found = coverage(alias)
    if found and not any(each.state == "watched" for each in found):
        hint = "Run: manage.py migrate"
        return [checks.Warning(f"No table of the database {alias!r} is watched yet.", hint=hint, id="indelible.W004")]
    return [
        checks.Warning(
            f"{alias}: the table {each.table!r} is {each.state}: {each.reason or 'its changes are not recorded'}.",
            hint="Run: manage.py audit_watch, or exclude it in the map with a reason.",
            id="indelible.W005",
        )
        for each in found
        if not each.clean
    ]
