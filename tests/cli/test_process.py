"""The command as a process among others: its help, pipes that close, disks that fill, interrupts."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from indelible import __version__
from tests.cli.conftest import Shell

COMMAND = [sys.executable, "-c", "from indelible.cli import main; main()"]
COMMANDS = ["init", "watch", "seal", "search", "export", "verify", "checkpoint"]


def test_help_of_every_command_says_what_it_does() -> None:
    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, check=True).stdout.decode()
    for name in COMMANDS:
        assert name in shown
    helped = subprocess.run([*COMMAND, "export", "--help"], capture_output=True, check=True).stdout.decode()
    assert "Write every entry found" in helped
    version = subprocess.run([*COMMAND, "--version"], capture_output=True, check=True).stdout.decode()
    assert version == f"{__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["search", "--limit", "100000"], ["search", "--json", "--limit", "9999"], ["export"]]
)
def test_a_reader_that_has_seen_enough_ends_the_command_in_silence(long: Shell, arguments: list[str]) -> None:
    command, *options = arguments
    process = subprocess.Popen(
        [*COMMAND, command, long.log, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=long.folder
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(20), said) == (0, b"")


def test_a_full_disk_is_not_taken_for_success(long: Shell) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "export", long.log], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"indelible: [Errno 28] No space left on device\n"


def test_an_interrupt_exits_130(long: Shell) -> None:
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite run in the background ignores it
    process = subprocess.Popen([*COMMAND, "export", long.log], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, ours)
    assert process.stdout is not None
    process.stdout.read(1000)  # it writes now, and waits for the rest to be read
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_a_pipe_given_as_output_stays_a_pipe(long: Shell) -> None:
    pipe = long.folder / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([*COMMAND, "export", long.log, "-o", str(pipe)], stderr=subprocess.DEVNULL)
    with pipe.open("rb") as reading:
        lines = reading.read().splitlines()
    assert process.wait(20) == 0
    assert pipe.is_fifo()
    assert len(lines) > 100


ANOTHER_USER = """
import os, sys
from indelible.log import Log
from indelible.verify import verify_log
os.setgroups([]), os.setgid(65534), os.setuid(65534)
with Log.open(sys.argv[1], sign=False) as log:
    print("ok", verify_log(log, log.verifier).size, log.store.unwritable())
"""


def test_an_auditor_reads_a_copy_that_cannot_be_written(long: Shell) -> None:
    """As another user, in a folder and on a file that are not theirs."""
    if os.geteuid():  # CI is root, so it runs there; anybody else cannot take another user's place
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "copy.db").write_bytes((long.folder / "audit.db").read_bytes())
        folder.chmod(0o555)
        (folder / "copy.db").chmod(0o444)
        command = [sys.executable, "-c", ANOTHER_USER, f"sqlite:///{folder}/copy.db"]
        done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout[:3]) == (0, b"ok "), done.stderr
    assert done.stdout.endswith(b"copy.db is read-only.\n")
