"""What job tests share."""

from collections.abc import Iterator

import pytest

from playground.testing import PlaygroundServer


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A small Slack on localhost."""
    with PlaygroundServer() as server:
        yield server
