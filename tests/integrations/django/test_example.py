"""The example is a project that runs: a request's write is in the log moments later."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from indelible.event import read

EXAMPLE = Path(__file__).parents[3] / "examples" / "django_app.py"
SECONDS = 30


def test_the_example_serves_writes_seals_and_finds(tmp_path: Path) -> None:
    environment = os.environ | {"DATA": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)

    def manage(*arguments: str) -> str:
        command = [sys.executable, str(EXAMPLE), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout

    manage("migrate", "--verbosity=0")
    port = free_port()
    command = [sys.executable, str(EXAMPLE), "runserver", "--noreload", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + SECONDS
        while not visited(f"http://127.0.0.1:{port}/add-group/?name=buyers"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        while not (tmp_path / "audit.db").exists() or not (found := manage("audit_search", "action:GROUP_*", "--json")):
            assert time.monotonic() < deadline
    finally:
        server.terminate()
        server.wait(SECONDS)
    entry = read(found.strip().encode())
    assert (entry.action, entry.actor.type, entry.context.ip) == ("GROUP_CREATED", "unknown", "127.0.0.1")
    assert manage("audit_verify").startswith("ok ")
    assert manage("check", "--database=default") == "System check identified no issues (0 silenced).\n"


def visited(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - our own server
            return b"added buyers" in answer.read()
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
