"""A day on which the bot is killed again and again: people write, press and wait, and Slack has its standard faults."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from playground.manifest import read_manifest
from playground.testing import PersonHandle, PlaygroundServer, SeenMessage
from tests.reliability.apparatus.bot_process import Broken
from tests.reliability.apparatus.faults import SLACK_RETRIES_S, StandardFaults, slack_timing
from tests.reliability.apparatus.history import Delivered, Finding, FindingKind, check
from tests.reliability.apparatus.history_record import delivered_by, seen_in
from tests.reliability.apparatus.history_rows import looking_into, unsettled
from tests.reliability.apparatus.kill_figures import Life
from tests.reliability.apparatus.nursery import Child, Nursery
from tests.serving import ROOT

FOR_A_PERSON = ("the printer has feelings", "my chair squeaks")  # nothing is suggested for these
WORDS = ("vpn", "password", "vpn and password", *FOR_A_PERSON)
ASK = ("Ask a person", "None of these - ask a person")
LOOK_EVERY_S = 0.25
ASKED_PEOPLE = 5  # so many are looked at for a card to press
# Of the bot: what a killed one held is taken over after seconds, not after a minute.
QUICK_SETTINGS = {
    "FIRSTLINE_LEASE_S": "3",
    "FIRSTLINE_SLACK_TIMEOUT_S": "1",
    "FIRSTLINE_POLL_S": "0.05",
    "FIRSTLINE_MATCH_TICK_S": "0.5",
    "FIRSTLINE_RETRY_BASE_S": "0.05",
}
# The bot's absence lasts as long here as anywhere, so Slack's patience must: it goes on trying, as it does each hour.
RETRIES_S = (*SLACK_RETRIES_S, *[300.0] * 40)


@dataclass(frozen=True, slots=True)
class KillPlan:
    """How often the bot is killed, how many messages ``people`` write meanwhile, and how fast Slack's seconds go.

    A life lasts ``life_s`` at most; the kill comes at any moment of it. ``settings`` are the bot's, by environment variable.
    All is quiet when nothing new came for ``quiet_s``: longer than a tick of the matcher.
    """

    kills: int
    messages: int
    people: int
    agents: int
    seed: int
    life_s: float = 1.5
    second_s: float = 0.05
    quiet_s: float = 16.0
    events: float = 0.1
    calls: float = 0.05
    words: Sequence[str] = WORDS
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass
class KillRun:
    """One such day against one database."""

    plan: KillPlan
    slack: PlaygroundServer
    database_url: str
    nursery: Nursery
    order: str = Broken.NOTHING  # what kind of bot the nursery is to start
    lives: list[Life] = field(default_factory=list)
    said: list[SeenMessage] = field(default_factory=list)
    pressed: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.plan.seed)
        self.people = [self._newcomer("R", number) for number in range(self.plan.people)]
        self.agents = [self._newcomer("A", number) for number in range(self.plan.agents)]
        faults = StandardFaults(self.plan.second_s, self.plan.seed, self.plan.events, self.plan.calls)
        faults.befall(self.slack)

    def go_through(self) -> Child:
        """Every life but the last, each killed; then the last, which goes on."""
        for number in range(self.plan.kills):
            share = self.plan.messages * (number + 1) // self.plan.kills - len(self.said)
            self._live_and_die(share)
        return self.start()

    def start(self, *, may_die: bool = False) -> Child:
        """A new bot; Slack is told its address. With ``may_die`` it may be dead before it has one."""
        environment = {
            **self.slack.app_environment(),
            "DATABASE_URL": self.database_url,
            "FIRSTLINE_AGENTS": ",".join(agent.id for agent in self.agents),
            "FIRSTLINE_AGENT_CAPACITY": "100",
            "FIRSTLINE_OFFER_S": "86400",  # nobody answers offers here; two to one agent would be a fault
            "FIRSTLINE_HEDGE_S": "0",
            **self.plan.settings,
        }
        child = self.nursery.start(self.order, environment, may_die=may_die)
        if child.port is not None:
            self.slack.set_request_url(f"http://127.0.0.1:{child.port}/slack/events")
        return child

    def write(self, times: int, by: PersonHandle | None = None) -> None:
        """So many messages at once, by anybody unless it is said by whom."""
        for _ in range(times):
            person = by or self.dice.choice(self.people)
            self.said.append(person.dm(self.dice.choice(self.plan.words)))

    def _live_and_die(self, messages: int) -> None:
        """A life: the kill falls where it falls, between the messages or after them; the rest are written to nobody."""
        killed_after_s = self.dice.uniform(0, self.plan.life_s)
        moments = sorted(self.dice.uniform(0, self.plan.life_s) for _ in range(messages))
        ordered_s = time.time()
        child = self.start()
        up_s = time.time()
        for moment_s in [m for m in moments if m <= killed_after_s]:
            _sleep_until(up_s + moment_s)
            self.write(1)
            self._press_a_card()
        _sleep_until(up_s + killed_after_s)
        child.kill()
        self.lives.append(Life(ordered_s, up_s, time.time()))
        self.write(sum(moment_s > killed_after_s for moment_s in moments))

    def _press_a_card(self) -> None:
        """Somebody whose suggestion was no help asks for a person; once it is acknowledged, not again."""
        for person in self.dice.sample(self.people, min(ASKED_PEOPLE, len(self.people))):
            for card in person.from_app(person.dm_channel):
                button = next((label for label in ASK if label in card.buttons), None)
                if button is not None and (card.channel, card.ts) not in self.pressed:
                    if person.press(card, button).get("ok"):
                        self.pressed.add((card.channel, card.ts))
                    return

    def _newcomer(self, letter: str, number: int) -> PersonHandle:
        return self.slack.add_person(f"U0{letter}{number:04d}", f"Person {letter} {number}")

    # afterwards

    def wait_until_quiet(self, timeout_s: float) -> bool:
        """Whether all that was written arrived, and all of it was worked and answered; False when that takes too long."""
        end_s, quiet_since_s, before = time.monotonic() + timeout_s, time.monotonic(), -1
        while time.monotonic() < end_s:
            rows = self._rows_if_settled()
            if rows is None or rows != before or not self.all_arrived():
                quiet_since_s, before = time.monotonic(), rows if rows is not None else -1
            elif time.monotonic() - quiet_since_s >= self.plan.quiet_s:
                return True
            time.sleep(LOOK_EVERY_S)
        return False

    def all_arrived(self) -> bool:
        """Whether all that was written was acknowledged."""
        arrived = {each.message for each in delivered_by(self.slack) if each.is_acknowledged}
        return all((message.channel, message.ts) in arrived for message in self.said)

    def findings(self) -> list[Finding]:
        """What is wrong with the day, messages that Slack never brought included."""
        delivered = delivered_by(self.slack)
        arrived = {each.message for each in delivered}
        never = [(m.channel, m.ts) for m in self.said if (m.channel, m.ts) not in arrived]
        unheard = [Delivered("never sent", False, place) for place in never]
        return check([*delivered, *unheard], self.database_url, seen_in(self.slack))

    def finding_within(self, kinds: Sequence[FindingKind], timeout_s: float) -> set[FindingKind]:
        """Those of ``kinds`` that are found as soon as one is; empty when none is in time."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            found = {finding.kind for finding in self.findings()} & set(kinds)
            if found:
                return found
            time.sleep(LOOK_EVERY_S)
        return set()

    def _rows_if_settled(self) -> int | None:
        """How many rows the outbox has, None while some row waits."""
        if unsettled(self.database_url):
            return None
        with looking_into(self.database_url) as connection:
            return int(connection.execute(text("SELECT count(*) FROM outbox")).scalar_one())


def playground_for(plan: KillPlan) -> PlaygroundServer:
    """A Slack that forgets nothing, with the plan's seconds."""
    return PlaygroundServer(
        manifest=read_manifest(ROOT / "manifest.yml"),
        timing=slack_timing(plan.second_s, RETRIES_S),
        journal_kept=None,
    )


def _sleep_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.time()))
