"""What is packed comes out as it went in, or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from indelible.api.coding import LARGE, Packing, unpack
from indelible.api.problems import ProblemError
from tests.packing import PACK, UNPACK, zstd_of_window

MOST = 5000


@given(coding=st.sampled_from(sorted(PACK)), body=st.binary(max_size=MOST))
def test_a_body_of_the_largest_size_comes_out_whole(coding: str, body: bytes) -> None:
    assert unpack(coding, PACK[coding](body), MOST) == body


@given(coding=st.sampled_from(sorted(PACK)), size=st.integers(MOST + 1, 10**6))
def test_of_one_that_is_larger_no_more_is_unpacked_than_shows_it(coding: str, size: int) -> None:
    assert len(unpack(coding, PACK[coding](b" " * size), MOST)) == MOST + 1


@given(coding=st.sampled_from(sorted(PACK)), body=st.binary(max_size=200))
def test_any_other_bytes_are_refused(coding: str, body: bytes) -> None:
    with pytest.raises(ProblemError) as refused:
        unpack(coding, body, MOST)
    assert refused.value.status == 400


def test_a_frame_that_asks_for_more_memory_than_the_coding_allows_is_refused() -> None:
    """RFC 9659: 8 MB."""
    assert len(unpack("zstd", zstd_of_window(23, b" " * 2**25), 2**26)) == 2**25
    with pytest.raises(ProblemError):
        unpack("zstd", zstd_of_window(24, b" " * 2**25), 2**26)


def whole(_request: Request) -> Response:
    return Response(b"x" * LARGE, media_type="text/plain")


def parts(_request: Request) -> Response:
    return StreamingResponse((b"x" * 1000 for _ in range(100)), media_type="text/plain")


def packed(_request: Request) -> Response:
    return Response(b"x" * LARGE, headers={"Content-Encoding": "br"})


app = Starlette(
    routes=[Route("/whole", whole), Route("/parts", parts), Route("/packed", packed)], middleware=[Middleware(Packing)]
)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "zstd"), ("gzip", "gzip"), ("ZSTD;q=0.1, gzip;q=1", "zstd"),
        ("zstd;q=0, gzip", "gzip"), ("zstd; q=0.000 , gzip; q=0.", None), ("identity", None), ("", None), ("br", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("path", "size"), [("/whole", LARGE), ("/parts", 100_000)])
def test_an_answer_is_packed_as_the_one_who_asks_takes_it(
    path: str, size: int, accepted: str, chosen: str | None
) -> None:
    with TestClient(app) as browser, browser.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == chosen
    assert answer.headers["vary"] == "Accept-Encoding"
    assert UNPACK[chosen](raw) == b"x" * size
    assert chosen is None or len(raw) < size / 10


def test_what_is_packed_already_is_left_as_it_is() -> None:
    with TestClient(app).stream("GET", "/packed", headers={"Accept-Encoding": "zstd"}) as answer:
        assert (answer.headers["content-encoding"], len(b"".join(answer.iter_raw()))) == ("br", LARGE)
