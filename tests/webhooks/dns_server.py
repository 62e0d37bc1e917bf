"""A real DNS server on the loopback whose answers change, and a resolver that asks it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

# The name asked for and how often it was asked for before, to its addresses; none: there is no such name.
Answers = Callable[[str, int], Sequence[str]]


class Server:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._asked: dict[str, int] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                data, sender = self.socket.recvfrom(4096)
                if not data:
                    return
                self.socket.sendto(self._reply(dns.message.from_wire(data)), sender)

    def _reply(self, query: dns.message.Message) -> bytes:
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True), question.rdtype
        key = f"{name} {kind}"
        found = self._answers(name, self._asked.get(key, 0))
        self._asked[key] = self._asked.get(key, 0) + 1
        wanted = [each for each in found if (":" in each) == (kind == dns.rdatatype.AAAA)]
        reply = dns.message.make_response(query)
        if wanted:
            reply.answer.append(dns.rrset.from_text(question.name, 0, "IN", dns.rdatatype.to_text(kind), *wanted))
        elif not found:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()

    async def resolve(self, name: str, _port: int) -> list[str]:
        """As a stub resolver does: A and AAAA, nothing kept."""
        return [each for kind in ("A", "AAAA") for each in await asyncio.to_thread(self._ask, name, kind)]

    def _ask(self, name: str, kind: str) -> list[str]:
        query = dns.message.make_query(name, kind)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.sendto(query.to_wire(), self.socket.getsockname())
            reply = dns.message.from_wire(asking.recv(4096))
        return [record.to_text() for answer in reply.answer for record in answer]


@contextmanager
def dns_server(answers: Answers) -> Iterator[Server]:
    server = Server(answers)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", server.socket.getsockname())
        thread.join()
        server.socket.close()
