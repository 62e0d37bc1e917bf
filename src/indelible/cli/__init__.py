"""The command line: a contract that scripts rely on.

Data on stdout, messages on stderr. Exit: 0 ok, 1 error, 2 usage, 3 verification failed, 4 not found, 130 interrupted.
"""

import re
import sys

from indelible.cli import capturing, commands, keys, recording, serving, tail, webhooks  # noqa: F401 - they add their commands to the app
from indelible.cli.app import app
from indelible.cli.output import complain, say
from indelible.errors import Error, VerificationError
from indelible.search.query import KEYS

INTERRUPTED = 130
_ASK = {"search", "export", "tail"}  # commands that take a query
_EXCLUDED = re.compile(rf"-({'|'.join(KEYS)}):")  # how one may begin, and no option does
WHAT_TO_DO = "docs/assurance.md, “When it fails”"


def main() -> None:
    """Run one command; every error becomes one sentence and its exit code."""
    try:
        app(_told(sys.argv[1:]))
    except Error as error:
        complain(error)
        if isinstance(error, VerificationError) and WHAT_TO_DO not in str(error):
            say(f"What to do: {WHAT_TO_DO}.")
        sys.exit(error.exit_code)
    except OSError as error:  # as a full disk behind stdout
        complain(error)
        sys.exit(Error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _told(arguments: list[str]) -> list[str]:
    """A query that begins with a minus is none of the options: behind a space it is not taken for one."""
    if not _ASK.intersection(arguments[:1]):
        return arguments
    return [f" {each}" if _EXCLUDED.match(each) else each for each in arguments]
