"""A thread of the server: it begins when asked, and ends when asked, between two steps of what it does."""

import subprocess
import sys
import threading

from indelible.errors import LogError

LOOK = 0.05  # seconds, while another process is at it


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

    def stop(self) -> None:
        """Returns when it has ended; before it was started, at once."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        raise NotImplementedError


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
