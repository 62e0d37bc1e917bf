"""Every test here runs on every store, unless it asks for `file_world` or `server_world`."""

import pytest

from tests.world import World


@pytest.fixture
def world(either: World) -> World:
    return either
