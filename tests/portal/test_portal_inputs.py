"""What comes from outside: bounded, typed, never a crash, and what was typed is kept."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from datetime import date
from html import escape, unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import inputs
from portal.errors import InvalidError
from portal.inputs import SHOWN_LENGTH, Form, Inputs
from portal.models import License
from tests.portal.northdesk import settings_form, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.portal.northdesk import Browser, Desk

ANYTHING = st.text() | st.text(alphabet="0123456789-+eE. \t\0\r\n\u2028\u202e\ufeff<>&\"'@=%🦊ß", max_size=40)


@given(ANYTHING)
def test_a_name_is_one_printable_line_or_a_complaint(typed: str) -> None:
    with suppress(InvalidError):
        name = inputs.name(typed, "The name")
        assert name == typed.strip()
        assert 0 < len(name) <= 120
        assert len(name.splitlines()) == 1
        assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)


@given(ANYTHING)
def test_numbers_dates_and_addresses_are_read_or_refused(typed: str) -> None:
    first, last = date(2026, 1, 1), date(2126, 1, 1)
    readers: list[tuple[Callable[[], Any], Callable[[Any], bool]]] = [
        (lambda: inputs.whole(typed, "The number", 1, 720), lambda number: 1 <= number <= 720),
        (lambda: inputs.day(typed, "The day", first, last), lambda day: first <= day <= last),
        (lambda: inputs.email_address(typed), lambda address: "@" in address and address.isascii()),
        (lambda: inputs.choice(typed, "The plan", ("free",)), lambda plan: plan == "free"),
        (lambda: inputs.paragraph(typed, "The notice", 50), lambda text: len(text) <= 50),
        (lambda: inputs.password(typed), lambda password: password == typed),
    ]
    for read, holds in readers:
        with suppress(InvalidError):
            assert holds(read())


@given(st.binary(max_size=200))
def test_any_body_is_a_form(body: bytes) -> None:
    form = Form.parse(body)
    for name in form.values:
        assert form.shown(name).encode("utf-8").decode("utf-8") == form.shown(name)


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=30), max_size=5))
def test_a_form_is_read_as_it_was_typed(typed: dict[str, str]) -> None:
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in typed.items())
    assert Form.parse(body.encode()).values == (typed or {"": ""})


@pytest.mark.parametrize(
    "address", ["kim@acme.test", "k.h+tag@a-b.acme.test", "KIM@ACME.TEST", "a" * 64 + "@acme.test", "o'neil@acme.test"]
)
def test_addresses_that_are_taken(address: str) -> None:
    assert inputs.email_address(f" {address} ") == address


@pytest.mark.parametrize(
    "address",
    ["", "kim", "kim@", "@acme.test", "kim@acme", "kim@acme..test", "k m@acme.test", "kim@acme.test\nBcc: a@b.test",
     "kim@-acme.test", "kïm@acme.test", "a" * 65 + "@acme.test", "kim@" + "a." * 130 + "test", "kim@acme.test\0"],
)  # fmt: skip
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(InvalidError):
        inputs.email_address(address)


def test_all_that_is_wrong_is_said_at_once() -> None:
    reader = Inputs(Form({"name": "\0", "plan": "gold"}))
    reader.name("name", "The name")
    reader.choice("plan", "The plan", ("free",))
    with pytest.raises(InvalidError) as caught:
        reader.check()
    assert set(caught.value.fields) == {"name", "plan"}


# Every form with every field of it: (page, form with good values).
FORMS: dict[str, dict[str, str]] = {
    "/sign-in": {"email": "kim@acme.test", "password": "a fine password", "next": "/"},
    "/organizations/new": {"name": "Acme", "plan": "free"},
    "/organizations/{org}/name": {"name": "Acme"},
    "/organizations/{org}/plan": {"plan": "team"},
    "/users/new": {"email": "kim@acme.test", "role": "auditor", "organization_id": ""},
    "/users/{user}/name": {"name": "Kim"},
    "/users/{user}/role": {"role": "auditor"},
    "/licenses/new": {"organization_id": "{org}", "product": "Vault", "expires_on": ""},
    "/licenses/{license}/product": {"product": "Vault"},
    "/licenses/{license}/assign": {"assignee_id": "{user}"},
    "/licenses/{license}/renew": {"expires_on": "2030-01-01"},
    "/configuration/{config}": settings_form(),
    "/configuration/new": settings_form(organization_id="{org}"),
    "/account/password": {"current_password": "x", "new_password": "a fine password"},
}
CASES = [(path, name) for path, form in FORMS.items() for name in form]
TEXT_INPUTS = {"name", "product", "email", "expires_on", "session_hours", "invitation_days", "license_term_days"}


@pytest.fixture
def browser(desk: Desk) -> Browser:
    return desk.signed_in()


@pytest.fixture
def ids(desk: Desk) -> dict[str, str]:
    organization = desk.organization()
    license_ = License(organization_id=organization, product="Vault", license_key="k", expires_on=date(2029, 1, 1))
    return {
        "org": organization,
        "user": desk.user("max@acme.test", "auditor", organization),
        "license": desk.add(license_),
        "config": desk.platform().id,
    }


NASTY = [
    "",
    " ",
    "\0",
    "a\0b",
    "\x1b[31m",
    "line\nline",
    "\u2028",
    "\u202e",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE users; --",
    "🦊" * 60,
    "ß" * 121,
    "x" * 100_000,
    "{{ 7*7 }}",
    "-1",
    "1e999",
    "NaN",
    "9" * 400,
    "9999-99-99",
    "0001-01-01",
    "null",
]


@pytest.mark.parametrize(("path", "name"), CASES)
def test_no_field_of_any_form_can_break_the_portal(browser: Browser, ids: dict[str, str], path: str, name: str) -> None:
    form = {key: value.format(**ids) for key, value in FORMS[path].items()}
    for typed in NASTY:
        answer = browser.post(path.format(**ids), **form | {name: typed})
        assert answer.status_code in (200, 303, 409, 422, 429), (typed[:30], answer.status_code)
        if answer.status_code in (409, 422) and name in TEXT_INPUTS:
            shown = (
                escape(typed.replace("\0", "\ufffd")[:SHOWN_LENGTH])
                .replace("&quot;", "&#34;")
                .replace("&#x27;", "&#39;")
            )
            assert f'value="{shown}"' in answer.text, typed[:30]
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


@pytest.mark.parametrize(("path", "name"), CASES)
def test_bad_utf8_in_any_field_is_said_beside_it(browser: Browser, ids: dict[str, str], path: str, name: str) -> None:
    form = {key: quote_plus(value.format(**ids)) for key, value in FORMS[path].items()} | {name: "ab%FF%C0cd"}
    body = "&".join(f"{key}={value}" for key, value in form.items())
    answer = browser.raw(path.format(**ids), body.encode())
    assert answer.status_code in (200, 303, 409, 422, 429)
    if name in TEXT_INPUTS and path != "/sign-in":
        assert "This is not readable text (UTF-8)." in text(answer)
        assert 'value="ab\ufffd\ufffdcd"' in unescape(answer.text)


@pytest.mark.parametrize("path", FORMS)
def test_an_empty_and_a_flooded_form_are_answered(browser: Browser, ids: dict[str, str], path: str) -> None:
    for body in (b"", b"&&&===", b"name=" * 5000, b"%=%&%zz=%zz", b"\xff\x00=\xfe"):
        assert browser.raw(path.format(**ids), body).status_code in (303, 409, 422)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=ANYTHING, plan=ANYTHING)
def test_a_name_is_shown_as_typed_or_refused_and_kept(browser: Browser, name: str, plan: str) -> None:
    name = name.encode("utf-8", "ignore").decode()
    plan = "free" if len(plan) % 2 else plan.encode("utf-8", "ignore").decode()
    answer = browser.post("/organizations/new", name=name, plan=plan)
    assert answer.status_code in (303, 422)
    if answer.status_code == 303:
        page = browser.get(answer.headers["location"]).text
        assert f"<h1>{escape(name.strip())}</h1>" in page.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
