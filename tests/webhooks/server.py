"""A server that delivers until it is killed: `python -m tests.webhooks.server LOG SECONDS RETRY`."""

import sys
import time
from ipaddress import ip_network

from indelible.log import Log
from indelible.webhooks import lane, outcome
from indelible.webhooks.deliverer import Deliverer
from indelible.webhooks.endpoints import Endpoints
from indelible.webhooks.secret import Secrets, key_path
from indelible.work.place import open_work


def main(url: str, seconds: str, retry: str) -> None:
    """Each request has `seconds`, each retry comes after `retry`, forty times: here a day has a second."""
    outcome.SCHEDULE = (float(retry),) * 40  # type: ignore[assignment]
    lane.LOOK = float(retry)
    log, work = Log.open(url), open_work(url)
    endpoints = Endpoints(log, work, Secrets.kept(key_path(log.store.key_path), work))
    Deliverer(log, work, endpoints, allowed=[ip_network("127.0.0.0/8")], seconds=float(seconds)).start()
    sys.stdout.write("delivering\n")
    sys.stdout.flush()
    time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
