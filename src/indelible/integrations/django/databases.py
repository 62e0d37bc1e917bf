"""The project's DATABASES, as the URLs that capture opens its own connections with."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

from django.db import connections

from indelible.errors import UsageError

VENDORS = ("sqlite", "postgresql")
# OPTIONS that are Django's or the driver's, not the server's.
NOT_LIBPQ = {
    "pool", "server_side_binding", "isolation_level", "assume_role", "cursor_factory", "context", "row_factory",
    "prepare_threshold", "autocommit", "client_encoding", "application_name", "connect_timeout",
}  # fmt: skip


def source_url(alias: str) -> str | None:
    """None for a database that lives in memory: nobody else can open it. Raises UsageError."""
    connection = connections[alias]
    if connection.vendor not in VENDORS:
        raise UsageError(
            f"The database {alias!r} is {connection.vendor}; SQLite and PostgreSQL can be watched. "
            "Leave it out of INDELIBLE['DATABASES']."
        )
    settings = connection.settings_dict
    return _postgres(settings) if connection.vendor == "postgresql" else _sqlite(str(settings["NAME"]))


def _sqlite(name: str) -> str | None:
    if name.startswith("file:"):  # SQLite's own URIs
        name, _, parameters = name.removeprefix("file:").partition("?")
        name = unquote("/" + name.lstrip("/") if name.startswith("/") else name)
        if "mode=memory" in parameters:
            return None
    if not name or name == ":memory:":
        return None
    return f"sqlite:///{os.path.abspath(name)}"  # noqa: PTH100 - links stay links


def _postgres(settings: Mapping[str, Any]) -> str:
    options = dict(settings["OPTIONS"])
    role = options.get("assume_role")
    parameters = {key: value for key, value in options.items() if key not in NOT_LIBPQ and value is not None}
    if settings["HOST"]:
        parameters["host"] = settings["HOST"]  # a folder of sockets is a host too
    if settings["PORT"]:
        parameters["port"] = settings["PORT"]
    if role:
        parameters["options"] = f"{parameters.get('options', '')} -c role={role}".strip()
    user = quote(settings["USER"] or "", safe="")
    secret = ":" + quote(settings["PASSWORD"], safe="") if settings["PASSWORD"] else ""
    database = quote(settings["NAME"] or "", safe="")
    at = f"{user}{secret}@" if user or secret else ""
    return f"postgresql://{at}/{database}?{urlencode(parameters, quote_via=quote)}"
