"""Presses that arrive at the same moment at two replicas: one takes effect, and whoever lost is told in a sentence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

import pytest

from bot.services.moves import HOW_IT_ENDED, STANDS
from bot.settings import Settings
from tests.reliability.apparatus.racing import Act, Case, expire, match, open_replicas
from tests.sizes import at_full_size

TIMES = 20 if at_full_size() else 1  # 27 races, on two databases: 1,080 or 54
SENTENCES = {*STANDS.values(), *HOW_IT_ENDED.values()}
Ends = dict[tuple[tuple[str, ...], str, tuple[str, ...]], int]
"""Events since, the request's state and its assignments' -> how many were told that they came too late."""


@dataclass(frozen=True, slots=True)
class Race:
    """How it comes to it, who does what at the same moment, and every way in which it may end."""

    ready: Callable[[Case], None]
    acts: Callable[[Case], tuple[Act, Act]]
    ends: Ends


def suggested(case: Case) -> None:
    case.write("vpn")


def closed(case: Case) -> None:
    suggested(case)
    case.do(case.requester, "Yes, close my request")


def offered(case: Case) -> None:
    case.write("broken screen")
    case.match()


def overdue(case: Case) -> None:
    offered(case)
    case.clock.forward(121)


def hedged(case: Case) -> None:
    offered(case)
    case.ask_one_more()


def in_work(case: Case) -> None:
    offered(case)
    case.do(case.asked()[0], "Accept")


def told_of(case: Case) -> None:
    """Both agents have declined, and the fallback's card offers to take it."""
    offered(case)
    for turn in range(2):
        case.do(case.asked()[turn], "Decline")
        case.match()


def twice(label: str) -> Callable[[Case], tuple[Act, Act]]:
    """The requester presses one button in two windows."""
    return lambda case: (case.press(case.requester, label), case.press(case.requester, label))


def requester_and_agent(label: str, agents: str) -> Callable[[Case], tuple[Act, Act]]:
    return lambda case: (case.press(case.requester, label), case.press(case.asked()[0], agents))


def agent_both(first: str, second: str) -> Callable[[Case], tuple[Act, Act]]:
    """The agent who was asked first presses two buttons, in two windows."""
    return lambda case: (case.press(case.asked()[0], first), case.press(case.asked()[0], second))


def against(act: Act, label: str) -> Callable[[Case], tuple[Act, Act]]:
    """A job runs while the agent presses."""
    return lambda case: (act, case.press(case.asked()[0], label))


def take(*users: str) -> Callable[[Case], tuple[Act, Act]]:
    return lambda case: (
        case.press("fallback", "I'll take it", users[0]),
        case.press("fallback", "I'll take it", users[1]),
    )


YES, ASK, HELPED = "Yes, close my request", "Ask a person", "I no longer need help"
CLOSED: Ends = {(("closed_by_suggestion",), "closed_by_suggestion", ()): 1}
ESCALATED: Ends = {(("escalated",), "waiting", ()): 1}
REOPENED: Ends = {(("reopened",), "waiting", ()): 1}
ACCEPTED: Ends = {(("accepted",), "in_progress", ("accepted",)): 1}
DECLINED: Ends = {(("declined",), "waiting", ("declined",)): 1}
RESOLVED: Ends = {(("resolved", "satisfaction_asked"), "resolved", ("resolved",)): 1}
HANDED_BACK: Ends = {(("handed_back",), "waiting", ("handed_back",)): 1}
CANCELLED: Ends = {(("withdrawn",), "withdrawn", ("cancelled",)): 1}
TAKEN: Ends = {(("offered", "accepted"), "in_progress", ("declined", "declined", "accepted")): 1}
# Nobody presses in vain here: the one who was quicker is undone, and their card says so.
THEN_WITHDRAWN: Ends = {(("accepted", "withdrawn"), "withdrawn", ("cancelled",)): 0}

