"""Slack's mrkdwn, both ways: what a person meant, and what people wrote made harmless before it is shown.

Between ``<`` and ``>`` Slack reads instructions (``<!channel>``, ``<@U1>``, links); escaped, they are only words.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate, takewhile

from slack_sdk.models.blocks import MarkdownTextObject

from classifier import Answer

SECTION_LIMIT = 3000  # characters of a section's text, escapes included
NO_WORDS = "(no words)"  # stands where they were, or never were
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LABELLED = re.compile(r"<(?:[@#]|!subteam\^|!date\^)[^<>|]*\|([^<>]*)>")
_BROADCAST = re.compile(r"<!(channel|here|everyone)(?:\|[^<>]*)?>")
_BARE = re.compile(r"<([@#][A-Z0-9]+)>")
_LINK = re.compile(r"<((?:https?|mailto|tel):[^<>|]+)(?:\|([^<>]*))?>")
# What nobody can see but everything trips over: NUL and other controls (not tab and newline), half surrogate pairs,
# and the controls that make text read backwards.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def plain(mrkdwn: str) -> str:
    """The words of a message as its author saw them, with newlines and emoji, without markup or unseen characters."""
    words = _LABELLED.sub(lambda found: found[1], mrkdwn)
    words = _BROADCAST.sub(r"@\1", words)
    words = _BARE.sub(r"\1", words)
    words = _LINK.sub(lambda found: _link_words(found[1], found[2]), words)
    words = words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return _UNSEEN.sub("", words).strip()


def escape(words: str, limit: int = SECTION_LIMIT) -> str:
    """``words`` harmless inside mrkdwn, cut to ``limit`` characters (never inside an escape)."""
    pieces = [_ESCAPES.get(character, character) for character in _UNSEEN.sub("", words)]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    left = limit - len("…")
    kept = list(takewhile(lambda so_far: so_far <= left, accumulate(map(len, pieces))))
    return "".join(pieces[: len(kept)]) + "…"


def quote(words: str, limit: int = SECTION_LIMIT) -> str:
    """People's words as a quotation, escaped; every line is marked, so that none passes for the bot's own.

    Where there are none, or none any more, it says so.
    """
    lines = escape(words, limit - len("> ")).splitlines() or [NO_WORDS]
    quoted = "\n".join(f"> {line}" for line in lines)
    if len(quoted) <= limit:
        return quoted
    return quoted[: limit - len("\n> …")].rsplit("\n", 1)[0] + "\n> …"


def words_of(text: str) -> MarkdownTextObject:
    """mrkdwn in which Slack makes nothing live on its own: no bare URL, name or @channel."""
    return MarkdownTextObject(text=text, verbatim=True)


def person(user_id: str) -> str:
    """A mention."""
    return f"<@{user_id}>"


def moment(when: datetime) -> str:
    """A time that Slack shows in each reader's own time zone."""
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} at {{time}}|{when:%Y-%m-%d %H:%M} UTC>"


def duration(seconds: float) -> str:
    """A length of time as people say it: "45 s", "12 min", "3.5 h", "2 days"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.1f} h".replace(".0 h", " h")
    return f"{seconds / 86400:.1f} days".replace(".0 days", " days")


def category_name(category: str | None, answers: Mapping[str, Answer]) -> str:
    """A category as people call it: by its answer's name, else its id as words. Not escaped."""
    if category is None:
        return "unknown"
    return answers[category].name if category in answers else category.replace("_", " ")


def _link_words(address: str, label: str | None) -> str:
    shown = address.removeprefix("mailto:").removeprefix("tel:")
    return shown if label is None or label in shown else f"{label} ({shown})"
