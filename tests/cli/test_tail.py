"""`indelible tail` prints what is signed, as it is."""

import signal
import subprocess
import sys
from pathlib import Path

from indelible.log import Log
from tests.cli.conftest import Shell
from tests.store.test_log import happened

BIN = Path(sys.executable).parent


def test_it_follows_until_it_is_interrupted(log_url: str, tmp_path: Path) -> None:
    with Log.create(log_url) as log:
        log.append([happened(), happened(action="USER_INVITED")])
        command = [str(BIN / "indelible"), "tail", log_url, "action:LICENSE_*", "--from", "0", "--json"]
        tail = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path)
        assert tail.stdout is not None
        assert tail.stdout.readline() == log.line(0) + b"\n"
        log.append([happened(), happened()])
        assert [tail.stdout.readline() for _ in range(2)] == [log.line(2) + b"\n", log.line(3) + b"\n"]
        tail.send_signal(signal.SIGINT)
        assert tail.wait() == 130
        tail.stdout.close()


def test_a_query_that_cannot_be_read_is_refused(shell: Shell) -> None:
    shell.run("init", shell.log)
    assert "foo: is no field" in shell.refused("tail", shell.log, "foo:1", code=2)
