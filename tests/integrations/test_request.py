"""What headers claim, and what is believed of it."""

import ipaddress
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indelible.errors import UsageError
from indelible.integrations.request import Proxies, nodes, request_id

TRUSTED = ["10.0.0.0/8", "fd00::/8"]
HEADERS = ["X-Forwarded-For", "Forwarded", "X-Real-IP", ""]

networks = st.sampled_from([ipaddress.ip_network(name) for name in TRUSTED])
proxies = networks.flatmap(lambda network: st.ip_addresses(network=network))
strangers = st.ip_addresses().filter(
    lambda address: not re.match(r"10\.|fd|::ffff:", str(address)) and getattr(address, "ipv4_mapped", None) is None
)
# Everything that a header may hold, and often what means something in one.
claims = st.text(st.sampled_from(' ,;="\\[]:.for1209abf%_') | st.characters(max_codepoint=255), max_size=60)


def client(peer: str | None, header: str, value: str, trusted: list[str] | str = TRUSTED) -> str | None:
    return Proxies(trusted).client(peer, nodes(header, value))


@st.composite
def seen(draw: st.DrawFn, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An address as a proxy spells it in X-Forwarded-For."""
    port = draw(st.sampled_from(["", ":80", ":65535"]))
    if address.version == 4 and draw(st.booleans()):
        address = ipaddress.IPv6Address(f"::ffff:{address}")
    if address.version == 4:
        return f"{address}{port}"
    return f"[{address}]{port}" if port or draw(st.booleans()) else str(address)


@st.composite
def element(draw: st.DrawFn, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Likewise in Forwarded; `host` is what the client sent, escaped as it must be."""
    host = re.sub(r'(["\\])', r"\\\1", draw(claims))
    told = draw(seen(address))
    pairs = [f'{draw(st.sampled_from(["for", "For"]))}="{told if "[" in told or "." in told else f"[{told}]"}"']
    pairs += draw(
        st.lists(st.sampled_from([f'host="{host}"', "proto=https", "by=_hidden", 'by="[::1]:1"']), unique=True)
    )
    return draw(st.sampled_from([";", " ; "])).join(draw(st.permutations(pairs)))


@given(claims | st.none(), st.sampled_from(HEADERS), claims)
def test_no_header_and_no_peer_is_an_error(peer: str | None, header: str, value: str) -> None:
    found = client(peer, header, value, [*TRUSTED, "unix"])
    assert found is None or found == peer or str(ipaddress.ip_address(found)) == found


@given(strangers, st.sampled_from(HEADERS), claims)
def test_a_peer_that_is_no_proxy_is_the_client_whatever_it_claims(
    peer: ipaddress.IPv4Address, header: str, value: str
) -> None:
    assert client(str(peer), header, value) == str(peer)


@given(st.data(), strangers, st.lists(proxies, min_size=1, max_size=4), claims)
def test_what_a_client_makes_up_is_never_its_address(
    data: st.DataObject, stranger: ipaddress.IPv4Address, hops: list[ipaddress.IPv4Address], claim: str
) -> None:
    """Each proxy appends whom it saw to what it was given; the first was given the client's own claim."""
    for header, spelled in (("X-Forwarded-For", seen), ("Forwarded", element)):
        value = claim
        for saw in [stranger, *hops[:-1]]:
            value += ("," if value else "") + data.draw(st.sampled_from(["", " "])) + data.draw(spelled(saw))
        assert client(str(hops[-1]), header, value) == str(stranger), (header, value)


BELIEVED = [
    ("203.0.113.9", "X-Forwarded-For", "203.0.113.9"),
    ("203.0.113.9", "X-Forwarded-For", "203.0.113.9:4711"),
    ("203.0.113.9", "X-Forwarded-For", "::ffff:203.0.113.9"),
    ("203.0.113.9", "X-Forwarded-For", "1.1.1.1, 203.0.113.9 ,10.1.1.1"),
    ("203.0.113.9", "X-Forwarded-For", "for=1.1.1.1, 203.0.113.9"),
    ("2001:db8::1", "X-Forwarded-For", "2001:DB8:0::1"),
    ("2001:db8::1", "X-Forwarded-For", "[2001:db8::1]:443,\t10.0.0.1"),
    ("2001:db8::1", "Forwarded", 'for="[2001:db8::1]:4711"'),
    ("192.0.2.60", "Forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43"),
    ("192.0.2.60", "Forwarded", "for=1.1.1.1, FOR=192.0.2.60;proto=http, for=10.2.2.2"),
    ("192.0.2.60", "Forwarded", 'for=192.0.2.60;host="a, for=1.1.1.1"'),
    ("192.0.2.60", "Forwarded", r'x="\", for=192.0.2.60;host="\"; for=1.1.1.1; \\"'),
    ("203.0.113.9", "X-Real-IP", "203.0.113.9"),
    # The walk ends where something cannot be read: the nearest proxy is what is known.
    ("10.9.9.9", "X-Forwarded-For", ""),
    ("10.9.9.9", "X-Forwarded-For", "203.0.113.9, unknown"),
    ("10.9.9.9", "X-Forwarded-For", "203.0.113.9,"),
    ("10.9.9.9", "X-Forwarded-For", "203.0.113.999"),
    ("10.9.9.9", "X-Forwarded-For", "203.0.113.09"),
    ("10.9.9.9", "X-Forwarded-For", "fe80::1%eth0"),
    ("10.1.1.1", "X-Forwarded-For", "203.0.113.9, _, 10.1.1.1"),
    ("10.9.9.9", "Forwarded", "for=unknown"),
    ("10.9.9.9", "Forwarded", "for=_hidden;proto=http"),
    ("10.9.9.9", "Forwarded", "for=1.1.1.1;for=2.2.2.2"),
    ("10.9.9.9", "Forwarded", 'for=1.1.1.1;broken"'),
    ("10.9.9.9", "Forwarded", "proto=http"),
    ("10.1.1.1", "X-Forwarded-For", "10.1.1.1, 10.2.2.2"),
]


@pytest.mark.parametrize(("found", "header", "value"), BELIEVED)
def test_a_proxy_is_believed_as_far_as_it_can_be_read(found: str, header: str, value: str) -> None:
    assert client("10.9.9.9", header, value) == found
    assert client("::ffff:10.9.9.9", header, value) == found


def test_nobody_is_believed_unless_named() -> None:
    assert client("10.9.9.9", "X-Forwarded-For", "203.0.113.9", []) == "10.9.9.9"
    assert client(None, "X-Forwarded-For", "203.0.113.9") is None
    assert client("", "X-Forwarded-For", "203.0.113.9") is None
    assert client("testclient", "X-Forwarded-For", "203.0.113.9", [*TRUSTED, "unix"]) == "testclient"


def test_a_proxy_on_a_unix_socket_is_named_unix() -> None:
    for peer in (None, ""):
        assert client(peer, "X-Forwarded-For", "203.0.113.9", ["unix"]) == "203.0.113.9"
        assert client(peer, "X-Forwarded-For", "1.1.1.1, 203.0.113.9, 10.0.0.1", "unix, 10.0.0.0/8") == "203.0.113.9"


@pytest.mark.parametrize("name", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8;::1"])
def test_a_proxy_that_cannot_be_named_so_is_refused_with_a_remedy(name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(name)) + r".*Give 192\.0\.2\.7"):
        Proxies(["::1", name])


def test_a_long_header_is_read_in_no_time() -> None:
    for value in (r"\"" * 32_000 + '"', '"' * 65_001, "\\" * 65_000 + '"', "for=10.0.0.1," * 5_000, '=";' * 20_000):
        begin = time.perf_counter()
        client("10.9.9.9", "Forwarded", value)
        client("10.9.9.9", "Forwarded", value + ", for=10.1.1.1")
        assert time.perf_counter() - begin < 1


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9._:=/+-]{1,130}", fullmatch=True))
def test_a_request_id_is_safe_to_repeat(text: str) -> None:
    given_, made = request_id(text), request_id(text)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:=/+-]{0,127}", given_)
    assert (given_ == text) == (given_ == made)


@pytest.mark.parametrize("bad", ["", " a", "a\n", "a\r\nb", "a,b", "x" * 129, "é", "<b>", "-1", "=1", "a b", "٣"])
def test_a_request_id_that_is_not_well_formed_is_made_anew(bad: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", request_id(bad))


@pytest.mark.parametrize("good", ["7", "x" * 128, "Root=1-67891233-abcdef", "00-4bf92f35-00f067aa-01", "a/b:c+d_e.f"])
def test_a_well_formed_request_id_is_kept(good: str) -> None:
    assert request_id(good) == good
