"""A monitor that knows only the specification (c2sp.org/tlog-tiles) and the key reads the whole log over HTTP."""

import hashlib

import pytest

from indelible.merkle.checkpoint import Checkpoint
from indelible.publish.assurance import Assurance
from tests.checking import mth
from tests.store.test_log import happened
from tests.web.conftest import Open
from tests.world import World


def test_a_monitor_reads_entries_and_tiles_and_comes_to_the_signed_root(pages: Open, filled: World) -> None:
    filled.log.append(happened() for _ in range(300))
    client = pages()
    client.get("/audit/")  # what was captured is sealed
    note = client.get("/audit/checkpoint").text
    checkpoint = Checkpoint.open(note, filled.log.verifier)
    assert checkpoint.size > 300
    full, rest = divmod(checkpoint.size, 256)
    assert (full, rest > 0) == (1, True)
    entries = []
    for name, width in (("000", 256), (f"001.p/{rest}", rest)):
        answer = client.get(f"/audit/tile/entries/{name}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        data, lines = answer.content, []
        while data:
            length = int.from_bytes(data[:2], "big")
            lines.append(data[2 : 2 + length])
            data = data[2 + length :]
        assert len(lines) == width
        hashes = client.get(f"/audit/tile/0/{name}").content
        assert hashes == b"".join(hashlib.sha256(b"\0" + line).digest() for line in lines)
        entries += lines
    assert mth(entries) == checkpoint.root
    assert client.get("/audit/tile/1/000.p/1").content == mth(entries[:256])


def test_hashes_of_every_organization_are_for_who_sees_them_all(pages: Open, filled: World) -> None:
    filled.log.append(happened() for _ in range(3))
    for path, there in (("checkpoint", 200), ("consistency?from=1&to=3", 200), ("tile/0/000.p/3", 200)):
        assert pages().get(f"/audit/{path}").status_code == there
        assert pages("org_a").get(f"/audit/{path}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "0/001",
        "0/002",
        "entries/001",
        "1/000",
        "2/000.p/1",
        "0/000.p/0",
        "x",
        "",
        "0/000/",
        "0/0",
    ],
)
def test_what_is_no_tile_of_it_is_not_there(pages: Open, filled: World, path: str) -> None:
    filled.log.append(happened() for _ in range(300))
    answer = pages().get(f"/audit/tile/{path}")
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("assured", "said"),
    [
        (Assurance("witnessed", 1234, "witness.example/<w1>"), "1,234 witnessed by witness.example/&lt;w1&gt;"),
        (Assurance("anchored", 12, "/mnt/worm"), "12 anchored elsewhere"),
    ],
)
def test_the_page_says_how_sure_one_may_be(pages: Open, assured: Assurance, said: str) -> None:
    assert said in pages(assured=assured).get("/audit/").text
    assert said not in pages().get("/audit/").text
    assert said not in pages("org_a", assured=assured).get("/audit/").text
