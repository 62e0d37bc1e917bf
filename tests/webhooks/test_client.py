"""What a receiver may answer, in HTTP and out of it: each has an outcome, and none a hold on us."""

import asyncio
import datetime as dt
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.errors import AddressError
from indelible.webhooks.client import Client
from indelible.webhooks.connection import KEPT, READ
from indelible.webhooks.outcome import Answer
from indelible.webhooks.target import target_of

LOOPBACK = [ip_network("127.0.0.0/8")]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Far(NamedTuple):
    answers: list[Answer]
    connections: int


async def read(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
    return head + await reader.readexactly(size)


def talk(*replies: bytes, close: bool = False, posts: int = 1, seconds: float = 5.0) -> Far:
    """Each connection says these one after the other, one a request, and then perhaps ends."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            for reply in replies:
                await read(reader)
                writer.write(reply)
                await writer.drain()
            if not close:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run() -> list[Answer]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        async with Client(LOOPBACK, seconds=seconds) as client:
            answers = [await client.post(url, {"webhook-id": "m"}, b"{}") for _ in range(posts)]
        server.close()
        return answers

    return Far(asyncio.run(run()), connections)


TAKEN = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "chunks": (b"HTTP/1.1 202 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "a word before": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK, b"ok"),
    "an old version": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
    "what is packed": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", b"\x1f\x8b"),
}  # fmt: skip


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken(what: str) -> None:
    reply, body = TAKEN[what]
    (answer,) = talk(reply).answers
    assert (answer.failure, answer.body) == (None, body)


def test_what_says_nothing_of_its_length_ends_with_the_connection() -> None:
    (answer,) = talk(b"HTTP/1.1 200 OK\r\n\r\nok then", close=True).answers
    assert (answer.failure, answer.body) == (None, b"ok then")


REFUSED = {
    "silence": (b"", "the connection was lost"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", "the connection was lost"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "the connection was lost"),
    "half the chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", "the connection was lost"),
    "another language": (b"220 smtp.example.com ESMTP\r\n", "is not HTTP"),
    "no version of it": (b"HTTP/9.9 200 OK\r\n\r\n", "is not HTTP"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!", "is not HTTP"),
    "a switch": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "answered 101"),
    "an endless head": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "the head of the answer has more than"),
    "an endless line": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "the head of the answer has more than"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_answer(what: str) -> None:
    reply, failure = REFUSED[what]
    (answer,) = talk(reply, close=True).answers
    assert failure in str(answer.failure)


@settings(max_examples=30)
@given(st.binary(max_size=300))
def test_whatever_is_said_has_an_outcome(noise: bytes) -> None:
    for begins in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        (answer,) = talk(begins + noise, close=True, seconds=2.0).answers
        assert answer.failure or answer.status


def test_of_a_long_answer_the_beginning_is_enough() -> None:
    began = time.monotonic()
    body = b"x" * 5_000_000
    (answer,) = talk(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)).answers
    assert (answer.failure, answer.body) == (None, b"x" * KEPT)
    assert time.monotonic() - began < 2
    assert len(body) > READ


def test_a_connection_is_used_again_and_not_when_it_is_to_end() -> None:
    assert talk(OK, OK, OK, posts=3).connections == 1
    ends = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    far = talk(ends, close=True, posts=3)
    assert ([each.failure for each in far.answers], far.connections) == ([None] * 3, 3)


def test_one_that_was_closed_while_it_was_kept_costs_no_failure() -> None:
    """It was told to be kept, and is gone when it is used: another one is tried at once."""
    far = talk(OK, close=True, posts=4)
    assert [each.failure for each in far.answers] == [None] * 4
    assert far.connections == 4


def test_what_is_said_unasked_ends_the_connection() -> None:
    far = talk(OK + OK, OK, posts=2)
    assert [each.failure for each in far.answers] == [None, None]
    assert far.connections == 2


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's, signed by itself, for the address 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(
    ("certified", "trusted", "failure"),
    [
        ("127.0.0.1", True, None),
        ("127.0.0.1", False, "its certificate cannot be trusted"),
        ("127.0.0.2", True, "its certificate cannot be trusted"),
    ],
)
def test_tls_is_verified(tmp_path: Path, certified: str, trusted: bool, failure: str | None) -> None:  # noqa: FBT001 - a column
    context = certificate(tmp_path, certified)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read(reader)
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def run() -> Answer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        ours = ssl.create_default_context(cafile=str(tmp_path / "server.pem")) if trusted else None
        async with Client(LOOPBACK, tls=ours) as client:
            answer = await client.post(url, {}, b"{}")
        server.close()
        return answer

    answer = asyncio.run(run())
    assert (answer.status == 200) == (failure is None)
    assert (failure or "") in str(answer.failure or "")


@pytest.mark.parametrize(
    ("url", "host", "head"),
    [
        ("https://X.test/a b?x=1&y=%20", "x.test", "POST /a%20b?x=1&y=%20 HTTP/1.1\r\nHost: x.test\r\n"),
        ("https://bü.test:8443", "xn--b-eha.test", "POST / HTTP/1.1\r\nHost: xn--b-eha.test:8443\r\n"),
        ("http://[::1]:80/ü", "::1", "POST /%C3%BC HTTP/1.1\r\nHost: [::1]\r\n"),
    ],
)  # fmt: skip
def test_the_head_of_a_request(url: str, host: str, head: str) -> None:
    target = target_of(url)
    assert target.host == host
    assert target.head.decode().startswith(head)


@given(st.text(max_size=60))
def test_no_url_puts_a_line_of_its_own_into_the_head(text: str) -> None:
    for url in (f"https://x.test/{text}", f"https://x.test/?{text}", f"https://{text}/"):
        with suppress(AddressError):
            head = target_of(url).head.decode()
            assert len(head.split("\r\n")) == 5
            assert head.count("\n") == 4
            assert " " not in head.split("\r\n")[0].removeprefix("POST ").removesuffix(" HTTP/1.1")
