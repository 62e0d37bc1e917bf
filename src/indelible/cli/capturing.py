"""The commands about a watched database. APP is sqlite:///path/file.db or postgresql://user@host/name."""

from contextlib import closing

from indelible.actions import ActionMap
from indelible.capture.notes import note
from indelible.capture.source import Source, open_source
from indelible.cli.app import app
from indelible.cli.options import AppUrl, AsObjects, Baseline, Everything, LogUrl, MapFile, Strict, TableName, Tables
from indelible.cli.output import change_line, difference_line, encoded, progress, say, show
from indelible.errors import CoverageError, UsageError
from indelible.log import Log
from indelible.reconcile import Difference, compare
from indelible.sealer import Sealer


@app.command()
def watch(
    application: AppUrl,
    tables: Tables = None,
    *,
    everything: Everything = False,
    map_file: MapFile = None,
    strict: Strict = None,
    baseline: Baseline = True,
) -> None:
    """Install capture on tables; without any, bring up to date what is watched already. Repeatable."""
    if everything and tables:
        raise UsageError("Name the tables to watch, or give --all for every table; not both.")
    action_map = ActionMap.load(map_file) if map_file else None
    with closing(open_source(application)) as source:
        before = source.watched()
        if not everything and not tables:
            tables = _watched_already(source, action_map)
        watched = source.watch(tables, action_map, strict=strict, baseline=baseline)
        after = source.watched()
    for table in watched:
        show(table)
    for table in sorted(before):  # of the others, too: the map may exclude them now
        if said := note(table, before[table], after.get(table)):
            say(change_line(said))
    if not watched:
        say("No table is watched now.")
        return
    tables_ = "1 table" if len(watched) == 1 else f"{len(watched)} tables"
    say(f"Watching {tables_}. Every change there is now recorded by the database itself.")


def _watched_already(source: Source, action_map: ActionMap | None) -> list[str]:
    """By the names that they have now, but for those that the map excludes."""
    covered = source.coverage()
    if all(each.state in ("excluded", "not covered") for each in covered):
        raise UsageError("Nothing is watched yet. Name the tables to watch, or give --all for every table.")
    found = [each.table for each in covered if each.wanted]
    return [name for name in found if action_map is None or action_map.table(name).exclude is None]


@app.command()
def seal(application: AppUrl, log: LogUrl) -> None:
    """Move everything captured so far into the log, once."""
    with Log.open(log) as opened, closing(open_source(application)) as source, closing(source.outbox()) as outbox:
        added = Sealer(outbox, opened).seal()
        show(str(added))
        say(f"Sealed {added} entries; the log has {opened.head().size}.")


@app.command()
def unwatch(application: AppUrl, table: TableName) -> None:
    """Remove capture from one table; the log says that it was."""
    with closing(open_source(application)) as source:
        source.unwatch(table)
    say(f"No longer watching {table}: changes to it go unrecorded from here on.")


@app.command()
def coverage(application: AppUrl, *, json: AsObjects = False) -> None:
    """Tell of each table whether it is watched; exit 3 when one is not covered or has drifted."""
    with closing(open_source(application)) as source:
        tables = source.coverage()
    for table in tables:
        show(encoded(table) if json else f"{table.table:<32}  {table.state:<12}  {table.reason or ''}".rstrip())
    unclean = [table for table in tables if not table.clean]
    if unclean:
        raise CoverageError(f"{len(unclean)} of {len(tables)} tables are not covered as they should be.")
    say(f"All {len(tables)} tables are watched, or excluded for a reason.")


@app.command()
def reconcile(application: AppUrl, log: LogUrl, *, json: AsObjects = False) -> None:
    """Tell each row that is not as the log accounts for it; exit 3 when there is one."""

    def tell(found: Difference) -> None:
        show(encoded(found) if json else difference_line(found))

    with (
        Log.open(log, sign=False) as opened,
        closing(open_source(application)) as source,
        progress("Replaying", opened.head().size) as moved,
    ):
        report = compare(source, opened, tell, moved)
    if report.differences:
        raise CoverageError(f"{report.differences} rows are not as the log accounts for them, of {report.rows}.")
    if report.missed:
        missed = ", ".join(report.missed)
        raise CoverageError(
            f"These tables were not compared, for they are no longer watched: {missed}. Look: coverage."
        )
    if not report.tables:
        raise CoverageError("No table is watched there: nothing was compared. Watch them: indelible watch.")
    say(f"The log accounts for all {report.rows} rows of {report.tables} tables.")
