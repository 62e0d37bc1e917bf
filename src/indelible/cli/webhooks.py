"""`indelible webhooks`: who hears of entries. A running server delivers; these commands change what it does."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, timedelta
from typing import Annotated

import msgspec
import typer

from indelible.cli.app import app
from indelible.cli.inputs import by_account
from indelible.cli.options import LogUrl, Organization
from indelible.cli.output import encoded, note_unknown, say, show
from indelible.errors import UsageError
from indelible.event import EPOCH
from indelible.log import Log
from indelible.webhooks.deliveries import Attempt
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.secret import Secret
from indelible.webhooks.service import Webhooks
from indelible.work.announcements import By
from indelible.work.place import open_work

webhooks = typer.Typer(no_args_is_help=True, help="Have entries posted to somebody the moment they are signed.")
app.add_typer(webhooks, name="webhooks")

Id = Annotated[str, typer.Argument(metavar="ID", help="Of a webhook, as `list` shows it")]
Url = Annotated[str, typer.Argument(metavar="URL", help="https://hooks.example.com/audit")]
Filter = Annotated[str, typer.Option(help="A query: action:LICENSE_* -user:system. Without it: every entry")]
Contact = Annotated[str | None, typer.Option(metavar="EMAIL", help="Is told if the webhook is switched off")]
AsJson = Annotated[bool, typer.Option("--json", help="One object a line")]
Overlap = Annotated[int, typer.Option(min=0, max=720, metavar="HOURS", help="For so long the old secret signs, too")]
Failed = Annotated[bool, typer.Option("--failed", help="All that failed")]
First = Annotated[int | None, typer.Option("--from", min=0, metavar="SEQ", help="From this entry on")]
Until = Annotated[int | None, typer.Option("--until", min=0, metavar="SEQ", help="Up to this entry, without it")]
Message = Annotated[str | None, typer.Option(metavar="ID", help="One delivery, by its webhook-id")]
Limit = Annotated[int, typer.Option(min=1, max=1000)]


@webhooks.command()
def add(
    log: LogUrl,
    url: Url,
    filter: Filter = "",  # noqa: A002 - the option's name
    org: Organization = None,
    contact: Contact = None,
    *,
    json: AsJson = False,
) -> None:
    """Add one; print its id, its secret and its public key. The secret is shown here and never again."""
    note_unknown(log, org)  # first: that there is a webhook is an entry of it
    with _webhooks(log) as (opened, by):
        endpoint, secret = opened.endpoints.add(url, by, filter=filter, organization=org, contact=contact)
    _show_secret(endpoint, secret, json=json)


@webhooks.command("list")
def list_(log: LogUrl, *, org: Organization = None, json: AsJson = False) -> None:
    """All of them, in the order in which they were added."""
    with _webhooks(log) as (opened, _):
        for endpoint in opened.endpoints.all(org):
            waiting = opened.deliveries.states(endpoint.id)
            show(_as_json(endpoint, waiting) if json else _line(endpoint, waiting))


@webhooks.command()
def test(log: LogUrl, id_: Id) -> None:
    """Send a test event now; exit 1 if it is not taken."""
    with _webhooks(log) as (opened, by):
        attempt = opened.test(id_, by)
    show(_attempt(attempt))
    if attempt.failure is not None:
        raise typer.Exit(1)


@webhooks.command()
def pause(log: LogUrl, id_: Id) -> None:
    """Send nothing until it is resumed; nothing is lost."""
    with _webhooks(log) as (opened, by):
        opened.endpoints.pause(id_, by)


@webhooks.command()
def resume(log: LogUrl, id_: Id) -> None:
    """Go on from where it was paused or switched off."""
    with _webhooks(log) as (opened, by):
        opened.endpoints.resume(id_, by)


@webhooks.command()
def rotate(log: LogUrl, id_: Id, overlap: Overlap = 24, *, json: AsJson = False) -> None:
    """Make a new secret and print it; the old one signs as well for a while."""
    with _webhooks(log) as (opened, by):
        endpoint, secret = opened.endpoints.rotate(id_, by, timedelta(hours=overlap))
    _show_secret(endpoint, secret, json=json)


@webhooks.command()
def replay(
    log: LogUrl, id_: Id, message: Message = None, first: First = None, until: Until = None, *, failed: Failed = False
) -> None:
    """Deliver again: one (--message), a range (--from, --until) or all that failed (--failed). Print how many."""
    if (message is not None) + (first is not None) + failed != 1:
        raise UsageError("Say what to deliver again: --message ID, --from SEQ [--until SEQ] or --failed.")
    with _webhooks(log) as (opened, by):
        if message is not None:
            count = opened.replay(id_, message, by)
        elif first is not None:
            count = opened.replay_range(id_, first, 2**62 if until is None else until, by)
        else:
            count = opened.replay_failed(id_, by)
    show(str(count))


@webhooks.command()
def attempts(log: LogUrl, id_: Id, limit: Limit = 50, *, json: AsJson = False) -> None:
    """What was sent last and what came of it, newest first."""
    with _webhooks(log) as (opened, _):
        opened.endpoints.get(id_)
        for each in opened.deliveries.attempts(id_, limit=limit):
            shown = each._replace(answer=None)
            show(encoded(shown) if json else _attempt(each))


@webhooks.command()
def remove(log: LogUrl, id_: Id) -> None:
    """Remove it, with what it still waits for."""
    with _webhooks(log) as (opened, by):
        opened.endpoints.remove(id_, by)


@contextmanager
def _webhooks(url: str) -> Iterator[tuple[Webhooks, By]]:
    with Log.open(url) as log, closing(open_work(url)) as work:
        yield Webhooks.of(log, work), by_account()


def _show_secret(endpoint: Endpoint, secret: Secret, *, json: bool) -> None:
    if json:
        told = {"id": endpoint.id, "secret": secret.shared, "public_key": secret.public}
        show(msgspec.json.encode(told).decode())
    else:
        show(f"{endpoint.id}\n{secret.shared}\n{secret.public}")
    say("The second is the secret that verifies v1 signatures: it is not shown again. The third verifies v1a.")


def _line(endpoint: Endpoint, waiting: dict[str, int]) -> str:
    told = f"{endpoint.id}  {endpoint.state:<8}  {endpoint.name}  {endpoint.filter or '(everything)'}"
    return f"{told}  {waiting.get('waiting', 0)} waiting, {waiting.get('set aside', 0)} set aside"


def _as_json(endpoint: Endpoint, waiting: dict[str, int]) -> str:
    told = {
        "id": endpoint.id, "url": endpoint.url, "filter": endpoint.filter, "organization": endpoint.organization,
        "contact": endpoint.contact, "state": endpoint.state, "reason": endpoint.reason, "next": endpoint.cursor,
        "waiting": waiting.get("waiting", 0), "set_aside": waiting.get("set aside", 0),
    }  # fmt: skip
    return msgspec.json.encode(told).decode()


def _attempt(attempt: Attempt) -> str:
    at = EPOCH + timedelta(microseconds=attempt.started_at)
    came = attempt.failure or f"answered {attempt.status}"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}  {attempt.message}  {attempt.took / 1000:.0f} ms  {came}"
