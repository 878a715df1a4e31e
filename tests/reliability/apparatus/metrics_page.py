"""What /metrics shows, sample by sample."""

from prometheus_client.parser import text_string_to_metric_families

from bot.app import Bot
from tests.serving import ask

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Value by name and sorted labels."""


def read(bot: Bot) -> Samples:
    """Every sample. Raises AssertionError when there is no such page."""
    status, page = ask(bot.port, "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def value(bot: Bot, metric: str, /, **labels: str) -> float | None:
    """One sample's value; None when it is not there."""
    return read(bot).get((metric, tuple(sorted(labels.items()))))
