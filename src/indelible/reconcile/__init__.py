"""Does the log account for what the tables hold now?

    snapshot of the application's database -> what waits in its outbox, and the rows of each watched table
    log, entry by entry                    -> the rows as they must be, if nothing was changed behind its back

Every row that is not as the log has it is named, with the columns. Constant memory: what the log says is kept in
a temporary file while the tables stream past it. `compare` is the whole of it.
"""

from indelible.reconcile.compare import Difference, Report, compare

__all__ = ["Difference", "Report", "compare"]
