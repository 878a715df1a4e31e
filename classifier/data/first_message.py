"""What a conversation teaches: the first words of the requester, because they alone are there when the bot decides."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from classifier.data.conversations import Conversation, Message
from classifier.data.tables import Row
from classifier.errors import DataRefused
from classifier.greeting import is_greeting
from classifier.text import clean, has_words, mask_ratio


class Dropped(StrEnum):
    """Why a conversation teaches nothing, in the order in which it is asked."""

    NO_REQUESTER = "no_requester"
    EMPTY = "empty"
    ONLY_GREETING = "only_greeting"
    OVER_MASKED = "over_masked"
    NO_CATEGORY = "no_category"
    SEVERAL_CATEGORIES = "several_categories"

    @property
    def in_words(self) -> str:
        return _IN_WORDS[self]


_IN_WORDS = {
    Dropped.NO_REQUESTER: "nobody but agents and bots wrote",
    Dropped.EMPTY: "the requester wrote no words",
    Dropped.ONLY_GREETING: "the requester only greeted",
    Dropped.OVER_MASKED: "too many words are masked",
    Dropped.NO_CATEGORY: "no category",
    Dropped.SEVERAL_CATEGORIES: "more than one category",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which words count: the first `window` messages of the requester, at most `most_masked` of their words masked.

    `window` from 1 on, `most_masked` in [0, 1] as `text.mask_ratio` tells it; raises DataRefused for others. The bot leaves
    messages over .3 to a person, so those above it need not be learned from either.
    """

    window: int = 1
    most_masked: float = 0.3

    def __post_init__(self) -> None:
        if self.window < 1:
            raise DataRefused(f"a window of {self.window} messages: it must hold at least 1")
        if not 0 <= self.most_masked <= 1:
            raise DataRefused(f"{self.most_masked:g} as the share of masked words: it must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class Extract:
    """A row for each conversation that is kept, in their order, and how many are not, by reason.

    Rows have text, category, language, date (ISO 8601, "" if not told) and conversation, as `read_dataset` reads them.
    """

    rows: list[Row]
    dropped: Counter[Dropped]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those to write: a language that is never told would be read as one."""
        told = ("language",) if any(row["language"] for row in self.rows) else ()
        return ("text", "category", *told, "date", "conversation")

    def summary(self, groups: Sequence[int]) -> dict[str, Any]:
        """Counts of what is kept and dropped; `groups`: the number of each row among alike ones (`alike.numbered`)."""
        sizes = Counter(groups)
        return {
            "conversations": len(self.rows) + self.dropped.total(),
            "kept": len(self.rows),
            "dropped": {reason.value: self.dropped[reason] for reason in Dropped},
            "near_duplicates": len(self.rows) - len(sizes),
            "largest_group_of_near_duplicates": max(sizes.values(), default=0),
            "categories": dict(Counter(row["category"] for row in self.rows).most_common()),
        }


def first_messages(
    conversations: Sequence[Conversation], choice: Choice, advance: Callable[[], None] = lambda: None
) -> Extract:
    """The first words of each requester with their category; what agents and bots wrote never counts.

    Messages that only greet or hold nothing are passed over. `advance` is called after each conversation.
    """
    rows, dropped = [], Counter[Dropped]()
    for conversation in conversations:
        found = _first_message(conversation, choice)
        if isinstance(found, Dropped):
            dropped[found] += 1
        else:
            rows.append(found)
        advance()
    return Extract(rows, dropped)


def _first_message(conversation: Conversation, choice: Choice) -> Row | Dropped:
    written = conversation.requests()
    if not written:
        return Dropped.NO_REQUESTER
    greetings = [is_greeting(message.text) for message in written]
    asking = [
        message for message, greets in zip(written, greetings, strict=True) if not greets and _says(message)
    ]
    if not asking:
        return Dropped.ONLY_GREETING if any(greetings) else Dropped.EMPTY
    text = "\n".join(message.text.strip() for message in asking[: choice.window])
    if mask_ratio(clean(text)) > choice.most_masked:
        return Dropped.OVER_MASKED
    if len(conversation.categories) != 1:
        return Dropped.SEVERAL_CATEGORIES if conversation.categories else Dropped.NO_CATEGORY
    (category,) = conversation.categories
    at = asking[0].at
    return {
        "text": text,
        "category": category,
        "language": conversation.language,
        "date": at.isoformat() if at else "",
        "conversation": conversation.id,
    }


def _says(message: Message) -> bool:
    """Whether there is anything in it. Words that are masked are words: somebody asked something, it is not legible."""
    words = clean(message.text)
    return has_words(words) or mask_ratio(words) > 0
