"""One day at the desk, event by event, with its own clock; the production `match` decides who gets what."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

import numpy as np

from routing.adaptive.roster import Roster
from routing.errors import InvalidParams
from routing.matching import match
from routing.model import Agent, Task
from routing.params import MatchParams, Policy
from routing.remaining import expected_remaining
from routing.simulation.clock import at, minute_of
from routing.simulation.fit import fit
from routing.simulation.offers import HEDGE_MINUTES, Answer, react
from routing.simulation.report import DayReport, Record, measure
from routing.simulation.scenario import Scenario
from routing.simulation.world import Request, World, draw_world

_TICK_MINUTES = 0.5


class _Kind(IntEnum):
    """Order of events at the same moment: places become free before work comes in, then the tick."""

    DONE = 0
    REACTION = 1
    GIVES_UP = 2
    HEDGE = 3
    ARRIVAL = 4
    TICK = 5


@dataclass(frozen=True, slots=True)
class _Event:
    kind: _Kind
    request: int = -1
    agent: str = ""
    answer: Answer = Answer.ACCEPTED


@dataclass(slots=True)
class _Hands:
    """What one agent is at: started minute and expected minutes by request, and minutes of finished work."""

    tasks: dict[int, tuple[float, float]] = field(default_factory=dict)
    done_minutes: float = 0.0


def simulate(
    scenario: Scenario, params: MatchParams, seed: int, progress: Callable[[int], None] = lambda done: None
) -> DayReport:
    """Play one day. `progress` is told of every task that is given out. Raises InvalidParams if no task arrives."""
    world = draw_world(scenario, seed)
    if not world.requests:
        raise InvalidParams(f"no task arrives with seed {seed}: more hours, agents or load are needed")
    desk = Desk(scenario, params, world, seed, progress)
    desk.play()
    return measure(scenario, params.policy, seed, world, desk.records, desk.matchings)


class Desk:
    """The state of one simulated day."""

    def __init__(
        self,
        scenario: Scenario,
        params: MatchParams,
        world: World,
        seed: int,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        # A desk knows its own mean handling time.
        adaptive = replace(params.adaptive, typical_minutes=scenario.mean_minutes)
        self._scenario, self._params, self._world = scenario, replace(params, adaptive=adaptive), world
        self._seed, self._progress = seed, progress
        self._number_of = {request.task.id: number for number, request in enumerate(world.requests)}
        self._roster = Roster(world.team.agents, world.similarity)
        self._agents = {agent.id: agent for agent in world.team.agents}
        self._hands = {agent.id: _Hands() for agent in world.team.agents}
        self._opens = {agent.id: _opening(agent) for agent in world.team.agents}
        self._waiting: dict[int, Task] = {}
        self._offers: dict[int, set[str]] = {}
        self._changed: set[str] = set()
        self._events: list[tuple[float, _Kind, int, _Event]] = []
        self._pushed = 0
        self.matchings = 0
        self.records = [Record() for _ in world.requests]

    def play(self) -> None:
        """Until the last office closes; what waits then is carried over to the next day."""
        for number, request in enumerate(self._world.requests):
            self._push(minute_of(request.task.created_at), _Event(_Kind.ARRIVAL, number))
        every = self._scenario.rerank_s / 60.0 or _TICK_MINUTES
        self._push(minute_of(self._world.requests[0].task.created_at) + every, _Event(_Kind.TICK))
        while self._events and self._events[0][0] < self._world.closes:
            minute, kind, _, event = heapq.heappop(self._events)
            self._handle(event, minute)
            if kind is _Kind.TICK:
                self._estimate(minute)
                self._push(minute + every, event)
            if kind is _Kind.TICK or not self._scenario.rerank_s:
                self._give_out(minute)

    def _handle(self, event: _Event, minute: float) -> None:
        match event.kind:
            case _Kind.ARRIVAL:
                self._waiting[event.request] = self._request(event).task
                self._push(minute + self._request(event).patience, _Event(_Kind.GIVES_UP, event.request))
            case _Kind.DONE:
                self._finish(event, minute)
            case _Kind.REACTION:
                self._answer(event, minute)
            case _Kind.HEDGE:
                if self._is_open(event.request) and event.request not in self._waiting:
                    self._wait_again(event.request)
            case _Kind.GIVES_UP:
                if self._is_open(event.request):
                    self.records[event.request].gave_up = minute
                    self._withdraw(event.request)

    def _give_out(self, minute: float) -> None:
        if not self._waiting or not any(agent.free_places for agent in self._agents.values()):
            return
        if self._changed:
            self._roster = self._roster.updated(self._agents[agent_id] for agent_id in self._changed)
            self._changed.clear()
        self.matchings += 1
        matching = match(self._waiting.values(), self._roster, at(minute), self._params)
        for given in matching.assignments:
            number = self._number_of[given.task_id]
            del self._waiting[number]
            if self._scenario.offers:
                self._offer(number, given.agent_id, minute)
            else:
                self._load(given.agent_id, 1)
                self._start(number, given.agent_id, minute)
        self._progress(len(matching.assignments))

    def _offer(self, number: int, agent_id: str, minute: float) -> None:
        record = self.records[number]
        record.notified += 1
        record.offered = min(record.offered, minute)
        self._offers.setdefault(number, set()).add(agent_id)
        self._load(agent_id, 1)
        reaction = react(self._seed, self._world.requests[number].task.id, agent_id)
        self._push(
            minute + reaction.minutes,
            _Event(_Kind.REACTION, number, agent_id, reaction.answer),
        )
        self._push(minute + HEDGE_MINUTES, _Event(_Kind.HEDGE, number))
        record.asked = record.asked | {agent_id}

    def _answer(self, event: _Event, minute: float) -> None:
        asked = self._offers.get(event.request, set())
        if event.agent not in asked:
            return  # withdrawn meanwhile: somebody else was quicker, or the requester gave up
        asked.discard(event.agent)
        if event.answer is Answer.ACCEPTED:
            self._withdraw(event.request)
            self._start(event.request, event.agent, minute)
        else:
            self._load(event.agent, -1)
            if event.request not in self._waiting:
                self._wait_again(event.request)

    def _withdraw(self, number: int) -> None:
        """Nobody else is to answer any more."""
        self._waiting.pop(number, None)
        for agent_id in self._offers.pop(number, set()):
            self._load(agent_id, -1)

    def _wait_again(self, number: int) -> None:
        self._waiting[number] = replace(
            self._world.requests[number].task, declined_by=self.records[number].asked
        )

    def _start(self, number: int, agent_id: str, minute: float) -> None:
        """The place is taken already: by the push, or by the offer that was accepted."""
        request, agent = self._world.requests[number], self._agents[agent_id]
        takes = request.minutes * fit(request.task, agent, self._world.similarity).slowness
        record = self.records[number]
        record.started, record.ends, record.agent = minute, minute + takes, agent_id
        record.offered = min(record.offered, minute)
        record.notified = max(1, record.notified)
        expected = (request.task.handling_minutes or 0.0) * agent.pace
        self._hands[agent_id].tasks[number] = (minute, expected)
        self._push(minute + takes, _Event(_Kind.DONE, number, agent_id))

    def _finish(self, event: _Event, minute: float) -> None:
        started, _ = self._hands[event.agent].tasks.pop(event.request)
        self._hands[event.agent].done_minutes += minute - started
        self._agents[event.agent] = replace(self._agents[event.agent], idle_since=at(minute), free_at=())
        self._load(event.agent, -1)

    def _estimate(self, minute: float) -> None:
        """Tell the roster when everybody should be free, and how busy they were, as a real desk would at a tick."""
        if self._params.policy is not Policy.ADAPTIVE:
            return  # nobody else reads it
        going = [
            (agent_id, *times) for agent_id, hands in self._hands.items() for times in hands.tasks.values()
        ]
        started, expected = (np.array([entry[place] for entry in going]) for place in (1, 2))
        left = expected_remaining(expected, minute - started, self._scenario.spread)
        free_at: dict[str, list[datetime]] = {}
        for (agent_id, *_), minutes in zip(going, left.tolist(), strict=True):
            free_at.setdefault(agent_id, []).append(at(minute + minutes))
        for agent_id, hands in self._hands.items():
            worked = hands.done_minutes + sum(minute - since for since, _ in hands.tasks.values())
            at_work = max(1.0, minute - self._opens[agent_id]) * self._scenario.capacity
            self._agents[agent_id] = replace(
                self._agents[agent_id],
                free_at=tuple(free_at.get(agent_id, ())),
                busy_share=min(1.0, max(0.0, worked / at_work)),
            )
            self._changed.add(agent_id)

    def _load(self, agent_id: str, by: int) -> None:
        agent = self._agents[agent_id]
        free_at = agent.free_at[: agent.load + by]
        self._agents[agent_id] = replace(agent, load=agent.load + by, free_at=free_at)
        self._changed.add(agent_id)

    def _is_open(self, number: int) -> bool:
        record = self.records[number]
        return record.agent is None and record.gave_up is None

    def _request(self, event: _Event) -> Request:
        return self._world.requests[event.request]

    def _push(self, minute: float, event: _Event) -> None:
        self._pushed += 1  # events of one moment and kind keep the order they were pushed in
        heapq.heappush(self._events, (minute, event.kind, self._pushed, event))


def _opening(agent: Agent) -> float:
    return 0.0 if agent.hours is None else minute_of(agent.hours.changes_at(at(0.0)))
