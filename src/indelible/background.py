"""A thread of the server: it begins when asked, and ends when asked, between two steps of what it does."""

import threading


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
