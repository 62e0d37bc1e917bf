"""What a server does beside answering: in a thread that begins and ends when asked, or in a process of its own."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar

from indelible.errors import Error, LogError

A = TypeVar("A")
T = TypeVar("T")
LOOK = 0.05  # seconds, while another process is at it
NICE = 10  # such a process is behind all that somebody waits for


class Hold(Protocol):
    """Says that nobody else does this, in any process. It ends with the process, however that ends."""

    def kept(self) -> bool:
        """False: it was lost, as with a connection. Somebody else may have it; stop."""

    def release(self) -> None: ...


class Free:
    """A hold where nobody needs to be kept out."""

    def kept(self) -> bool:
        return True

    def release(self) -> None:
        pass


class Background:
    """What is one says in `_run` what it does until `_stopped` is set; `NAME` is for whoever looks at threads."""

    NAME = "indelible"

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name=self.NAME, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Tell it to stop, and do not wait for it."""
        self._stopped.set()

    def stop(self) -> None:
        """Returns when it has ended; before it was started, at once."""
        self.end()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        raise NotImplementedError


def ahead(make: Callable[[A], T], asked: Iterable[A], at_once: int = 2) -> Iterator[T]:
    """What is made of each, in their order: the next ones in threads while one is used.

    Two, so that a database answers one while the answer before it is read.
    """
    waiting = iter(asked)
    with ThreadPoolExecutor(at_once, "indelible-ahead") as threads:
        coming = deque(threads.submit(make, each) for each in islice(waiting, at_once))
        while coming:
            found = coming.popleft().result()
            coming.extend(threads.submit(make, each) for each in islice(waiting, 1))
            yield found


def run_apart(module: str, told: str, stopped: threading.Event) -> None:
    """Run a module of ours in a process of its own, until it ends or `stopped` is set: then it is killed.

    `told` goes by a pipe: arguments are seen by everybody on the machine. Raises LogError with what it said in the end.
    """
    if not sys.executable:
        raise LogError(
            "This program cannot start another Python, which it would need to. Serve with uvicorn or gunicorn."
        )
    pipe, sent = subprocess.PIPE, told.encode()
    with subprocess.Popen([sys.executable, "-m", module], stdin=pipe, stderr=pipe) as process:  # noqa: S603 - our own program
        said = b""
        while process.returncode is None:
            try:
                _, said = process.communicate(sent, timeout=LOOK)
            except subprocess.TimeoutExpired:
                sent = None  # type: ignore[assignment]  # communicate remembers what is left to send
                if stopped.is_set():
                    process.kill()
    if process.returncode and not stopped.is_set():
        raise LogError(said.decode("utf-8", "replace")[-1000:] or f"{module} ended with {process.returncode}.")


def apart(work: Callable[[str], None]) -> int:
    """What a module that is run so does: `work`, with what it is told. Gives its exit code."""
    os.nice(NICE)
    try:
        work(sys.stdin.read())
    except Error as error:
        sys.stderr.write(str(error))
        return error.exit_code
    return 0
