"""The parameters of the commands, with their help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from indelible.search.moment import WRITTEN

LogUrl = Annotated[str, typer.Argument(metavar="LOG", help="The log: sqlite:///audit.db")]
AppUrl = Annotated[str, typer.Argument(metavar="APP", help="sqlite:///app.db or postgresql://user@host/name")]
Target = Annotated[str, typer.Argument(metavar="LOG|FILE", help="A log; or a bundle, JSON Lines or tiles of one")]
Tables = Annotated[list[str] | None, typer.Argument(metavar="[TABLE]...")]
TableName = Annotated[str, typer.Argument(metavar="TABLE")]
QueryText = Annotated[str, typer.Argument(metavar="[QUERY]", help="As in the search bar: dana action:LICENSE_*")]

Origin = Annotated[str | None, typer.Option(help="The log's name in checkpoints")]
Everything = Annotated[bool, typer.Option("--all", help="Every table the map does not exclude")]
MapFile = Annotated[Path | None, typer.Option("--map", help="TOML: names of actions and entities, redaction")]
Strict = Annotated[
    bool | None, typer.Option("--strict/--no-strict", help="Refuse a change that nobody claims; otherwise as before")
]
Baseline = Annotated[bool, typer.Option(help="Record the rows that a newly watched table has")]
Since = Annotated[str | None, typer.Option(help=WRITTEN)]
Until = Annotated[str | None, typer.Option(help="Likewise; a day is included")]
Limit = Annotated[int, typer.Option(min=1, help="How many entries, newest first")]
AsJson = Annotated[bool, typer.Option("--json", help="One entry a line, as it is in the log")]
AsObjects = Annotated[bool, typer.Option("--json", help="One object a line")]
AsStateJson = Annotated[
    bool, typer.Option("--json", help="One entry a line, as it is in the log; with --at one object, the state")
]
FormatName = Annotated[
    Literal["csv", "json", "jsonl", "cloudevents", "ocsf"],
    typer.Option("--format", help="jsonl is the log, byte for byte"),
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="A file; otherwise stdout")]
Key = Annotated[str | None, typer.Option(help="The verifier key that you were given")]
Organization = Annotated[str | None, typer.Option("--org", metavar="ID", help="Of one organization, by its id")]
EntityType = Annotated[str, typer.Argument(metavar="TYPE", help="Of an entity, as License")]
EntityId = Annotated[str, typer.Argument(metavar="ID", help="The entity's id")]
At = Annotated[
    str | None, typer.Option(metavar="T", help=f"What it was then, instead of what happened to it: {WRITTEN}")
]
Sequence = Annotated[int, typer.Argument(metavar="SEQ", help="The number of an entry")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--columns", metavar="NAME,...", help="Of CSV only these, in this order; otherwise all"),
]
Raw = Annotated[bool, typer.Option("--raw", help="CSV for programs: cells as they are, formulas too")]
Manifest = Annotated[
    Path | None, typer.Option("--manifest", metavar="FILE", help="Search, count, SHA-256 and checkpoint, as JSON")
]
Proof = Annotated[
    bool, typer.Option("--proof", help="As a ZIP file, with what proves each entry; without a query, that they are all")
]
RevokeAfter = Annotated[
    int | None, typer.Option(min=0, metavar="SIZE", help="The old key was stolen: its word counts up to this size")
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if it is not there; what is there stays")]
Anchor = Annotated[bool, typer.Option("--anchor", help="Checkpoints alone: they say nothing of what is in the log")]
WitnessUrl = Annotated[str, typer.Argument(metavar="URL", help="What stands before /add-checkpoint")]
WitnessKey = Annotated[str, typer.Argument(metavar="VKEY", help="The witness's verifier key, of its type 04")]
CheckpointFile = Annotated[Path | None, typer.Option("--checkpoint", help="A checkpoint kept from earlier")]
Version = Annotated[bool, typer.Option("--version", help="Print the version")]


def listed(given: list[str] | None) -> list[str]:
    """The names in an option that takes several: with commas, by being given again, or both."""
    return [name.strip() for each in given or () for name in each.split(",") if name.strip()]
