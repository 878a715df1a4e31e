"""What is looked for in a message, and the shape of everything that looks for it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

FILL = "\uffdc"
"""Stands where something was found already. A letter to `\\w`, so nothing begins or ends right beside it; nobody types it."""

_CONTEXT_CHARACTERS = 40


class Kind(StrEnum):
    """What a placeholder can stand for. Earlier kinds are looked for first, and keep what they took."""

    URL = "URL"
    PASSWORD = "PASSWORD"
    KEY = "KEY"
    EMAIL = "EMAIL"
    IBAN = "IBAN"
    CARD = "CARD"
    MAC = "MAC"
    HOST = "HOST"
    IP = "IP"
    ACCOUNT = "ACCOUNT"
    PHONE = "PHONE"


Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Detector:
    """`pattern` finds candidates, `take` the span of what is personal in one, or None when it only looks like it.

    `needs`: lower-case snippets; a text that holds none of them is not searched. Empty when nothing so cheap is known.
    """

    kind: Kind
    pattern: re.Pattern[str]
    take: Callable[[re.Match[str]], Span | None]
    needs: tuple[str, ...] = ()


def whole(match: re.Match[str]) -> Span:
    """All that the pattern matched."""
    return match.span()


def before(match: re.Match[str]) -> str:
    """The words right before a match, in lower case; nothing from before something found already."""
    words = match.string[max(0, match.start() - _CONTEXT_CHARACTERS) : match.start()]
    return words.rpartition(FILL)[2].lower()


def trimmed(match: re.Match[str]) -> Span | None:
    """The match without the punctuation of the sentence around it."""
    start = match.start()
    kept = match[0].rstrip(".,;:!?'\"*_]}>…»”")
    if kept.endswith(")") and "(" not in kept:
        kept = kept.rstrip(").,;:!?")
    return (start, start + len(kept)) if kept else None
