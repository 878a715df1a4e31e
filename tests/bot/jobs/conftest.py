"""What job tests share."""

from collections.abc import Iterator

import pytest

from playground.core import Playground
from playground.testing import PlaygroundServer
from tests.bot.jobs.reconciling import Reconciling


def leave_two_dms(playground: Playground) -> None:
    """The playground opens a DM with the app for everybody; Slack does so for who writes first."""
    channels = playground.workspace.channels
    for channel_id in [id_ for id_ in channels if id_[0] == "D" and id_ not in ("D0RILEY", "D0ANA")]:
        del channels[channel_id]


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A small Slack where only Riley and Ana have opened a DM with the bot, and whoever a test adds."""
    with PlaygroundServer(rate_limit=None) as server:
        server.look(leave_two_dms)
        yield server


@pytest.fixture
def job(slack, database, make_settings, real_clock) -> Reconciling:
    """The reconciler on both databases."""
    settings = make_settings(slack_api_url=slack.api_url, slack_bot_token=slack.bot_token)
    return Reconciling(slack, database, settings, real_clock)
