"""An address is shown without what opens it."""

import pytest

from indelible.urls import without_password


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@host/db", "postgresql://u:p#ss@host/db", "postgresql://u:p/ss@host/db"]
)
def test_no_password_is_shown_however_it_is_spelled(url: str) -> None:
    assert "p@" not in without_password(url)
    assert "ss@" not in without_password(url)
