"""What a server is told and cannot use is refused in one sentence that names the setting."""

from pathlib import Path

import pytest

from indelible.errors import UsageError
from indelible.serve.settings import Settings
from tests.serve.conftest import Start

NINES = "9" * 5000
PROXY = 'proxies = ["10.0.0.0/8"]\n'


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("log = 5", "log is to be one text"), ('[log]\nurl = "x"', "log is to be one text"),
        ('log = ["sqlite:///a.db"]', "log is to be one text"), ('host = ["127.0.0.1", "::1"]', "host is .* one text"),
        ("port = true", "port is 'True', by file. It is to be a number"), ("port = 70000", "port is '70000'"),
        ("port = [8080]", "port is .* a number"), ("app = 3", "app is to be texts in a list"),
        (PROXY + "user_header = 7", "user_header is '7', by file. It is to be one text"),
        (PROXY + 'user_header = "X U"', "user_header is 'X U', by file. It is the name of a header"),
        (PROXY + 'user_header = "Ü"', "user_header is 'Ü', by file. It is the name of a header"),
        (PROXY + 'user_header = ""', "user_header and proxies go together"),
        (PROXY + 'user_header = "X"\nmanagers = [1]', "managers is .* texts in a list"),
        (PROXY + 'user_header = "X"\nemail_header = "X:Y"', "email_header is 'X:Y'"),
    ],
)  # fmt: skip
def test_a_file_says_what_each_setting_is_for(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "indelible.toml"
    file.write_text(written)
    with pytest.raises(UsageError, match=said):
        Settings.read({}, file, {})


@pytest.mark.parametrize("port", [NINES, "-1", "65536", "８０", "1e3"])
def test_a_port_is_a_number_that_is_one(port: str) -> None:
    with pytest.raises(UsageError, match=r"port is .*, by environment. It is a number from 0 to 65535"):
        Settings.read({}, None, {"INDELIBLE_PORT": port})


def test_what_is_empty_is_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "indelible.toml"
    file.write_text('host = ""\nport = 0\nmanagers = []\nemail_header = ""\n')
    settings = Settings.read({}, file, {"INDELIBLE_LOGS": ""})
    assert (settings.host, settings.port, settings.managers, settings.json_logs) == ("127.0.0.1", 0, frozenset(), False)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"INDELIBLE_HOST": "..a"}, "Cannot listen on ..a:0"), ({"INDELIBLE_HOST": "a" * 300}, "Cannot listen on aaa"),
        ({"INDELIBLE_PAGES": "javascript:alert(1)"}, "is no address of the audit pages"),
        ({"INDELIBLE_PAGES": "portal.acme.test"}, "is no address of the audit pages"),
    ],
)  # fmt: skip
def test_what_the_environment_has_and_cannot_be_used_is_said_without_a_traceback(
    start: Start, environment: dict[str, str], said: str
) -> None:
    server = start("sqlite:///a.db", environment=environment)
    assert server.process.wait(20) == 2
    assert said in server.said()
    assert "Traceback" not in server.said()
