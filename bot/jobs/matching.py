"""The matcher: a thread that offers waiting requests as soon as there is something to offer, and at every tick."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from bot.delivery import say
from bot.deps import Deps
from bot.jobs.offers import expire_offers
from bot.services import agents
from bot.services.line import teams_waiting
from bot.services.matching import Offered, look_only, offer_waiting
from routing import WaitReason

log = structlog.get_logger(__name__)

TROUBLE_PAUSE_S = 1.0  # after a run that failed: somebody may wait beside a free agent, so not the whole tick

REST = 9.0  # times as long as it ran: with a long line a run takes a while, and those who write are answered meanwhile
MOST_REST_S = 1.0
REST_FULL = 49.0  # the same while nobody has a place free, as a run could only tell those who have just come that it is so
MOST_REST_FULL_S = 5.0

OnLeft = Callable[[Mapping[WaitReason, int]], None]  # told how many requests a run left waiting, by why


def _nobody_listens(_left: Mapping[WaitReason, int]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Memory:
    """What a matcher knows from one run to the next; a new one, which knows nothing, begins again and tells again."""

    looked_to: dict[str, int] = field(default_factory=dict)  # by workspace, where the next run goes on
    unreadable: set[tuple[str, str]] = field(default_factory=set)  # whom it has logged: (team, agent)


def match_all(deps: Deps, on_left: OnLeft = _nobody_listens, memory: Memory | None = None) -> int:
    """Offer what waits, workspace by workspace, each in a unit of work of its own; return the number of offers.

    A unit of work is opened only where a look has shown that there is something to do: on SQLite it holds up all others.
    """
    memory = memory or Memory()
    with deps.db.reading() as session:
        teams = teams_waiting(session)
    offers, left = 0, Counter[WaitReason]()
    for team_id in teams:
        after = memory.looked_to.get(team_id, 0)
        result = _look(deps, team_id, after) or _offer(deps, team_id, after)
        memory.looked_to[team_id] = result.looked_to
        _tell_unreadable(memory, team_id, result)
        offers += len(result.offers)
        left.update(result.left)
    on_left(left)
    return offers


def _look(deps: Deps, team_id: str, after: int) -> Offered | None:
    with deps.db.reading() as session:
        return look_only(session, deps.clock(), team_id, deps.settings, after)


def _offer(deps: Deps, team_id: str, after: int) -> Offered:
    with deps.work() as session:
        now = deps.clock()
        result = offer_waiting(session, now, team_id, deps.settings, after)
        say.offered(session, now, result, deps.settings, deps.answers)
    return result


def _tell_unreadable(memory: Memory, team_id: str, result: Offered) -> None:
    """Log once for each agent that their row cannot be read, not in every run."""
    for agent_id in result.unreadable:
        if (team_id, agent_id) not in memory.unreadable:
            log.warning("agent_unreadable", team_id=team_id, agent_id=agent_id)
            memory.unreadable.add((team_id, agent_id))


class Matcher:
    """Runs :func:`match_all` when ``wake.matching`` is set and every firstline_match_tick_s seconds."""

    def __init__(self, deps: Deps, on_left: OnLeft = _nobody_listens) -> None:
        self._deps = deps
        self._on_left = on_left
        self._memory = Memory()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="matcher", daemon=True)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Finish the run in work and end; False when it outlasts ``timeout_s``."""
        self._stopping.set()
        self._deps.wake.matching.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def step(self) -> float:
        """End what has run out, and match; return after how many seconds to do so again at the latest."""
        tick_s = self._deps.settings.firstline_match_tick_s
        # Cleared before the run: a request that arrives during it is seen by the next.
        self._deps.wake.matching.clear()
        try:
            expire_offers(self._deps)
            match_all(self._deps, self._on_left, self._memory)
        except Exception as error:  # a job's edge: the next step tries again
            log.error("matching_failed", error=type(error).__name__)
            return min(TROUBLE_PAUSE_S, tick_s)
        return tick_s

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_s = time.monotonic()
            wait_s = self.step()
            self._rest(time.monotonic() - began_s)
            if not self._stopping.is_set():  # the step may have cleared the flag that `stop` set
                self._deps.wake.matching.wait(wait_s)

    def _rest(self, ran_s: float) -> None:
        """Rest; and on for as long as nobody has room, up to REST_FULL."""
        began_s = time.monotonic()
        rest_s, full_s = min(REST * ran_s, MOST_REST_S), min(REST_FULL * ran_s, MOST_REST_FULL_S)
        while (
            not self._stopping.wait(rest_s) and time.monotonic() - began_s < full_s and not self._has_room()
        ):
            pass

    def _has_room(self) -> bool:
        """Whether anybody could be offered what waits; what has run out makes room. True where nothing waits."""
        deps = self._deps
        try:
            expire_offers(deps)
            with deps.db.reading() as session:
                teams = teams_waiting(session)
                return not teams or any(
                    agents.has_room(session, deps.clock(), team_id, deps.settings) for team_id in teams
                )
        except Exception as error:  # a job's edge: the run that follows tells more
            log.error("matching_failed", error=type(error).__name__)
            return True
