"""Makes the exports that are waiting, in a process of its own.

    python -m indelible.exports.apart      with the log's URL on stdin

Spelling entries is work for Python, which in the server's own process would be taken from pages and from whoever
seals. Killed anywhere, the next one goes on.
"""

import sys
from contextlib import closing

from indelible.background import apart
from indelible.exports.exports import HOLD
from indelible.exports.writing import Writer
from indelible.log import Log
from indelible.work.place import open_work


def work(url: str) -> None:
    with Log.open(url, sign=False) as log, closing(open_work(url)) as beside:
        hold = beside.hold(HOLD)
        if hold is not None:
            Writer(log, beside, hold).run()
            hold.release()


if __name__ == "__main__":
    sys.exit(apart(work))
