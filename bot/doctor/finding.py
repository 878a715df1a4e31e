"""What one check found: how bad it is, what is wrong, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    GOOD = "good"
    WARNING = "warning"  # works, but not as it could
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what was found and, unless all is well, one of what to do."""

    check: str
    level: Level
    sentence: str
    what_to_do: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether the bot cannot work like this."""
        return self.level is Level.FAULT

    def as_line(self) -> str:
        """For a terminal."""
        mark = {Level.GOOD: "ok     ", Level.WARNING: "warning", Level.FAULT: "FAULT  "}[self.level]
        told = f"{mark} {self.check}: {self.sentence}"
        return f"{told}\n        -> {self.what_to_do}" if self.what_to_do else told

    def as_dict(self) -> dict[str, str]:
        """The same for `--json`."""
        return {
            "check": self.check,
            "level": self.level.value,
            "sentence": self.sentence,
            "what_to_do": self.what_to_do,
        }


def good(check: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(check, Level.GOOD, sentence)


def warning(check: str, sentence: str, what_to_do: str) -> Finding:
    """Works, but not as it could."""
    return Finding(check, Level.WARNING, sentence, what_to_do)


def fault(check: str, sentence: str, what_to_do: str) -> Finding:
    """The bot cannot work like this."""
    return Finding(check, Level.FAULT, sentence, what_to_do)
