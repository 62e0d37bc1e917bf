"""Django's settings under each variant, and how each peer is told to record the licenses."""

from contextlib import AbstractContextManager
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from psycopg.conninfo import conninfo_to_dict

from benchmarks.cost.rows import MAP
from benchmarks.cost.subject import Where, acting_portal

APPS = ("django.contrib.contenttypes", "django.contrib.auth", "benchmarks.cost")
INSTALLED = {
    "indelible": ("indelible.integrations.django",),
    "django-auditlog": ("auditlog",),
    "django-simple-history": ("simple_history",),
    "django-pghistory": ("pgtrigger", "pghistory"),
}
SQLITE = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"}
COUNTS = {
    "django-auditlog": "SELECT count(*) FROM auditlog_logentry",
    "django-simple-history": "SELECT count(*) FROM cost_historicallicense",
    "django-pghistory": "SELECT count(*) FROM cost_licenseevent",
}


def set_up(where: Where) -> None:
    settings.configure(
        DATABASES={"default": _database(where)},
        INSTALLED_APPS=[*INSTALLED.get(where.variant, ()), *APPS],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INDELIBLE={"LOG": f"sqlite:///{where.folder}/audit.db", "MAP": MAP, "SEAL": False, "BASELINE": False},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    record(where.variant)


def record(variant: str) -> None:
    from django.db import connection

    from benchmarks.cost.models import License

    with connection.schema_editor() as editor:
        if variant == "django-simple-history":
            import simple_history

            simple_history.register(License, app=__package__)
            editor.create_model(License.history.model)
        elif variant == "django-pghistory":
            editor.create_model(_track(License))
    for trigger in getattr(License._meta, "triggers", ()):
        trigger.install(License)
    if variant == "django-auditlog":
        from auditlog.registry import auditlog

        auditlog.register(License)


def acting(variant: str) -> AbstractContextManager[object] | None:
    """What the peer's own middleware would hold around a request."""
    if variant == "indelible":
        return acting_portal()
    if variant == "django-pghistory":
        import pghistory

        held: AbstractContextManager[object] = pghistory.context(user=1, url="/licenses", source="portal")
        return held
    if variant == "django-auditlog":
        from auditlog.context import set_actor

        made: AbstractContextManager[object] = set_actor(None, remote_addr="192.0.2.1")
        return made
    return None


def _track(model: Any) -> Any:
    import pghistory

    trackers = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
    pghistory.track(*trackers, level=pghistory.Row)(model)
    (event,) = pghistory.core.event_models(tracks_model=model)
    return event


def _database(where: Where) -> dict[str, Any]:
    if where.engine == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": where.database, "OPTIONS": SQLITE}
    parts = conninfo_to_dict(where.database)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts["user"],
        "HOST": parts["host"],
    }
