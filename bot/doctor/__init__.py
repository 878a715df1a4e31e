"""`python -m bot doctor`: looks at everything the bot stands on, and says what to do about what is wrong.

Each check yields findings; one that fails in an unforeseen way becomes a finding too, and hides no other.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from bot.delivery.slack import forget_proxies
from bot.doctor import database, machine, model, people, slack
from bot.doctor.finding import Finding, Level, fault, good
from bot.errors import SettingsError
from bot.settings import Settings, SlackMode, StorageSettings, load_settings
from bot.storage.database import Clock

__all__ = ["Finding", "Level", "Limits", "examine"]

READ_EXAMPLE = "set what is named in the environment or in .env; .env.example explains each"


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond which something is told. Bytes free on the disk of an SQLite database."""

    least_free_bytes: int = 500_000_000


def examine(clock: Clock, limits: Limits = Limits()) -> list[Finding]:
    """Run every check that can be run with the settings there are; worst news is not hidden by the first."""
    try:
        settings = load_settings()
    except SettingsError as error:
        found = [fault("settings", str(error), READ_EXAMPLE)]
        try:
            storage = load_settings(StorageSettings)
        except SettingsError:
            return found
        return [*found, *_stands_on(storage, clock, limits)]
    forget_proxies(settings.slack_api_url, os.environ)
    mode = "Socket Mode" if settings.mode is SlackMode.SOCKET else "HTTP at /slack/events"
    return [
        good("settings", f"complete; Slack reaches the bot over {mode}"),
        *people.check_lists(settings),
        *machine.check_periods(settings),
        *_stands_on(settings, clock, limits),
        *_looked_at("slack", partial(slack.check, settings, clock)),
        *_looked_at("host", partial(machine.check_host, settings)),
        *_looked_at("port", partial(machine.check_port, settings)),
    ]


def _stands_on(settings: Settings, clock: Clock, limits: Limits) -> Iterator[Finding]:
    yield from _looked_at("database", partial(database.check, settings, clock))
    yield from _looked_at("disk", partial(machine.check_disk, settings, limits.least_free_bytes))
    yield from _looked_at("model", partial(model.check, settings))


def _looked_at(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check's findings; what it did not foresee is one more."""
    try:
        yield from check()
    except Exception as error:  # the doctor's edge: one failing check must not hide the others
        yield fault(
            name, f"could not be checked: {type(error).__name__}", "report this; the other findings hold"
        )
