"""Makes the blocks that are missing, in a process of its own.

    python -m indelible.index.apart      with the log's URL on stdin

Making one takes a second of Python. In the server's own process that second would be taken from whoever seals. Killed
anywhere, what it had not finished is made the next time.
"""

import os
import sys

from indelible.errors import Error
from indelible.index.blocks import Blocks
from indelible.store.place import place_of

NICE = 10  # behind all that somebody waits for


def main() -> int:
    os.nice(NICE)
    try:
        store = place_of(sys.stdin.read()).open()
        blocks = Blocks(store)
        while blocks.full() and blocks.advance():
            pass
        store.close()
    except Error as error:
        sys.stderr.write(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
