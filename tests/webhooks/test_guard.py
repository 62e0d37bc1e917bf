"""No address inside is ever connected to: whatever the URL, whatever its name resolves to, and whenever."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import AddressError, UsageError
from indelible.webhooks.client import Client
from indelible.webhooks.endpoint import check_url
from indelible.webhooks.guard import Guard, is_public, networks, system_resolve
from indelible.webhooks.outcome import Answer
from tests.webhooks.dns_server import dns_server
from tests.webhooks.receiver import Answer as Reply
from tests.webhooks.receiver import Receiver

INSIDE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "0.0.0.0", "0.1.2.3", "192.0.0.192", "192.0.2.1", "192.88.99.1",  # noqa: S104 - not to be bound to
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
]  # fmt: skip
INSIDE_6 = [
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "100::1", "5f00::1",
    "64:ff9b:1::7f00:1", "::7f00:1", "::a00:1", "4000::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1",
    "198.17.255.255",
    "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2001:200::1",
    "2001:4860::8888",
]  # fmt: skip


def spellings(address: str) -> list[str]:
    """Of an IPv4 address: all that some resolver, somewhere, takes for it."""
    packed = IPv4Address(address).packed
    number, (a, b, c, d) = int.from_bytes(packed), packed
    return [
        address, str(number), hex(number), f"0{number:o}", f"{a}.{(b << 16) + (c << 8) + d}", f"{a}.{b}.{(c << 8) + d}",
        ".".join(f"0{each:o}" for each in packed), ".".join(hex(each) for each in packed),
        ".".join(f"{each:03}" for each in packed), f"{address}.", f"[::ffff:{address}]", f"[::{address}]",
        f"[64:ff9b::{address}]", f"[::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}]", f"[0:0:0:0:0:ffff:{address}]",
        address.replace(".", "。"), address.replace(".", "．"),
        "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in address),
        f"%{ord(address[0]):02x}{address[1:]}",
    ]  # fmt: skip


def hostile(port: int) -> list[str]:
    hosts = [each for address in INSIDE for each in spellings(address)]
    hosts += [f"[{address}]" for address in INSIDE_6] + [
        "[fe80::1%25lo]",
        "[::1%25lo]",
        "localhost",
        "LOCALHOST.",
        "ip6-localhost",
    ]
    urls = [f"{('http', 'https')[number % 2]}://{host}:{port}/" for number, host in enumerate(hosts)]
    tricks = [
        "http://user@127.0.0.1", "http://example.com@127.0.0.1", "http://127.0.0.1#@example.com", "http:127.0.0.1",
        "http://127.0.0.1\\@example.com", "http:///127.0.0.1", "//127.0.0.1", "file:///etc/passwd", "gopher://127.0.0.1",
        "ftp://127.0.0.1", "http://[::1", "http://", "https://", "", "http://127.0.0.1:99999", "http://\t127.0.0.1",
        "http://127.0.0.1\r\nHost: x", "unix:///run/docker.sock", "data:text/plain,x", "http://0", "http://[::]",
        "http://127.1", "http://127.0.1", "http://0x7f.1", "http://017700000001",
    ]  # fmt: skip
    return urls + [
        trick.replace("127.0.0.1", f"127.0.0.1:{port}", 1) if ":9" not in trick else trick for trick in tricks
    ]


def tried(urls: Sequence[str], **options: object) -> list[Answer]:
    async def run() -> list[Answer]:
        async with Client(seconds=5, **options) as client:  # type: ignore[arg-type]
            return [await client.post(url, {}, b"{}") for url in urls]

    return asyncio.run(run())


@pytest.fixture
def listener() -> Iterator[list[object]]:
    """Whoever connects to any address of this machine, on one port, in either family."""
    seen: list[object] = []
    sockets: list[socket.socket] = []
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104 - that is the point
        made = socket.socket(family)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with suppress(OSError):  # a machine without IPv6
            made.bind((address, sockets[0].getsockname()[1] if sockets else 0))
            made.listen(64)
            sockets.append(made)

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, sender = listening.accept()
                seen.append(sender)
                connection.close()

    threads = [threading.Thread(target=accept, args=(each,)) for each in sockets]
    for thread in threads:
        thread.start()
    seen.append(sockets[0].getsockname()[1])
    yield seen
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
    for thread in threads:
        thread.join()


def test_no_hostile_url_leads_to_a_connection(listener: list[object]) -> None:
    port = listener[0]
    assert isinstance(port, int)
    urls = hostile(port)
    assert len(urls) >= 500
    for url, answer in zip(urls, tried(urls), strict=True):
        assert answer.status is None, url
        assert answer.failure, url
    assert listener == [port], "somebody connected"
    # The listener does see who connects.
    with socket.create_connection(("127.0.0.1", port)):
        pass
    until = time.monotonic() + 5
    while len(listener) == 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(listener) == 2


def test_a_name_that_is_rebound_is_checked_at_each_attempt(receiver: Receiver) -> None:
    """First public, so that it may be added and tried; then ours. And both at once, in either order."""

    def answers(name: str, asked: int) -> Sequence[str]:
        return {
            "rebinds.test": ["203.0.114.9"] if asked == 0 else ["127.0.0.1"],
            "alternates.test": ["203.0.114.9", "127.0.0.1"] if asked % 2 else ["127.0.0.1", "203.0.114.9"],
            "mapped.test": ["::ffff:127.0.0.1"],
            "six.test": ["::1"],
            "inside.test": ["10.0.0.7"],
        }.get(name, [])

    names = ["alternates.test", "mapped.test", "six.test", "inside.test"]
    with dns_server(answers) as server:
        asyncio.run(server.resolve("rebinds.test", 443))  # somebody looked at it when it was added
        urls = [
            f"{scheme}://{name}:{receiver.port}/"
            for name in [*names, "rebinds.test"] * 3
            for scheme in ("http", "https")
        ]
        for url, answer in zip(urls, tried(urls, resolve=server.resolve), strict=True):
            assert answer.status is None, url
            assert "To reach a receiver inside" in str(answer.failure), (url, answer)
        (missing,) = tried([f"https://nowhere.test:{receiver.port}/"], resolve=server.resolve)
        assert missing.failure == "the name cannot be resolved"
    assert receiver.connections == 0


def test_a_name_that_leads_to_an_allowed_network_is_reached_in_the_clear(receiver: Receiver) -> None:
    with dns_server(lambda name, _: ["127.0.0.1"] if name == "inside.test" else []) as server:
        url = f"http://inside.test:{receiver.port}/hook"
        (answer,) = tried([url], resolve=server.resolve, allowed=[ip_network("127.0.0.0/8")])
        assert answer.status == 200
        assert receiver.got[0].headers["host"] == f"inside.test:{receiver.port}"
        (refused,) = tried([url], resolve=server.resolve, allowed=[ip_network("10.0.0.0/8")])
        assert "not in a network that plain http may go to" in str(refused.failure)
    assert receiver.connections == 1


def test_neither_a_redirect_nor_a_proxy_of_the_environment_leads_elsewhere(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    receiver.behave = lambda _n, _m: Reply(302, f"Location: {receiver.url}/elsewhere\r\n")
    (answer,) = tried([receiver.url], allowed=[ip_network("127.0.0.0/8")])
    assert answer.status == 302
    assert [each.path for each in receiver.got] == ["/hook"]


@pytest.mark.parametrize("address", INSIDE + INSIDE_6)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(AddressError):
        Guard().check(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_on_the_internet_is_public(address: str) -> None:
    assert Guard().check(address) == address
    with pytest.raises(AddressError, match="plain http"):
        Guard(public=False).check(address)


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_as_public_as_it_is_by_itself(address: IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_public(ip_address(f"{prefix}{address}")) == is_public(address)
    assert not (is_public(address) and not address.is_global), "the standard library knows better"


def test_a_network_that_is_named_is_allowed_and_its_neighbours_are_not() -> None:
    guard = Guard(networks({"INDELIBLE_WEBHOOK_ALLOW": "10.1.0.0/16, fd00:1::/64,"}))
    assert guard.check("10.1.2.3") == "10.1.2.3"
    assert guard.check("::ffff:10.1.2.3")
    assert guard.check("fd00:1::7")
    for address in ("10.2.0.1", "fd00:2::7", "127.0.0.1", "fe80::1%eth0"):
        with pytest.raises(AddressError):
            guard.check(address)
    assert networks({}) == ()
    with pytest.raises(UsageError, match="INDELIBLE_WEBHOOK_ALLOW"):
        networks({"INDELIBLE_WEBHOOK_ALLOW": "10.1.0.1/16"})


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.com", "ftp://x.test", "https://", "https://user@x.test", "https://user:secret@x.test",
        "https://x.test/#part", "https://x.test:0/", "https://x.test:99999/", "https://x .test/", "https://x.test/\n",
        "https://[::1", "https://x.test/" + "a" * 2048, "https://x.test\\@y.test", "javascript:alert(1)", "https:///x",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(AddressError) as refused:
        check_url(f"{url}\x00" if url == "https://x.test/\n" else url)
    assert "secret" not in str(refused.value)


def test_a_name_server_that_is_silent_keeps_nobody_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [silent.wait(30)][:0])

    async def asked() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(system_resolve("receiver.test", 443), 0.1)

    began = time.monotonic()
    asyncio.run(asked())
    silent.set()
    assert time.monotonic() - began < 10


def test_what_the_machine_resolves_is_told_once_each_and_what_it_cannot_is_an_error() -> None:
    assert "127.0.0.1" in asyncio.run(system_resolve("localhost", 80))
    for name in ("nothing.invalid", "x" * 70, "a..b"):
        with pytest.raises((OSError, UnicodeError)):
            asyncio.run(system_resolve(name, 80))
