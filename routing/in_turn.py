"""Policies that give out one task after another: greedy_clock, random and longest_idle.

Each has an order of tasks and a price; every task goes to the cheapest agent with a free place, the smaller id on a tie.
An agent who lacks a skill or language (whose filter gave way) comes after everybody who has it.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from routing.eligibility import Eligibility
from routing.errors import InvalidParams
from routing.model import Agent, Task, Term
from routing.params import MatchParams, Policy
from routing.wording import say_language, say_skill

_LACK = 1000.0
_ONE_IN_HAND = 2.0
"""More than the widest spread of any policy's own term: nobody busy gets work while somebody less busy is free."""


class InTurn(ABC):
    """An order of tasks and a price for each task with each agent."""

    @abstractmethod
    def turn(self, task: Task) -> tuple[object, ...]:
        """Sort key: who is served first."""

    @abstractmethod
    def own_terms(self, task: Task, agent: Agent, in_hand: int) -> list[Term]:
        """The policy's reasons; `in_hand` counts the tasks the agent already has, this matching's included."""


class GreedyClock(InTurn):
    """The highest task goes to the highest agent among the least busy."""

    def turn(self, task: Task) -> tuple[object, ...]:
        return (-task.score, task.deadline_at, task.created_at, task.id)

    def own_terms(self, task: Task, agent: Agent, in_hand: int) -> list[Term]:
        return [_busy(agent, in_hand), Term("score", 1.0 - agent.score, f"score {agent.score:.2f}")]


class LongestIdle(InTurn):
    """The oldest task goes to whoever among the least busy finished something longest ago; never comes first."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def turn(self, task: Task) -> tuple[object, ...]:
        return (task.created_at, task.id)

    def own_terms(self, task: Task, agent: Agent, in_hand: int) -> list[Term]:
        if agent.idle_since is None:
            return [_busy(agent, in_hand), Term("idle", 0.0, "has not finished anything yet")]
        idle_minutes = max(0.0, (self._now - agent.idle_since).total_seconds()) / 60.0
        return [
            _busy(agent, in_hand),
            Term("idle", 1.0 / (1.0 + idle_minutes), f"finished the last one {idle_minutes:.0f} min ago"),
        ]


class Random(InTurn):
    """The oldest task goes to any eligible agent, by a draw that hangs on the seed and the two ids alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def turn(self, task: Task) -> tuple[object, ...]:
        return (task.created_at, task.id)

    def own_terms(self, task: Task, agent: Agent, in_hand: int) -> list[Term]:
        digest = hashlib.blake2b(repr((self._seed, task.id, agent.id)).encode(), digest_size=8).digest()
        return [Term("draw", int.from_bytes(digest, "big") / 2.0**64, "drawn at random")]


def in_turn_policy(params: MatchParams, now: datetime) -> InTurn:
    """The policy of the params. Raises InvalidParams for one that matches all tasks at once."""
    match params.policy:
        case Policy.GREEDY_CLOCK:
            return GreedyClock()
        case Policy.LONGEST_IDLE:
            return LongestIdle(now)
        case Policy.RANDOM:
            return Random(params.seed)
        case Policy.HUNGARIAN | Policy.ADAPTIVE:
            raise InvalidParams(f"the {params.policy} policy does not give out tasks one after another")


def price(
    policy: InTurn, task: Task, agent: Agent, in_hand: int, pairs: Eligibility, at: tuple[int, int]
) -> tuple[Term, ...]:
    """The policy's terms, and one for each filter that gave way for this pair; `at` is its (row, column)."""
    row = at[0]
    terms = policy.own_terms(task, agent, in_hand)
    if task.category is not None and not pairs.skill_level[at] > 0.0:
        nobody = not (pairs.candidate[row] & (pairs.skill_level[row] > 0.0)).any()
        terms.append(Term("skill", _LACK, say_skill(task.category, 0.0, nobody)))
    if task.language is not None and not pairs.speaks[at]:
        nobody = not (pairs.candidate[row] & pairs.skill_ok[row] & pairs.speaks[row]).any()
        terms.append(Term("language", _LACK, say_language(task.language, False, nobody)))
    return tuple(terms)


def total(terms: Sequence[Term]) -> float:
    """The cost that the terms add up to."""
    return math.fsum(term.value for term in terms)


def _busy(agent: Agent, in_hand: int) -> Term:
    return Term("busy", _ONE_IN_HAND * in_hand, f"{in_hand} of {agent.capacity} places taken before this one")
