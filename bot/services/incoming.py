"""A message as a service takes it, and what became of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bot.services.views import RequestView, Shown
from bot.storage.tables import RequestMessage, SupportRequest
from classifier import clean, is_greeting

MAX_TEXT = 8_000  # characters kept of one message; Slack allows 40,000
MAX_NAMES = 500  # characters kept of its files' names


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as the person meant it: ``text`` is plain, without Slack's markup. ``attachments`` are file names."""

    team_id: str
    user_id: str
    channel_id: str
    ts: str
    text: str
    thread_ts: str | None = None
    parent_user_id: str | None = None
    attachments: tuple[str, ...] = ()

    def sent_at(self, now: datetime) -> datetime:
        """When the person sent it, by Slack's clock; never after ``now``, and ``now`` when the ts cannot be read."""
        try:
            return min(now, datetime.fromtimestamp(float(self.ts), UTC))
        except (ValueError, OverflowError, OSError):
            return now

    @property
    def is_reply(self) -> bool:
        """Whether it was written in a thread."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def stored_text(self) -> str:
        """What is kept: the words, cut to MAX_TEXT, and the names of the files."""
        names = f"[attached: {', '.join(self.attachments)}]"[:MAX_NAMES] if self.attachments else ""
        return "\n".join(part for part in (self.text[:MAX_TEXT], names) if part)

    @property
    def size(self) -> dict[str, int]:
        """What the log keeps of it."""
        return {"characters": len(self.text), "files": len(self.attachments)}

    def as_message_of(self, request: SupportRequest, now: datetime) -> RequestMessage:
        """The row that makes it part of ``request``, which must be stored already; not yet in a session."""
        return RequestMessage(
            team_id=self.team_id,
            request_id=request.id,
            channel_id=self.channel_id,
            ts=self.ts,
            text=self.stored_text,
            received_at=now,
        )

    @property
    def says_nothing_yet(self) -> bool:
        """A greeting, or nothing that can be read as words: the person is asked what it is about."""
        return not self.attachments and (not has_words(self.text) or is_greeting(self.text))


class Taken(StrEnum):
    """What became of a message."""

    KNOWN = "known"  # it was here before; nothing changed
    FORGOTTEN = "forgotten"  # it came late: its author was forgotten after they wrote it
    ASKED = "asked"  # a greeting: what is it about?
    SUGGESTED = "suggested"
    TO_PERSON = "to_person"
    APPENDED = "appended"
    FORWARDED = "forwarded"  # to the agent who works on it
    REOPENED = "reopened"
    TOO_LATE = "too_late"  # its request can no longer be reopened
    UNRELATED = "unrelated"  # a reply under a message of ours that is no request of this person


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a message led to. ``event_id`` names the change; 0 where nothing was recorded."""

    taken: Taken
    incoming: Incoming
    request: RequestView | None = None
    shown: tuple[Shown, ...] = ()
    event_id: int = 0
    why: str = ""  # completes "A person will look at this, because ..."


def has_words(text: str) -> bool:
    """Whether a letter or digit is left when markup and emoji are taken away."""
    return any(character.isalnum() for character in clean(text))
