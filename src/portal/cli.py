"""The command `portal`."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

import indelible

try:
    import uvicorn
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}. The portal needs more packages: pip install 'indelible[portal]'") from error
from portal.errors import PortalError, SettingsError
from portal.settings import make_data_directory, read_settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from portal.first_start import FirstAdmin
    from portal.settings import Settings

_BACKLOG = 2048
_GRACE_SECONDS = 5

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The Northdesk admin portal.")


@app.callback()
def _portal() -> None:
    """The Northdesk admin portal."""


@app.command()
def run(
    data: Annotated[Path, typer.Option(help="Holds portal.db, audit.db and the signing key. Made if missing.")] = Path(
        "data"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    *,
    empty: Annotated[bool, typer.Option("--empty", help="No sample records at the first start.")] = False,
) -> None:
    """Start the portal. Stop it with Ctrl+C."""
    try:
        settings = read_settings(data, empty=empty)
        make_data_directory(settings.data)
        listener = _listen(host, port)
        application = _create(settings)
    except (PortalError, indelible.Error) as error:
        _fail(str(error))
    _serve(application, listener, settings.proxy)


@app.command()
def reset(
    email: Annotated[str, typer.Argument(help="Of an active user who lost their password.")],
    data: Annotated[Path, typer.Option(help="The portal's data directory.")] = Path("data"),
) -> None:
    """Give a user a one-time password; it is printed once, and the reset is an entry of the audit log."""
    from portal.app import open_database
    from portal.services.account import reset_password

    try:
        with open_database(read_settings(data)) as database:
            password = reset_password(database, email)
    except (PortalError, indelible.Error) as error:
        _fail(str(error))
    _say(f"Password: {password}  (shown only now; it is changed at the next sign-in)")


def main() -> None:
    app()


def _create(settings: Settings) -> Starlette:
    from portal.app import create_app

    announced: list[FirstAdmin] = []

    def announce(admin: FirstAdmin) -> None:
        announced.append(admin)
        shown = admin.password or "the one in PORTAL_ADMIN_PASSWORD"
        _say(f"First administrator: {admin.email}")
        _say(f"Password: {shown}" + ("  (shown only now; you change it when you sign in)" if admin.password else ""))

    application = create_app(settings, announce)
    if not announced:
        _say("The administrator exists already; sign in as usual. (Lost the password? python -m portal reset EMAIL)")
    return application


def _listen(host: str, port: int) -> socket.socket:
    """Listens at once: whoever reads the printed address and connects is queued, not refused."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"{host} is not an address of this machine: {error}. Name another with --host.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or error
        raise SettingsError(f"Cannot listen on {host}:{port}: {reason}. Name another port with --port.") from error
    return listener


def _serve(application: Starlette, listener: socket.socket, proxy: str | None) -> None:
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,  # addresses hold invitation tokens
        server_header=False,
        proxy_headers=proxy is not None,  # a forwarded address is anybody's claim, but for a proxy that was named
        forwarded_allow_ips=proxy,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    # uvicorn sets the same while it runs. Before: who is told to stop now stops as soon as it has started.
    # After: it raises the signal once more, and having been told to stop is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    host, port = listener.getsockname()[:2]
    _say(f"Northdesk is at http://{f'[{host}]' if ':' in host else host}:{port}")
    server.run(sockets=[listener])


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _fail(message: str) -> NoReturn:
    sys.stderr.write(message + "\n")
    raise SystemExit(1)
