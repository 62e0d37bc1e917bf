"""`indelible serve`: the API and the audit pages of a log; and what it is told to do."""

import json
import signal
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from indelible.cli.app import app
from indelible.cli.output import say, show
from indelible.cli.telling import tell
from indelible.errors import UsageError
from indelible.serve.garbage import spare_the_living
from indelible.urls import without_password

BACKLOG = 2048
GRACE_SECONDS = 5
PACKAGES = "A server needs more packages: pip install 'indelible[server]'"

Log = Annotated[str, typer.Argument(metavar="[LOG]", help="Its URL; made if it is not there")]
App = Annotated[
    list[str] | None, typer.Option("--app", metavar="APP", help="Seal what this database captures; repeatable")
]
Replica = Annotated[str | None, typer.Option(metavar="URL", help="Search in this copy of the log's database")]
Host = Annotated[str | None, typer.Option(help="The address to listen on (127.0.0.1)")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="The port (8080); 0 takes any free one")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE.toml", help="Settings, beneath flags and environment")
]
Proxies = Annotated[str | None, typer.Option(metavar="NETWORKS", help="Of proxies that are believed: 10.0.0.0/8")]
UserHeader = Annotated[str | None, typer.Option(metavar="NAME", help="In it the proxy says who looks")]
Logs = Annotated[str | None, typer.Option(metavar="text|json", help="How the server tells what it does")]

config = typer.Typer(no_args_is_help=True, help="What `serve` is told to do.")
app.add_typer(config, name="config")


@app.command()
def serve(
    log: Log = "",
    apps: App = None,
    replica: Replica = None,
    host: Host = None,
    port: Port = None,
    file: Config = None,
    proxies: Proxies = None,
    user_header: UserHeader = None,
    logs: Logs = None,
) -> None:
    """Serve the API and the audit pages; seal, verify, deliver and run jobs. Stop it with Ctrl+C."""
    flags = {
        "log": log, "app": apps, "replica": replica, "host": host, "port": port, "proxies": proxies,
        "user_header": user_header, "logs": logs,
    }  # fmt: skip
    try:
        from indelible.serve.people import Link, Named
        from indelible.serve.service import Service
        from indelible.serve.settings import Settings
    except ImportError as error:
        raise UsageError(PACKAGES) from error
    settings = Settings.read(flags, file)
    if not settings.log:
        raise UsageError("Which log? Give its URL: indelible serve sqlite:///audit.db")
    tell(json_lines=settings.json_logs)
    listener = _listen(settings.host, settings.port)
    link = None if settings.user_header else Link()
    with Service(settings) as service:
        pages = service.app(link or Named(settings))
        service.start()
        say(f"The log's verifier key, for whoever verifies it: {service.log.verifier}")
        server = _server(pages)
        _tell_where(listener, settings.log, link)
        spare_the_living()
        server.run(sockets=[listener])


@config.command("show")
def show_(file: Config = None, *, as_json: Annotated[bool, typer.Option("--json", help="One object")] = False) -> None:
    """Print each setting of `serve`, and where it is from; without passwords."""
    from indelible.serve.settings import OPTIONS, Settings

    told = Settings.read({}, file).shown()
    if as_json:
        show(
            json.dumps({name: {"value": ", ".join(each.values), "origin": each.origin} for name, each in told.items()})
        )
        return
    for name, setting in told.items():
        value = ", ".join(setting.values) or "-"
        show(f"{name:<20}  {value:<40}  {setting.origin:<12}  {OPTIONS[name].variable}")


def _listen(host: str, port: int) -> socket.socket:
    """Listens at once: whoever reads the printed address and connects is queued, not refused."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, ValueError) as error:  # ValueError: what is no name of a host
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"Cannot listen on {host[:60]}:{port}: {reason}. Name another --host or --port.") from error
    return listener


def _tell_where(listener: socket.socket, log: str, link: Any) -> None:
    """The address is all that stdout has: whoever started it takes it from there."""
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    say(f"The API is at {address}/api/v1; a key for it: indelible keys add {quote(without_password(log))} --scope read")
    if link and not ip_address(host.partition("%")[0]).is_loopback:
        say(
            f"Warning: {host} is reached from other machines, and the link that signs in goes over plain http: who is "
            "on the way can read it. Listen on 127.0.0.1, or declare a proxy that has https: --proxies, --user-header."
        )
    show(link.address(address) if link else f"{address}/")
    sys.stdout.flush()


def _server(pages: Any) -> Any:
    """It stops as it is told to, from now on."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            pages, timeout_graceful_shutdown=GRACE_SECONDS, lifespan="off", log_config=None, server_header=False,
            access_log=False,  # addresses say what was searched for
            proxy_headers=False,
        )
    )  # fmt: skip
    for number in (signal.SIGINT, signal.SIGTERM):  # before uvicorn does: who is told to stop now stops at once
        signal.signal(number, server.handle_exit)
    return server
