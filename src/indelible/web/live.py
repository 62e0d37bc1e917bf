"""Entries as they are signed, as server-sent events (HTML, 9.2). An event's id is its sequence number.

    id: 48212
    data: {"v":1,"seq":48212,...}

A browser that was cut off comes back with `Last-Event-ID` and hears of what it missed, however long that was. What does
not fit the filter moves the id on all the same, so that nobody looks at it twice.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from indelible.follow import leaves
from indelible.log import Log
from indelible.search.match import Match

LOOK = 0.5  # seconds between two looks for what other processes sign
BEAT = 15.0  # seconds of silence; proxies cut what says nothing for a minute
RETRY = 2000  # milliseconds, after which a browser comes back
MOST = 64  # entries between two moments for others


@dataclass(frozen=True)
class Live:
    """`still` says whether whoever listens may go on: it is asked at every beat."""

    log: Log
    match: Match
    start: int
    still: Callable[[], Awaitable[bool]]

    async def events(self) -> AsyncIterator[bytes]:
        loop, grown = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(grown.set)

        yield b"retry: %d\n\n" % RETRY
        at = self.start
        with self.log.followed(tell):
            while await self.still():
                until = loop.time() + BEAT
                while loop.time() < until:
                    if told_to_stop():
                        return
                    grown.clear()
                    while found := await asyncio.to_thread(leaves, self.log, at, MOST):
                        at += len(found)
                        told = [leaf for leaf in found if self.match(leaf.entry)]
                        if told:
                            yield b"".join(b"id: %d\ndata: %s\n\n" % (leaf.entry.seq, leaf.line) for leaf in told)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK):
                            await grown.wait()
                yield b"id: %d\n\n" % (at - 1) if at else b":\n\n"


def told_to_stop() -> bool:
    """uvicorn, told to stop, waits for each answer to end, and says so to none: whoever takes its signals knows.

    Of another server this says no, and its own limit holds.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", None) is True
