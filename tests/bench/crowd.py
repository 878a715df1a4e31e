"""Many people in the playground: they write to the bot, answer in its threads and press its buttons."""

import threading
import time
from dataclasses import dataclass

from bot.ids import ActionId
from playground.block_tree import placed
from playground.control import deeds
from playground.core import Playground
from playground.errors import ControlError
from playground.testing import PlaygroundServer

TEXTS = (
    "my vpn drops every few minutes since this morning",
    "locked out of my account after the holidays, the reset page says try again later",
    "need access to the finance share for the audit, my manager has agreed",
    "outlook keeps asking me to sign in and nothing arrives",
    "the printer on the second floor prints blank pages",
    "please install visio on my laptop",
    "a new colleague starts on monday and needs everything",
    "got a strange mail asking for my bank details",
    "when does the canteen open",
)
ENDING = (ActionId.CLOSE, ActionId.WITHDRAW)  # what a requester presses when the matter is done with


@dataclass(frozen=True, slots=True)
class Written:
    """A DM that somebody wrote."""

    user: str
    channel: str
    ts: str


class Crowd:
    """``size`` people, so many that Slack's limit of one message a second for each conversation binds nobody."""

    def __init__(self, slack: PlaygroundServer, size: int) -> None:
        self._slack = slack
        self._users = [slack.add_person(f"U0B{n:04d}", f"Bench {n}").id for n in range(size)]
        self._guard = threading.Lock()
        self._next_to_press = 0
        self.written: list[Written] = []

    def write(self, number: int) -> None:
        """The next person writes a DM."""
        user = self._users[number % len(self._users)]
        channel = f"D{user[1:]}"
        ts = self._say(user, channel, f"{TEXTS[number % len(TEXTS)]} ({number})", None)
        with self._guard:
            self.written.append(Written(user, channel, ts))

    def reply(self, number: int) -> None:
        """Somebody who has written adds a word in the thread."""
        with self._guard:
            if not self.written:
                return
            first = self.written[number % len(self.written)]
        self._say(first.user, first.channel, f"one more thing ({number})", first.ts)

    @property
    def unpressed(self) -> int:
        """How many have written and not pressed yet."""
        return len(self.written) - self._next_to_press

    def press(self, _number: int) -> bool:
        """The next person whose card is there ends their request by its button; False when there is none yet."""
        with self._guard:
            if self._next_to_press == len(self.written):
                return False
            written = self.written[self._next_to_press]
        found = self._slack.look(lambda playground: _ending(playground, written))
        if found is None:
            return False
        with self._guard:
            self._next_to_press += 1
        body = {
            "channel": written.channel,
            "message_ts": found[0],
            "action_id": found[1],
            "block_id": found[2],
        }
        try:
            self._slack.run(lambda playground: deeds.act(playground, written.user, body))
        except ControlError:
            return False  # the card has changed under their finger, as cards do
        return True

    def waits_ms(self, timeout_s: float = 5.0) -> tuple[list[float], int]:
        """Milliseconds from each DM to its first answer, by the playground's time stamps; and how many have none.

        The last ones may still be on their way: ``timeout_s`` is how long they are waited for.
        """

        def look(playground: Playground) -> list[float | None]:
            return [_wait_ms(playground, written) for written in self.written]

        end_s = time.monotonic() + timeout_s
        while None in (waits := self._slack.look(look)) and time.monotonic() < end_s:
            time.sleep(0.1)
        return [wait for wait in waits if wait is not None], waits.count(None)

    def _say(self, user: str, channel: str, text: str, thread_ts: str | None) -> str:
        body = {"channel": channel, "text": text, "thread_ts": thread_ts}
        answer = self._slack.look(lambda playground: deeds.write(playground, user, body))
        return str(answer["message"]["ts"])


def _wait_ms(playground: Playground, written: Written) -> float | None:
    for reply in playground.workspace.replies(written.channel, written.ts):
        if reply.by_app:
            return (float(reply.ts) - float(written.ts)) * 1000
    return None


def _ending(playground: Playground, written: Written) -> tuple[str, str, str] | None:
    """(ts, action_id, block_id) of the button that ends a request, once its card is there."""
    for reply in playground.workspace.replies(written.channel, written.ts):
        for spot in placed(reply.blocks or []):
            if spot.action_id.partition(":")[0] in ENDING:
                return reply.ts, spot.action_id, spot.block_id
    return None
