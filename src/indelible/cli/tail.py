"""`indelible tail`: the log as it grows."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from indelible.cli.app import app
from indelible.cli.options import AsJson, LogUrl, Organization, QueryText
from indelible.cli.output import note_unknown, one_line, show, show_bytes
from indelible.follow import LOOK, leaves
from indelible.log import Log
from indelible.search.match import matching
from indelible.search.query import parse

First = Annotated[
    int | None, typer.Option("--from", min=0, metavar="SEQ", help="From this entry on; otherwise from now")
]


@app.command()
def tail(
    log: LogUrl, query: QueryText = "", first: First = None, *, org: Organization = None, json: AsJson = False
) -> None:
    """Follow the log: one line an entry, as it is signed. Ends with Ctrl-C."""
    match = matching(parse(query, datetime.now(UTC)), org)
    note_unknown(log, org)
    with Log.open(log, sign=False) as opened:
        at = opened.signed_size() if first is None else first
        while True:
            while found := leaves(opened, at):
                at += len(found)
                for leaf in found:
                    if match(leaf.entry):
                        show_bytes(leaf.line + b"\n") if json else show(one_line(leaf.entry))
            time.sleep(LOOK)
