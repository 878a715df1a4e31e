"""Personal data in a message, replaced by what it is: "call me on <PHONE>", so that words are read and people are not.

One rule settles overlaps: kinds are looked for in the order of `Kind`, and within a kind from left to right; what was found
is not looked at again. Names of people are not looked for: without a dictionary they cannot be told from words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from classifier.personal_data.addresses import EMAILS, HOSTS, IPS, MACS, URLS
from classifier.personal_data.kinds import FILL, Detector, Kind, Span
from classifier.personal_data.numbers import CARDS, IBANS, PHONES
from classifier.personal_data.secrets import ACCOUNTS, KEYS, PASSWORDS

__all__ = ["Found", "Kind", "find", "redact"]

_DETECTORS: tuple[Detector, ...] = (
    *URLS, *PASSWORDS, *KEYS, *EMAILS, *IBANS, *CARDS, *MACS, *HOSTS, *IPS, *ACCOUNTS, *PHONES,
)  # fmt: skip
_PLACEHOLDER = re.compile(f"<(?:{'|'.join(Kind)})>")


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """`text[start:end]` is of this kind."""

    start: int
    end: int
    kind: Kind


def redact(text: str) -> str:
    """The text with `<EMAIL>`, `<PHONE>`, ... in place of what `find` finds, until there is nothing more to find.

    What was taken out can bare something that was hidden before; each round takes out at least one character for good.
    """
    while found := find(text):
        text = "".join(_pieces(text, found))
    return text


def _pieces(text: str, found: tuple[Found, ...]) -> Iterator[str]:
    place = 0
    for one in found:
        yield text[place : one.start]
        yield f"<{one.kind}>"
        place = one.end
    yield text[place:]


def find(text: str) -> tuple[Found, ...]:
    """What is personal in a text, from left to right, without overlaps; placeholders are not."""
    hidden = _PLACEHOLDER.sub(lambda match: FILL * len(match[0]), text)
    lowered = text.lower()
    found: list[Found] = []
    for detector in _DETECTORS:
        if detector.needs and not any(need in lowered for need in detector.needs):
            continue
        spans = list(_taken(detector, hidden))
        if spans:
            found += (Found(start, end, detector.kind) for start, end in spans)
            hidden = _hide(hidden, spans)
    return tuple(sorted(found))


def _taken(detector: Detector, hidden: str) -> Iterator[Span]:
    """Spans from left to right that overlap neither each other nor what is hidden."""
    reached = 0
    for match in detector.pattern.finditer(hidden):
        span = detector.take(match)
        if span and span[0] >= reached and FILL not in hidden[slice(*span)]:
            reached = span[1]
            yield span


def _hide(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    place = 0
    for start, end in spans:
        pieces += text[place:start], FILL * (end - start)
        place = end
    return "".join((*pieces, text[place:]))
