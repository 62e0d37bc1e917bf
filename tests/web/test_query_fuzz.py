"""Whatever is typed into the search bar: an answer, in time, and nothing of another organization.

INDELIBLE_FUZZ=100000 is the long run.
"""

import os
import re
import time
from random import Random

import pytest

from indelible.event import Actor, Entity, Organization, read
from indelible.index import blocks
from indelible.search.query import KEYS
from tests.checking import indexed
from tests.store.test_log import happened
from tests.web.conftest import Open
from tests.world import World

COUNT = int(os.environ.get("INDELIBLE_FUZZ", "300"))
SECONDS = 2.0  # of one page: far more than it takes, far less than a search that hangs
TYPED, UNTOLD = "zanzibar", "quagga"  # both are Globex's; one is searched for, the other is not to be seen
THEIRS = f"{TYPED} {UNTOLD}"
WORDS = [
    "dana", "acme", TYPED, "License", "lic_9", "u1", "system", "*", "a*b*c", "*" * 40, '"', '""', "-", "--", ":", "/",
    "License/lic_9", "7d", "2026-11-01", "yesterday", "'", "\\", "%", "_", "é", "ß", "😀", "\u202e", "x" * 300, "0",
    "1e999", "{}", "[", "<script>", "&amp;", "NULL", "old", "ﬁ", "\u0130", ".", "\t", "since", "org:acme", "(a|b)",
]  # fmt: skip


@pytest.fixture
def log(filled: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Half of it in blocks; what Globex has is called by a word that nobody else may see."""
    monkeypatch.setattr(blocks, "SIZES", (64, 32, 8))
    names = ["Dana Lee", "Kim", 'a"b', "ß ﬁ", "*", "x" * 200]
    for half in range(2):
        filled.log.append(
            happened(
                actor=Actor(id=f"u{n % 5}", name=THEIRS if n % 3 == 0 else names[n % 6]),
                entity=Entity("License", f"lic_{n % 9}", THEIRS if n % 3 == 0 else names[n % 6]),
                organization=Organization("org_g", THEIRS) if n % 3 == 0 else Organization("org_a", "Acme"),
                changes={"plan": {"old": names[n % 5], "new": THEIRS if n % 3 == 0 else names[n % 4]}},
            )
            for n in range(60)
        )
        if half == 0:
            indexed(filled.log)
    return filled


def typed(random: Random) -> str:
    def term() -> str:
        key = random.choice([*KEYS, "", "", "actoin", "OLD"])
        value = (
            random.choice(WORDS) if random.random() < 0.8 else "".join(chr(random.randrange(0x2FFF)) for _ in range(4))
        )
        return f"{'-' * (random.random() < 0.2)}{key}{':' if key else ''}{value}"

    text = " ".join(term() for _ in range(random.randrange(6)))
    if random.random() < 0.3 and text:
        at = random.randrange(len(text))
        text = text[:at] + random.choice(WORDS)[:3] + text[at + random.randrange(3) :]
    return text


def test_any_search_is_answered_and_shows_nobody_else_s_entries(pages: Open, log: World) -> None:
    random, client, longest = Random(7), pages("org_a"), 0.0  # noqa: S311 - the same at every run
    client.get("/audit/?q=")
    entries = [read(line) for _, _, line in log.log.leaves(0, 999)]
    own = {f"e{entry.seq}" for entry in entries if entry.organization and entry.organization.id == "org_a"}
    for number in range(COUNT):
        text = typed(random)
        where = random.choice(["/audit/", "/audit/", "/audit/suggest"])
        given = {"q": text} | ({"since": random.choice(WORDS)} if random.random() < 0.1 else {})
        start = time.monotonic()
        answer = client.get(where, params=given)
        longest = max(longest, time.monotonic() - start)
        assert answer.status_code in (200, 400), (number, text, answer.status_code)
        assert UNTOLD not in answer.text, (number, text)
        assert {*re.findall(r'<tbody[^>]* id="(e\d+)"', answer.text)} <= own, (number, text)
    assert longest < SECONDS
