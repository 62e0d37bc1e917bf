"""Whatever is typed, or sent past the keyboard: an answer, never a crash, never markup, never a lost character."""

from __future__ import annotations

import csv
import http.client
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus, urlencode, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.desk import Desk

SERVERS_LIMIT = 64 * 1024  # of uvicorn, for an address with its headers
SHOWN = 10_000  # characters of what was typed that are shown again
OURS = [f"/audit/static/{name}.js" for name in ("htmx.min", "audit", "proof")]
TEXTS = ("q", "since", "until")
NUMBERS = ("before", "after", "open")

NASTY = (
    "\0", "a\0b", "\r\nSet-Cookie: a=b", "\t", "\u200e\u202emoc.live", "\ufeff", "\ufffe", "🦊👩\u200d👩\u200d👧",
    "e\u0301", "𝔘𝔫𝔦", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'\"--", "{{7*7}}", "${7*7}",
    "%s%n", "../../etc/passwd", "=cmd()|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "*", "?[a-", "%", "_", "\\", "NaN",
    "'; DROP TABLE leaf; --", "1e999", "Infinity", "9" * 400, "-9223372036854775809", "0x10", "１２", "⁵", "0000-00-00",
    "9999-12-31", "99999d", "2026-02-30", "2026-01-01T00:00:00+99:99", '"', '""', "a:", ":", "-", "--", "action:",
    "user:*", "(", "since:7d until:8d", "a OR b",
)  # fmt: skip
RAW = (
    "%", "%f", "%zz", "%ff", "%c0%af", "%ed%a0%80", "%ed%a0%80%ed%b0%80", "%f0%9f%a6", "%00", "%u0041", "+", ";", "&&",
    "=%",
)  # fmt: skip
HUNG_UP = 0  # no status: the server closed on a request that was too much


class Reading(HTMLParser):
    """What a browser would make of a page: its elements, and the value of each field."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.values: dict[str, str] = {}
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given_ = dict(attrs)
        self.elements.add(tag)
        self.handlers += [name for name in given_ if name.startswith("on") or name in ("style", "srcdoc")]
        if tag == "script":
            self.scripts.append(given_.get("src") or "inline")
        if tag == "input":
            self.values[given_.get("name") or ""] = given_.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def check_harmless(self) -> None:
        assert [urlsplit(source).path for source in self.scripts] in ([], OURS)
        assert self.handlers == []
        assert not self.elements & {"img", "iframe", "object", "embed", "math", "base"}


@dataclass
class Answer:
    status: int
    content_type: str
    body: bytes

    @property
    def page(self) -> Reading:
        return Reading(self.body.decode())


@dataclass
class Sender:
    """Sends exactly the address it is given; a proper client would tidy it up first."""

    desk: Desk
    cookie: str

    def get(self, target: str) -> Answer:
        address = urlsplit(self.desk.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.putrequest("GET", target)
            connection.putheader("Cookie", f"portal_session={self.cookie}")
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers.get("content-type", ""), answer.read())
        except ConnectionError:
            return Answer(HUNG_UP, "", b"")
        finally:
            connection.close()

    def ask(self, path: str = "/audit/", **parameters: str) -> Answer:
        """Never a crash, and harmless whatever it is."""
        return self.harmless(f"{path}?{urlencode(parameters, errors='surrogatepass')}")

    def harmless(self, target: str) -> Answer:
        answer = self.get(target)
        assert answer.status < 500, target[:300]
        if answer.content_type.startswith("text/html"):
            answer.page.check_harmless()
        return answer


@pytest.fixture(scope="module")
def sender(desk: Desk) -> Iterator[Sender]:
    """And when all is done the log is whole."""
    with desk.signed_in() as owner:
        yield Sender(desk, owner.client.cookies["portal_session"])
    verified = desk.verify()
    assert verified.returncode == 0, verified.stderr


def kept(typed: str) -> str:
    """As the page shows it again: a box of one line has no line ends."""
    text = typed.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")
    return re.sub(r"\r\n?|\n", " ", text).strip()[:SHOWN]


@pytest.mark.parametrize("typed", NASTY)
def test_what_is_typed_is_answered_kept_and_never_markup(sender: Sender, typed: str) -> None:
    for field in TEXTS:
        answer = sender.ask(**{field: typed})
        assert answer.status in (200, 400)
        assert answer.page.values[field] == kept(typed)
    for field in NUMBERS:
        assert sender.ask(**{field: typed}).status == 200, "a number that is none counts as not given"
    for fold in ("open", "closed", typed):
        assert sender.ask("/audit/entry/3", row=fold, q=typed).status == 200
    assert sender.ask("/audit/export", format=typed).status == 400
    assert sender.ask("/audit/export", format="csv", q=typed).status in (200, 400)


@given(
    typed=st.fixed_dictionaries({}, optional={name: st.text(max_size=60) for name in (*TEXTS, *NUMBERS, "row", "x")}),
    number=st.integers(min_value=-(10**30), max_value=10**30),
)
@example(typed={"q": "a" * 1_001}, number=2**63)
@example(typed={"q": "-" + "*" * 999, "open": str(2**64)}, number=2**62)
@example(typed={"q": " ".join(["x"] * 33), "before": "0", "after": "9" * 18}, number=2**63 - 1)
@settings(max_examples=120, deadline=None)
def test_no_text_at_all_breaks_the_page(sender: Sender, typed: dict[str, str], number: int) -> None:
    answer = sender.ask(**typed)
    assert answer.status in (200, 400)
    assert {name: answer.page.values[name] for name in TEXTS if name in typed} == {
        name: kept(typed[name]) for name in TEXTS if name in typed
    }
    assert sender.ask(before=str(number), after=str(-number), open=str(number)).status == 200
    assert sender.harmless(f"/audit/entry/{number}").status in (200, 404)
    assert sender.harmless(f"/audit/entry/{number}?row=open").status in (200, 404)


@given(st.one_of(st.sampled_from(RAW), st.text("%0123456789abcdefuzED+&=;", max_size=12)))
@settings(max_examples=40, deadline=None)
def test_no_percent_sign_breaks_the_address(sender: Sender, raw: str) -> None:
    for field in (*TEXTS, *NUMBERS, "row", "format"):
        sender.harmless(f"/audit/?{field}={raw}")
    answer = sender.harmless(f"/audit/?q=x{raw}")
    if not set(raw) & set("&;"):
        assert answer.page.values["q"] == kept(unquote_plus(f"x{raw}", errors="replace"))
    sender.harmless(f"/audit/?{raw}={raw}")
    sender.harmless(f"/audit/entry/{raw}")
    sender.harmless(f"/audit/{raw}")


@pytest.mark.parametrize("size", [5_000, 60_000, 1_000_000])
@pytest.mark.parametrize("letter", ["x", "9", "%F0%9F%A6%8A", "*", "%22"])
def test_no_length_breaks_the_page(sender: Sender, letter: str, size: int) -> None:
    long = letter * (size // len(letter))
    answers = {200, 400, 404, 414, 431} | ({HUNG_UP} if size > SERVERS_LIMIT else set())
    for target in (
        *(f"/audit/?{field}={long}" for field in (*TEXTS, *NUMBERS)),
        f"/audit/export?format=csv&q={long}",
        f"/audit/export?format={long}",
        f"/audit/entry/{long}",
        f"/audit/entry/3?row={long}",
    ):
        assert sender.harmless(target).status in answers
    assert sender.get("/healthz").status == 200


NO_NUMBERS = ("1.5", "-1", "+1", "0x1", "１", "1e3", "", " ", "3/", "3%00", "..", "%2e%2e/portal.db", "9" * 5_000)


@pytest.mark.parametrize("name", NO_NUMBERS, ids=lambda name: name[:30])
def test_an_entry_that_is_none_is_not_there(sender: Sender, name: str) -> None:
    assert sender.harmless(f"/audit/entry/{quote(name, safe='%/')}").status in (307, 404)


NAMES = (
    "=cmd()|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1+1)*cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{7*7}}",
    "NULL", "</td></tr></table>", '"><svg onload=alert(1)>', "O'Brien; Ltd", "🦊 Fuchs & Söhne", "%00%0a",
    "ſt﹤script﹥", "e\u0301\u0327", "x" * 120,
)  # fmt: skip
# Letters that join or turn others, and have no width of their own: a family, a Persian word, a word from right to left.
JOINED = ("👩\u200d👩\u200d👧", "می\u200cخواهم", "\u202eevil\u202c")


@pytest.mark.parametrize("name", [*NAMES, *JOINED])
def test_a_hostile_name_is_exact_in_the_entry_escaped_on_the_page_and_safe_in_a_spreadsheet(
    desk: Desk, sender: Sender, name: str
) -> None:
    with desk.signed_in() as owner:
        organization = owner.organization(name)
        owner.post(f"/organizations/{organization}/name", name=f"{name[:100]} again")
        query = f"entity:Organization/{organization}"
        created, renamed = owner.entries(query)
        rows = list(csv.DictReader(owner.get("/audit/export", format="csv", q=query).text.splitlines()))
    assert created["changes"]["name"] == {"new": name}
    assert (created["entity"]["name"], created["organization"]["name"]) == (name, name)
    assert renamed["changes"] == {"name": {"old": name, "new": f"{name[:100]} again"}}
    cell = f"'{name}" if name[0] in "=+-@" else name
    assert (rows[0]["entity_name"], rows[0]["organization_name"]) == (cell, cell)
    for row in rows:
        assert not [value for value in row.values() if value.lstrip().startswith(("=", "+", "-", "@"))]
    listed = sender.ask(q=query, open=str(renamed["seq"])).page
    assert f"{name[:100]} again" in listed.text
    assert name in listed.text
    assert name in sender.ask(f"/audit/entry/{created['seq']}").page.text


PHRASES = [name for name in NAMES if '"' not in name]  # a phrase cannot hold a quote


@pytest.mark.parametrize("name", [*PHRASES, *JOINED])
def test_a_hostile_name_is_searched_for_as_it_is(desk: Desk, sender: Sender, name: str) -> None:
    with desk.signed_in() as owner:
        organization = owner.organization(name)
    assert organization in sender.ask(q=f'"{name}"').page.text
