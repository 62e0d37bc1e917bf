"""`indelible webhooks`: what a script reads, and what a person is told."""

import json
import re
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook

from tests.cli.conftest import SECRET, Shell
from tests.webhooks.receiver import Answer, Receiver, receiving


@pytest.fixture
def log(shell: Shell) -> str:
    shell.run("init", shell.log)
    return shell.log


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("INDELIBLE_WEBHOOK_ALLOW", "127.0.0.0/8")
    with receiving() as made:
        yield made


def test_adding_prints_the_id_the_secret_and_the_public_key_once(shell: Shell, log: str) -> None:
    done = shell.run("webhooks", "add", log, f"https://hooks.example.com/{SECRET}", "--filter", "dana")
    id_, secret, public = done.stdout.decode().split()
    assert re.fullmatch(r"wh_\w{16}", id_)
    assert (secret[:6], public[:5]) == ("whsec_", "whpk_")
    listed = shell.run("webhooks", "list", log).stdout.decode()
    assert listed.split()[:3] == [id_, "active", "https://hooks.example.com/…"]
    assert secret not in listed
    told = json.loads(shell.run("webhooks", "list", log, "--json").stdout)
    assert (told["id"], told["filter"], told["state"], told["waiting"]) == (id_, "dana", "active", 0)
    again = json.loads(shell.run("webhooks", "rotate", log, id_, "--json").stdout)
    assert again["secret"] != secret


def test_a_test_event_is_sent_and_its_outcome_is_the_exit_code(shell: Shell, log: str, receiver: Receiver) -> None:
    added = json.loads(shell.run("webhooks", "add", log, receiver.url, "--json").stdout)
    assert b"answered 200" in shell.run("webhooks", "test", log, added["id"]).stdout
    Webhook(added["secret"]).verify(receiver.got[0].body, receiver.got[0].headers)
    receiver.behave = lambda _n, _m: Answer(500)
    assert b"answered 500" in shell.run("webhooks", "test", log, added["id"], code=1).stdout
    newest, first = map(json.loads, shell.run("webhooks", "attempts", log, added["id"], "--json").stdout.splitlines())
    assert (newest["status"], first["status"], newest["failure"]) == (500, 200, "answered 500")


def test_each_command_is_an_entry_by_whose_account_it_was(shell: Shell, log: str) -> None:
    id_ = shell.run("webhooks", "add", log, "https://hooks.example.com/").stdout.decode().split()[0]
    shell.run("webhooks", "pause", log, id_)
    shell.run("webhooks", "resume", log, id_)
    assert shell.run("webhooks", "replay", log, id_, "--failed").stdout == b"0\n"
    assert shell.run("webhooks", "replay", log, id_, "--from", "0", "--until", "9").stdout == b"0\n"
    shell.run("webhooks", "remove", log, id_)
    entries = [json.loads(line) for line in shell.run("search", log, "--json").stdout.splitlines()][::-1]
    assert [each["action"] for each in entries] == [
        "WEBHOOK_ADDED", "WEBHOOK_PAUSED", "WEBHOOK_RESUMED", "WEBHOOK_REPLAYED", "WEBHOOK_REPLAYED", "WEBHOOK_REMOVED"
    ]  # fmt: skip
    assert {(each["actor"]["type"], each["context"]["source"]) for each in entries} == {("unknown", "command line")}


def test_what_cannot_be_done_is_said_with_its_exit_code(shell: Shell, log: str) -> None:
    assert "plain http" in shell.refused("webhooks", "add", log, "http://example.com", code=2)
    told = shell.refused("webhooks", "add", log, f"https://user:{SECRET}@example.com", code=2)
    assert SECRET not in told
    assert "foo: is no field" in shell.refused(
        "webhooks", "add", log, "https://example.com", "--filter", "foo:1", code=2
    )
    for act in ("pause", "resume", "rotate", "remove", "test", "attempts"):
        assert "There is no webhook 'wh_0'" in shell.refused("webhooks", act, log, "wh_0", code=4)
    assert "Say what to deliver again" in shell.refused("webhooks", "replay", log, "wh_0", code=2)
    assert "There is no log" in shell.refused("webhooks", "list", shell.log.replace("audit", "nothing"), code=4)
