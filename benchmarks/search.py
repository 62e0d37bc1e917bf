"""What it costs to find: each query that the audit page can make, with its count and its bars; and its facets.

    python benchmarks/search.py [--entries 1000000] [--log URL] [--rounds 20] [--peer] [--pages]

The log is that of `population.py`: 200 organizations, 60 actions, 8 types, 5,000 users, two years. With --log it is an
open one, or made there and kept; else it is made in this folder, indexed, and removed. Garbage is looked for as in
`indelible serve`. --peer measures LIKE (on
PostgreSQL ILIKE) over columns of text beside it: the newest 50, and a count that ends at 10,000. --pages asks for the
page itself, as a server of this process gives it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from starlette.testclient import TestClient

from benchmarks.like import Peer
from benchmarks.population import BEGAN, LASTS, NEEDLE, events, needle, person
from indelible.errors import NotFoundError
from indelible.event import Actor, micros
from indelible.index.kept import Kept
from indelible.log import Log
from indelible.search.overview import bars, facets
from indelible.search.page import find
from indelible.search.query import parse
from indelible.serve.garbage import spare_the_living
from indelible.store.promise import Dimension
from indelible.upkeep import Upkeep
from indelible.viewer import Viewer
from indelible.web import create_app

NOW = BEGAN + LASTS
WHO = Actor(id="u_1", name="Dana Lee")
BARS = 60
FACETS: tuple[Dimension, ...] = ("action", "entity_type", "actor", "organization", "source", "operation")
YEAR_AGO = "since:2025-11-01 until:2025-11-07"
# What people type, and what it is for; ORG is asked by somebody who sees that organization alone.
QUERIES = {
    "everything": "",
    "everything, a week of a year ago": YEAR_AGO,
    "everything, half a year": "since:2025-05-01 until:2025-11-01",
    "an action": "action:LICENSE_ASSIGNED",
    "actions by a star": "action:LICENSE_*",
    "a type": "entity:License",
    "a type, a week of a year ago": f"entity:License {YEAR_AGO}",
    "a rare type, the last month": "entity:Organization since:30d",
    "one entity": "entity:User/u_700",
    "an entity that is not there": "entity:User/u_70000",
    "an entity's name": '"License 4711"',
    "one user of 5,000": f"user:{person(4144).email}",
    "a name that 250 users share": "user:dana",
    "such a name, a week of a year ago": f"user:dana {YEAR_AGO}",
    "such a name and a rare action": "user:dana action:ORGANIZATION_RENAMED",
    "one word, anywhere": "dana",
    "two words, anywhere": "haddad suspended",
    "a word that is nowhere": "xylophone",
    "all but the system": "-user:dana",
    "an organization": "org:org_7",
    "a source": "source:sql",
    "deletions": "operation:delete",
    "three conditions": "user:kim action:LICENSE_* org:org_3",
    "a field": "field:seats",
    "a common value": "new:suspended",
    "a common value of a year ago": f"new:suspended {YEAR_AGO}",
    "a value of two characters": "new:42",
    "a rare value": "NEEDLE",
    "a rare value, by its middle": "NEEDLE MIDDLE",
    "a value that is nowhere": "new:unobtainium",
    "ORG everything": "",
    "ORG one word": "dana",
    "ORG a rare value": "NEEDLE",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--log")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--pages", action="store_true")
    arguments = parser.parse_args()
    with opened(arguments.log, arguments.entries) as log:
        spare_the_living()
        if arguments.pages:
            pages(log, arguments.log, arguments.rounds)
            return
        measure(log, arguments.rounds, Peer.of(log, arguments.log) if arguments.peer else None)


def measure(log: Log, rounds: int, peer: Peer | None) -> None:
    lists, names, others = list[float](), list[float](), list[float]()
    print("| query | found | median | p99 | of it the 50 newest | then facets | again |" + (" LIKE |" if peer else ""))
    print("| --- | --- | --- | --- | --- | --- | --- |" + (" --- |" if peer else ""))
    for name, text in QUERIES.items():
        query, organization = query_of(log, text), "org_5" if name.startswith("ORG") else None
        tries, listed, again = list[Asked](), list[float](), list[float]()
        for _ in range(rounds):
            log.blocks.kept = Kept()  # as nobody has asked before
            tries.append(asked(log, query, organization))
            listed.append(narrowed(log, query, organization))
            again.append(asked(log, query, organization).whole)
        whole, first = [each.whole for each in tries], [each.newest for each in tries]
        lists, names, others = lists + whole, names + listed, others + again
        told = f"| {name} | {tries[0].found} | {statistics.median(whole):.1f} ms | {worst(whole):.1f} ms | "
        told += " | ".join(f"{statistics.median(each):.1f} ms" for each in (first, listed, again)) + " |"
        print(told + (f" {peer.milliseconds(query, organization):,.0f} ms |" if peer else ""), flush=True)
    every = {"lists": lists, "then facets": names, "again": others, "all": lists + names + others}
    for what, times in every.items():
        print(f"\n{what}, {len(times)}: median {statistics.median(times):.1f} ms, p99 {worst(times):.1f} ms.")


class Asked(NamedTuple):
    """Milliseconds in all, and of the newest 50 alone; how many there are."""

    whole: float
    newest: float
    found: str


def asked(log: Log, text: str, organization: str | None) -> Asked:
    """What the page asks for."""
    start = time.perf_counter()
    query = parse(text, NOW)
    page = find(log, query, organization=organization, seconds=10)
    newest = time.perf_counter()
    low, high = micros(query.since or BEGAN), micros(query.until or NOW)
    bars(page.counted, [low + (high - low) * n // BARS for n in range(BARS + 1)])
    end = time.perf_counter()
    return Asked((end - start) * 1000, (newest - start) * 1000, f"{page.count:,}{'+' if page.capped else ''}")


def narrowed(log: Log, text: str, organization: str | None) -> float:
    """What it asks for where somebody opens the lists of names. Milliseconds."""
    start = time.perf_counter()
    page = find(log, parse(text, NOW), organization=organization, limit=1, seconds=10)
    facets(log, page.counted, FACETS)
    return (time.perf_counter() - start) * 1000


def pages(log: Log, url: str, rounds: int) -> None:
    upkeep = Upkeep(log, url, [])
    app = create_app(log, viewer=lambda _: Viewer(actor=WHO), shell=None, refresh=lambda: None, upkeep=upkeep)
    with TestClient(app) as browser:
        times = [got(browser, query_of(log, text)) for _ in range(rounds) for text in QUERIES.values()]
    told = sorted(times)
    print(f"{len(told)} pages: median {statistics.median(told):.1f} ms, p95 {told[int(len(told) * 0.95)]:.1f} ms.")


def got(browser: TestClient, query: str) -> float:
    start = time.perf_counter()
    assert browser.get("/", params={"q": query}).status_code == 200
    return (time.perf_counter() - start) * 1000


def query_of(log: Log, text: str) -> str:
    size = log.head().size
    value = needle(size // 2 // NEEDLE * NEEDLE + NEEDLE // 2)
    return {"NEEDLE": value, "NEEDLE MIDDLE": f"new:{value[3:10]}"}.get(text, text)


def worst(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)] if len(times) >= 100 else max(times)


@contextmanager
def opened(url: str | None, entries: int) -> Iterator[Log]:
    with tempfile.TemporaryDirectory(prefix="bench", dir=".") as folder:
        url = url or f"sqlite:///{Path(folder).absolute()}/audit.db"
        try:
            log = Log.open(url, sign=False)
        except NotFoundError:
            log = filled(Log.create(url), entries)
        with log:
            timed("indexing what is not indexed", lambda: indexed(log))
            yield log


def filled(log: Log, entries: int) -> Log:
    coming = events(entries)
    while batch := list(islice(coming, 5000)):
        log.append(batch)
    return log


def indexed(log: Log) -> None:
    while log.blocks.advance():
        pass


def timed(what: str, work: Callable[[], None]) -> None:
    start = time.perf_counter()
    work()
    print(f"{what}: {time.perf_counter() - start:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
