"""The far side: a real HTTP server on the loopback that behaves as badly as it is told to, and remembers."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple


class Got(NamedTuple):
    """A request, whatever was done with it."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    taken: bool  # it was answered with 2xx

    @property
    def message(self) -> str:
        return self.headers["webhook-id"]


class Answer(NamedTuple):
    """`kind`: answer, reset, hang, or dribble (a byte at a time, for ever)."""

    status: int = 200
    headers: str = ""
    body: bytes = b"thank you"
    kind: str = "answer"


Behave = Callable[[int, str], Answer]  # the number of the request, from 0, and its webhook-id


@dataclass
class Receiver:
    """`behave` says what is done with each request."""

    behave: Behave = lambda _number, _message: Answer()
    got: list[Got] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def taken(self) -> list[Got]:
        return [each for each in self.got if each.taken]

    def wait(self, count: int, seconds: float = 20.0) -> list[Got]:
        """Until so many were taken."""
        until = time.monotonic() + seconds
        while len(self.taken()) < count:
            assert time.monotonic() < until, f"{len(self.taken())} of {count} were taken, {len(self.got)} came"
            time.sleep(0.005)
        return self.taken()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            with suppress(ConnectionError, RuntimeError):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may serve another request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer = self.behave(len(self.got), headers.get("webhook-id", ""))
        taken = answer.kind == "answer" and 200 <= answer.status < 300
        self.got.append(Got(time.time(), first.split(" ")[1], headers, body, taken))
        if answer.kind == "reset":
            writer.transport.abort()
            return False
        if answer.kind == "hang":
            await asyncio.sleep(3600)
        size = 10_000_000 if answer.kind == "dribble" else len(answer.body)
        writer.write(f"HTTP/1.1 {answer.status} Whatever\r\n{answer.headers}Content-Length: {size}\r\n\r\n".encode())
        while answer.kind == "dribble":
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.write(answer.body)
        await writer.drain()
        return True


@contextmanager
def receiving(receiver: Receiver | None = None) -> Iterator[Receiver]:
    """In a thread of its own."""
    made = receiver or Receiver()
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def run() -> None:
        server = await asyncio.start_server(made.serve, "127.0.0.1", made.port, backlog=512)
        made.port = server.sockets[0].getsockname()[1]
        started.set()
        await server.serve_forever()

    def thread() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(main)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    main = loop.create_task(run())
    running = threading.Thread(target=thread)
    running.start()
    started.wait()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        running.join()