RACES: dict[str, Race] = {
    "close, twice": Race(suggested, twice(YES), CLOSED),
    "ask a person, twice": Race(suggested, twice(ASK), ESCALATED),
    "undo, twice": Race(closed, twice("Undo"), REOPENED),
    "withdraw, twice": Race(offered, twice(HELPED), CANCELLED),
    "accept, twice": Race(offered, agent_both("Accept", "Accept"), ACCEPTED),
    "decline, twice": Race(offered, agent_both("Decline", "Decline"), DECLINED),
    "resolve, twice": Race(in_work, agent_both("Resolve", "Resolve"), RESOLVED),
    "hand back, twice": Race(in_work, agent_both("Hand back", "Hand back"), HANDED_BACK),
    "take, twice": Race(told_of, take("UBOSS", "UBOSS"), TAKEN),
    "two take it": Race(told_of, take("UBOSS", "UANA"), TAKEN),
    "two agents accept": Race(
        hedged,
        lambda case: (case.press(case.asked()[0], "Accept"), case.press(case.asked()[1], "Accept")),
        {
            (("accepted",), "in_progress", ("accepted", "passed_over")): 1,
            (("accepted",), "in_progress", ("passed_over", "accepted")): 1,
        },
    ),
    "the first declines, the second accepts": Race(
        hedged,
        lambda case: (case.press(case.asked()[0], "Decline"), case.press(case.asked()[1], "Accept")),
        {
            (("declined", "accepted"), "in_progress", ("declined", "accepted")): 0,
            (("accepted",), "in_progress", ("passed_over", "accepted")): 1,
        },
    ),
    "two decline": Race(
        hedged,
        lambda case: (case.press(case.asked()[0], "Decline"), case.press(case.asked()[1], "Decline")),
        {(("declined", "declined"), "waiting", ("declined", "declined")): 0},
    ),
    "accept against decline": Race(offered, agent_both("Accept", "Decline"), ACCEPTED | DECLINED),
    "resolve against hand back": Race(in_work, agent_both("Resolve", "Hand back"), RESOLVED | HANDED_BACK),
    "agent and administrator resolve": Race(
        in_work,
        lambda case: (
            case.press(case.asked()[0], "Resolve"),
            case.press(case.asked()[0], "Resolve", "UBOSS"),
        ),
        RESOLVED,
    ),
    "close against ask a person": Race(
        suggested,
        lambda case: (case.press(case.requester, YES), case.press(case.requester, ASK)),
        CLOSED | ESCALATED,
    ),
    "undo against ask a person": Race(
        closed,
        lambda case: (case.press(case.requester, "Undo"), case.press(case.requester, ASK)),
        REOPENED,
    ),
    "undo against reply": Race(
        closed,
        lambda case: (case.press(case.requester, "Undo"), case.reply("more")),
        {
            (("reopened", "appended"), "waiting", ()): 0,
            (("appended", "reopened"), "waiting", ()): 1,
        },
    ),
    "two replies": Race(
        closed,
        lambda case: (case.reply("more"), case.reply("and more")),
        {(("appended", "reopened", "appended"), "waiting", ()): 0},
    ),
    "withdraw against accept": Race(
        offered, requester_and_agent(HELPED, "Accept"), CANCELLED | THEN_WITHDRAWN
    ),
    "withdraw against decline": Race(
        offered,
        requester_and_agent(HELPED, "Decline"),
        CANCELLED | {(("declined", "withdrawn"), "withdrawn", ("declined",)): 0},
    ),
    "withdraw against resolve": Race(in_work, requester_and_agent(HELPED, "Resolve"), CANCELLED | RESOLVED),
    "withdraw against hand back": Race(
        in_work,
        requester_and_agent(HELPED, "Hand back"),
        CANCELLED | {(("handed_back", "withdrawn"), "withdrawn", ("handed_back",)): 0},
    ),
    "running out against accept": Race(
        overdue,
        against(expire, "Accept"),
        {
            (("accepted",), "in_progress", ("accepted",)): 0,
            (("expired",), "waiting", ("expired",)): 1,
        },
    ),
    "running out against decline": Race(
        overdue,
        against(expire, "Decline"),
        {
            (("declined",), "waiting", ("declined",)): 0,
            (("expired",), "waiting", ("expired",)): 1,
        },
    ),
    "two matchers": Race(
        lambda case: case.write("broken screen"),
        lambda _case: (match, match),
        {(("offered",), "offered", ("offered",)): 0},
    ),
}


def seat_is_free(case: Case) -> None:
    """Whoever is still waiting, or has work in hand, is done with: the next race finds everybody free."""
    if case.row().state.value in ("suggested", "waiting", "offered", "in_progress"):
        case.look()
        case.cards.setdefault((case.requester, HELPED), ("withdraw_request", str(case.request_id)))
        case.press(case.requester, HELPED)(case.desks[0])
        assert case.row().state.value == "withdrawn"


@pytest.fixture
def cases(database_url: str, make_settings: Callable[..., Settings]) -> Iterator[Callable[[], Case]]:
    """Make a case of a requester of its own."""
    desks, clock = open_replicas(
        database_url, make_settings(firstline_agents=("UANA", "UBEN"), firstline_admins=("UBOSS",))
    )
    numbers = count(1)
    yield lambda: Case(desks, clock, f"URACE{next(numbers)}")
    for desk in desks:
        desk.deps.db.dispose()


def test_one_takes_effect_and_the_other_is_told(cases: Callable[[], Case]) -> None:
    """Every race ends in one of the ways that are written beside it, in rows, events and what the loser reads."""
    for number in range(TIMES):
        for name, race in RACES.items():
            random = Random(f"{name} {number}")
            case = cases()
            race.ready(case)
            outcome = case.race(random, *race.acts(case))
            where = f"{name}, run {number}: {outcome}"
            key = (outcome.events, outcome.state, outcome.assignments)
            assert key in race.ends, where
            assert len(outcome.told) == race.ends[key], where
            assert set(outcome.told) <= SENTENCES, where
            case.check_history()
            seat_is_free(case)
