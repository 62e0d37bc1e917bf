"""Makes the exports that are waiting, in a process of its own.

    python -m indelible.exports.apart      with the log's URL on stdin

Spelling entries is work for Python, which in the server's own process would be taken from pages and from whoever
seals. Killed anywhere, the next one goes on.
"""

import os
import sys

from indelible.errors import Error
from indelible.exports.writing import Writer
from indelible.log import Log
from indelible.work.place import open_work

NICE = 10  # behind all that somebody waits for
HOLD = "exports"


def main() -> int:
    os.nice(NICE)
    try:
        url = sys.stdin.read()
        with Log.open(url, sign=False) as log:
            work = open_work(url)
            hold = work.hold(HOLD)
            if hold is not None:
                Writer(log, work, hold).run()
                hold.release()
            work.close()
    except Error as error:
        sys.stderr.write(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
