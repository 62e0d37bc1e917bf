"""A sealer in a process of its own, for the tests that kill it: `python -m tests.sealing APP LOG`."""

import sys
from contextlib import suppress

from indelible.capture.source import open_source
from indelible.errors import Error
from indelible.log import Log
from indelible.sealer import Sealer


def main() -> None:
    app, log = sys.argv[1:]
    sealer = Sealer(open_source(app).outbox(), Log.open(log))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        with suppress(Error):  # somebody else holds the log or the outbox for long: it is tried again
            sealer.seal()


if __name__ == "__main__":
    main()
