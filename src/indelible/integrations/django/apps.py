"""The Django app: what is connected to which signal."""

from typing import Any

from django.apps import AppConfig
from django.core.signals import request_started
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from indelible.integrations.django.conf import LABEL, watched


class IndelibleConfig(AppConfig):
    name = "indelible.integrations.django"
    label = LABEL
    verbose_name = "Audit log"

    def ready(self) -> None:
        from indelible.integrations.django import auditing, checks, watching  # noqa: F401 - checks register themselves

        auditing.remember()
        connection_created.connect(_connected, dispatch_uid=LABEL)
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None:
                _connected(connection)
        pre_migrate.connect(watching.before_migrate, sender=self, dispatch_uid=LABEL)
        post_migrate.connect(watching.after_migrate, sender=self, dispatch_uid=LABEL)
        request_started.connect(auditing.on_request, dispatch_uid=LABEL)


def _connected(connection: Any, **_: Any) -> None:
    """From its first statement on, each connection of a watched database says who acts."""
    if not watched(connection.alias):
        return
    if connection.vendor == "sqlite":
        from indelible.integrations.django.carry_sqlite import attach

        attach(connection)
    elif connection.vendor == "postgresql":
        from indelible.integrations.django.carry_postgres import attach

        attach(connection)
