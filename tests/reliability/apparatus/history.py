"""Whether a history is sound: what Slack delivered, what the database holds, and what people saw, held against each other.

    findings = check(delivered_by(slack), database_url, seen_in(slack))
    assert findings == []

Independent of the bot: no code of it is used, only its tables' and keys' names. To be asked when all is quiet: nothing
is on its way, and nothing waits for a next attempt. Not looked at: modals, home pages, and what is said privately.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, pairwise

from tests.reliability.apparatus.history_rows import Assigned, Place, Rows, Told, read_rows

ANSWERS = ("card", "ask")  # kinds of messages that answer a person's first words
FINAL = ("done", "dead")
NEVER_AGAIN = ("declined", "handed_back")  # an agent who said so is not asked once more


class FindingKind(StrEnum):
    """What can be wrong with a history."""

    LOST = "lost"  # a DM with neither a request nor an answer
    NOT_STORED = "not_stored"  # acknowledged, and no row of the inbox
    UNANSWERED = "unanswered"  # a request in whose thread nobody sees an answer
    ANSWERED_TWICE = "answered_twice"
    OFFERED_TWICE = "offered_twice"  # to the same agent for the same request
    ESCALATED_TWICE = "escalated_twice"
    SAID_TWICE = "said_twice"  # anything else that is there twice
    UNSEEN = "unseen"  # marked as said, and nobody sees it
    UNWRITTEN = "unwritten"  # seen, and no row of the outbox
    DEAD_LETTER = "dead_letter"
    UNFINISHED = "unfinished"  # a row that is neither done nor given up


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault; ``what`` names the message, row or request."""

    kind: FindingKind
    what: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """A direct message or a click that Slack told of. ``delivery_id`` is the event's id, or the click's trigger.

    ``message`` is where a person's direct message stands and ``thread_ts`` its thread; both None for a click.
    """

    delivery_id: str
    is_acknowledged: bool
    message: Place | None = None
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the bot's that people see. ``key`` is the dedupe key in its metadata, None where it bears none."""

    channel: str
    ts: str
    thread_ts: str | None
    key: str | None
    words: str

    @property
    def kind(self) -> str:
        """What it is: "card", "offer", "line", ... of a key such as ``T1:card:17``."""
        return self.key.split(":")[1] if self.key else ""


@dataclass(frozen=True, slots=True)
class _History:
    delivered: Sequence[Delivered]
    rows: Rows
    seen: Sequence[Seen]


def check(delivered: Sequence[Delivered], database_url: str, seen: Sequence[Seen]) -> list[Finding]:
    """Every fault of the history, by kind; empty when it is sound."""
    history = _History(delivered, read_rows(database_url), seen)
    return list(chain.from_iterable(look(history) for look in _LOOKS))


def _lost(history: _History) -> Iterator[Finding]:
    threads = {(seen.channel, seen.thread_ts) for seen in history.seen}
    for delivered in history.delivered:
        if delivered.message is None or delivered.message in history.rows.taken:
            continue
        channel, ts = delivered.message
        if (channel, delivered.thread_ts or ts) not in threads:
            yield Finding(FindingKind.LOST, f"message {channel} {ts}")


def _not_stored(history: _History) -> Iterator[Finding]:
    stored = {heard.delivery_key.partition(":")[2] for heard in history.rows.inbox}
    for delivered in history.delivered:
        if delivered.is_acknowledged and delivered.delivery_id not in stored:
            yield Finding(FindingKind.NOT_STORED, delivered.delivery_id)


def _unanswered(history: _History) -> Iterator[Finding]:
    answered = {(seen.channel, seen.thread_ts) for seen in history.seen if seen.kind in ANSWERS}
    for request in history.rows.requests.values():
        if request.thread not in answered:
            yield Finding(FindingKind.UNANSWERED, f"request {request.id}")


def _answered_twice(history: _History) -> Iterator[Finding]:
    for kind in ANSWERS:
        threads = Counter((seen.channel, seen.thread_ts) for seen in history.seen if seen.kind == kind)
        for (channel, thread_ts), times in threads.items():
            if times > 1:
                yield Finding(FindingKind.ANSWERED_TWICE, f"{kind} in {channel} {thread_ts}")


def _offered_twice(history: _History) -> Iterator[Finding]:
    yield from _twice(history, FindingKind.OFFERED_TWICE, lambda kind: kind == "offer")
    given: defaultdict[tuple[int, str], list[Assigned]] = defaultdict(list)
    for assigned in history.rows.assignments:
        given[assigned.request_id, assigned.agent_id].append(assigned)
    for (request_id, agent_id), assignments in given.items():
        for earlier, later in pairwise(assignments):
            is_over = earlier.ended_at is not None and earlier.ended_at <= later.offered_at
            if not is_over or earlier.state in NEVER_AGAIN:
                yield Finding(FindingKind.OFFERED_TWICE, f"request {request_id} to {agent_id}")


def _escalated_twice(history: _History) -> Iterator[Finding]:
    """A request goes to a person once; from then on it can only come back to one."""
    for request_id in history.rows.requests:
        kinds = history.rows.events.get(request_id, ())
        if sum(kind in ("escalated", "abstained") for kind in kinds) > 1:
            yield Finding(FindingKind.ESCALATED_TWICE, f"request {request_id}")


def _said_twice(history: _History) -> Iterator[Finding]:
    yield from _twice(history, FindingKind.SAID_TWICE, lambda kind: kind not in (*ANSWERS, "offer"))


def _twice(history: _History, found: FindingKind, wanted: Callable[[str], bool]) -> Iterator[Finding]:
    keys = Counter(seen.key for seen in history.seen if seen.key and wanted(seen.kind))
    for key, times in keys.items():
        if times > 1:
            yield Finding(found, f"{times} times {key}")


def _unseen(history: _History) -> Iterator[Finding]:
    said = {seen.key: seen for seen in history.seen}
    for told in history.rows.outbox:
        if told.kind == "post" and told.state == "done" and told.dedupe_key not in said:
            yield Finding(FindingKind.UNSEEN, told.dedupe_key)
    for told in _last_updates(history.rows.outbox).values():
        seen = said.get(f"{told.dedupe_key.partition(':')[0]}:{told.message_key}")
        if seen is not None and seen.words != told.words:
            yield Finding(FindingKind.UNSEEN, told.dedupe_key)


def _last_updates(outbox: Iterable[Told]) -> Mapping[str | None, Told]:
    """Of each message the last change that was made, if one was."""
    return {told.message_key: told for told in outbox if told.kind == "update" and told.state == "done"}


def _unwritten(history: _History) -> Iterator[Finding]:
    written = {told.dedupe_key for told in history.rows.outbox}
    for seen in history.seen:
        if seen.key not in written:
            yield Finding(FindingKind.UNWRITTEN, f"{seen.key} in {seen.channel} {seen.ts}")


def _unsettled(history: _History) -> Iterator[Finding]:
    inbox = [(f"inbox {heard.delivery_key}", heard.state, heard.fault) for heard in history.rows.inbox]
    outbox = [(f"outbox {told.dedupe_key}", told.state, told.fault) for told in history.rows.outbox]
    for what, state, fault in (*inbox, *outbox):
        if state == "dead":
            yield Finding(FindingKind.DEAD_LETTER, f"{what}: {fault}")
        elif state not in FINAL:
            yield Finding(FindingKind.UNFINISHED, f"{what}: {state}")


_LOOKS = (
    _lost,
    _not_stored,
    _unanswered,
    _answered_twice,
    _offered_twice,
    _escalated_twice,
    _said_twice,
    _unseen,
    _unwritten,
    _unsettled,
)
