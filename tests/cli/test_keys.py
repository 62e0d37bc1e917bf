"""`indelible keys`: what a key may is what was asked for, in whichever way it was written."""

import pytest

from tests.cli.conftest import Shell


@pytest.mark.parametrize("given", [["read,append"], ["read", "append"], ["read, append", "append"]])
def test_several_scopes_are_written_with_commas_or_one_by_one(shell: Shell, given: list[str]) -> None:
    shell.run("init", shell.log)
    shell.run("keys", "add", shell.log, *(word for each in given for word in ("--scope", each)))
    assert shell.run("keys", "list", shell.log).stdout.decode().split()[1] == "append,read"


def test_an_organization_without_entries_is_noted_and_has_its_key(shell: Shell) -> None:
    shell.run("init", shell.log)
    done = shell.run("keys", "add", shell.log, "--scope", "read", "--org", "acmee")
    assert b"Note: The log has no entry yet of an organization with the id 'acmee'." in done.stderr
    assert b"acmee" in shell.run("keys", "list", shell.log).stdout


@pytest.mark.parametrize("given", ["", ",", "everything", "read,everything"])
def test_a_scope_that_is_none_makes_no_key(shell: Shell, given: str) -> None:
    shell.run("init", shell.log)
    done = shell.run("keys", "add", shell.log, "--scope", given, code=2)
    assert "append, read, export, manage" in done.stderr.decode()
    assert shell.run("keys", "list", shell.log).stdout == b""
