"""The pace of a channel."""

from datetime import timedelta

from bot.delivery import pace
from bot.delivery.pace import Pace


def test_three_at_once_then_one_a_second(clock) -> None:
    """A burst, then the steady rate; asking too early counts nothing."""
    channel = Pace()
    assert [channel.take("C1", clock()) for _ in range(3)] == [None] * 3
    assert channel.take("C1", clock()) == clock() + timedelta(seconds=1)
    clock.forward(0.5)
    assert channel.take("C1", clock()) == clock() + timedelta(seconds=0.5)
    clock.forward(0.5)
    assert channel.take("C1", clock()) is None
    assert channel.take("C1", clock()) is not None


def test_a_rest_earns_a_burst_and_no_more(clock) -> None:
    """After an hour of silence there are three again, not 3,600."""
    channel = Pace()
    channel.take("C1", clock())
    clock.forward(3600)
    assert [channel.take("C1", clock()) is None for _ in range(4)] == [True, True, True, False]


def test_channels_do_not_share_their_pace(clock) -> None:
    """One channel's burst leaves another's untouched."""
    channels = Pace()
    for _ in range(3):
        channels.take("C1", clock())
    assert channels.take("C2", clock()) is None


def test_a_closed_channel_opens_when_slack_said(clock) -> None:
    """Retry-After is obeyed to the second."""
    channel = Pace()
    until = clock() + timedelta(seconds=30)
    channel.close("C1", until)
    assert channel.take("C1", clock()) == until
    clock.forward(30)
    assert channel.take("C1", clock()) is None


def test_a_clock_that_goes_back_does_not_close_a_channel(clock) -> None:
    """A machine's clock may be set back; the channel then waits a second, not the difference."""
    channel = Pace()
    for _ in range(3):
        channel.take("C1", clock())
    clock.forward(-3600)
    assert channel.take("C1", clock()) == clock() + timedelta(seconds=1)
    clock.forward(1)
    assert channel.take("C1", clock()) is None


def test_memory_is_bounded(clock, monkeypatch) -> None:
    """However many channels there are, only so many are remembered."""
    monkeypatch.setattr(pace, "REMEMBERED", 5)
    channels = Pace()
    for number in range(20):
        channels.take(f"C{number}", clock())
        channels.close(f"C{number}", clock())
    assert len(channels._buckets) == 5
    assert len(channels._closed_until) == 5
