"""Routes to what any text may name: Starlette's own end at a line break, and those of hosts do."""

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from starlette.routing import Mount, Route

R = TypeVar("R", "Route", "Mount")


def over_lines(route: R) -> R:
    """It goes on behind a line break, as ids do."""
    route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
    return route
