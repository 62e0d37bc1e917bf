"""A witness, the far side: signs with `cryptography` alone, and keeps what it signed, by the words of tlog-witness."""

import base64
import hashlib
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.merkle import rfc6962

TIME = 1_679_315_147


class FarWitness:
    """Cosigns whatever it is told to."""

    def __init__(self, name: str, seed: int = 1) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = self._key.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        key = b"\x04" + self.public
        return f"{self.name}+{self._id(key).hex()}+{base64.b64encode(key).decode()}"

    def line(self, body: str, time: int = TIME, *, message: str | None = None) -> str:
        signed = f"cosignature/v1\ntime {time}\n{body}" if message is None else message
        data = self._id(b"\x04" + self.public) + time.to_bytes(8, "big") + self._key.sign(signed.encode())
        return f"— {self.name} {base64.b64encode(data).decode()}\n"

    def _id(self, key: bytes) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4]


class Serving:
    """At a URL. `leaves` are the hashes of the log that it knows; `answer`, if set, is given whatever comes."""

    def __init__(self, witness: FarWitness) -> None:
        self.witness = witness
        self.size, self.root = 0, hashlib.sha256(b"").digest()
        self.asked: list[str] = []
        self.answer: tuple[int, str] | None = None
        serving = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                serving.asked.append(body)
                status, said = serving.answer or serving.add_checkpoint(body)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{serving.url}/elsewhere")
                data = said.encode()
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Nothing to say."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def add_checkpoint(self, body: str) -> tuple[int, str]:
        """The log's own signature is not looked at here; the proof is, by a transcription of the RFC."""
        head, _, note = body.partition("\n\n")
        first, *lines = head.split("\n")
        text = note.rpartition("\n\n")[0] + "\n"
        _, size, root = text.split("\n")[:3]
        old, new, proof = int(first.removeprefix("old ")), int(size), [base64.b64decode(line) for line in lines if line]
        if old != self.size:
            return 409, f"{self.size}\n"
        if not rfc6962.extends(old, new, self.root, base64.b64decode(root), proof):
            return 422, "no consistency"
        self.size, self.root = new, base64.b64decode(root)
        return 200, self.witness.line(text)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Dripping:
    """At a URL, too: begins its answer, and goes on with a byte now and then, without an end."""

    def __init__(self, begins: bytes) -> None:
        self.asked = threading.Event()
        self._begins = begins
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._drip, args=(connected,)))
                self._threads[-1].start()

    def _drip(self, connected: socket.socket) -> None:
        with connected, suppress(OSError):
            connected.sendall(self._begins)
            self.asked.set()
            while not self._closed.wait(0.05):
                connected.sendall(b"x")

    def close(self) -> None:
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._threads:
            each.join()
