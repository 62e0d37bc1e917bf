"""Which tables are watched, which are left out and why, and which were forgotten."""

from contextlib import closing

from indelible.capture.coverage import Coverage
from indelible.capture.source import open_source
from indelible.integrations.django.databases import source_url


def coverage(alias: str) -> list[Coverage]:
    """Each table of a database; none of one in memory. Raises CaptureError."""
    url = source_url(alias)
    if url is None:
        return []
    with closing(open_source(url)) as source:
        return source.coverage()
