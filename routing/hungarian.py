"""Prices of the hungarian policy: fixed scales, one function for each reason.

The scales are fixed because standardising within the batch (as the published matching does) fails on a batch of one pair
and lets one odd task change every other task's price.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from routing.eligibility import Eligibility, Floats, age_share
from routing.model import Agent, Similarity, Task, Term
from routing.params import MatchParams
from routing.wording import say_language, say_skill

_WEIGHTIEST_TASK = 3.0
"""A task counts at most as three places of load, however long it is expected to take."""


def score_gap(task_score: Floats, agent_score: Floats, overqualified: float) -> Floats:
    """Gap in [0, 1] of tasks (rows) to agents (columns): a lack counts in full, a surplus less.

    The surplus is squared: a linear one sums to the same for every way to pair tasks with agents above them, so it
    would decide nothing.
    """
    difference = task_score[:, np.newaxis] - agent_score[np.newaxis, :]
    return np.where(difference > 0.0, difference, overqualified * difference**2)


def market_similarity(
    tasks: Sequence[Task], agents: Sequence[Agent], similarity: Similarity | None
) -> Floats:
    """Best similarity in [0, 1] of each task's market to any of the agent's; 1 where either is unknown or any."""
    rows = {
        market: [_best_similarity(market, agent, similarity) for agent in agents]
        for market in {t.market for t in tasks}
    }
    return np.array([rows[task.market] for task in tasks], dtype=np.float64).reshape(len(tasks), len(agents))


def load_share(agent: Agent, place: int, weight_of_task: float) -> float:
    """Share of the capacity in hand after taking the `place`-th further task (from 1), weighted by the task's length."""
    return (agent.load + place) / agent.capacity * weight_of_task if agent.capacity else weight_of_task


def task_weight(task: Task, typical_minutes: float) -> float:
    """Expected work in places of load, 0 to 3; 1 when unknown."""
    if task.handling_minutes is None:
        return 1.0
    return min(_WEIGHTIEST_TASK, task.handling_minutes / typical_minutes)


def urgency(task: Task, now: datetime, params: MatchParams) -> float:
    """What makes a task go before others, at least 0: time waited, time waited too long, and its score."""
    age = age_share(task, now)
    late = max(0.0, age - params.late_from_share)
    return params.weight_age * age + params.weight_late * late + params.weight_priority * task.score


class HungarianPrices:
    """Costs of every task (rows) with every free place (columns), and the terms behind any one of them."""

    def __init__(
        self,
        tasks: Sequence[Task],
        agents: Sequence[Agent],
        pairs: Eligibility,
        now: datetime,
        params: MatchParams,
        similarity: Similarity | None,
    ) -> None:
        self._tasks, self._agents, self._pairs, self._now, self._params = tasks, agents, pairs, now, params
        task_scores = np.array([task.score for task in tasks], dtype=np.float64)
        agent_scores = np.array([agent.score for agent in agents], dtype=np.float64)
        self._gap = score_gap(task_scores, agent_scores, params.overqualified)
        self._similarity = market_similarity(tasks, agents, similarity)
        self._task_weight = np.array(
            [task_weight(task, params.typical_minutes) for task in tasks], dtype=np.float64
        )
        self._urgency = np.array([urgency(task, now, params) for task in tasks], dtype=np.float64)
        self.places = _free_places(agents, pairs.free_places, len(tasks))
        self._base = (
            params.weight_gap * self._gap / params.gap_scale
            + params.weight_market * (1.0 - self._similarity) / params.market_scale
            + params.weight_skill * (1.0 - pairs.skill_level)
            + params.weight_language * ~pairs.speaks
            - self._urgency[:, np.newaxis]
        )

    def place_costs(self) -> Floats:
        """Costs of shape (n_tasks, n_places), columns as in `places`."""
        owners = np.array([column for column, _ in self.places], dtype=np.int64)
        shares = np.array(
            [load_share(self._agents[column], place, 1.0) for column, place in self.places], dtype=np.float64
        )
        costs: Floats = (
            self._base[:, owners] + self._params.weight_load * self._task_weight[:, np.newaxis] * shares
        )
        return costs

    def first_place_costs(self, row: int) -> Floats:
        """Costs of one task with each agent's first free place, shape (n_agents,)."""
        shares = np.array([load_share(agent, 1, 1.0) for agent in self._agents], dtype=np.float64)
        costs: Floats = self._base[row] + self._params.weight_load * self._task_weight[row] * shares
        return costs

    def terms(self, row: int, column: int, place: int) -> tuple[Term, ...]:
        """The reasons behind one pair's cost; those that add nothing and say nothing are left out."""
        p, task, agent = self._params, self._tasks[row], self._agents[column]
        gap = Term("gap", p.weight_gap * float(self._gap[row, column]) / p.gap_scale, _say_gap(task, agent))
        share = load_share(agent, place, float(self._task_weight[row]))
        load = Term(
            "load",
            p.weight_load * share,
            f"{agent.load + place} of {agent.capacity} places taken with this one",
        )
        terms = [gap, load]
        if task.category is not None and agent.skills:
            level = float(self._pairs.skill_level[row, column])
            terms.append(
                Term(
                    "skill",
                    p.weight_skill * (1.0 - level),
                    say_skill(task.category, level, self._nobody_has_it(row)),
                )
            )
        if task.language is not None and agent.languages:
            spoken = bool(self._pairs.speaks[row, column])
            lack = 0.0 if spoken else p.weight_language
            terms.append(
                Term("language", lack, say_language(task.language, spoken, self._nobody_speaks_it(row)))
            )
        if task.market is not None and agent.markets:
            alike = float(self._similarity[row, column])
            terms.append(
                Term(
                    "market",
                    p.weight_market * (1.0 - alike) / p.market_scale,
                    f"market {task.market} is {alike:.0%} like theirs",
                )
            )
        terms.append(Term("waiting", -float(self._urgency[row]), _say_waiting(task, self._now)))
        return tuple(terms)

    def _nobody_has_it(self, row: int) -> bool:
        return not (self._pairs.candidate[row] & (self._pairs.skill_level[row] > 0.0)).any()

    def _nobody_speaks_it(self, row: int) -> bool:
        return not (self._pairs.candidate[row] & self._pairs.skill_ok[row] & self._pairs.speaks[row]).any()


def _free_places(agents: Sequence[Agent], free: NDArray[np.int64], n_tasks: int) -> list[tuple[int, int]]:
    """(agent column, how many-th further task) of every free place; the least busy first, then by id.

    No agent needs more places than there are tasks.
    """
    places = [
        (column, place)
        for column, count in enumerate(free)
        for place in range(1, min(int(count), n_tasks) + 1)
    ]
    return sorted(places, key=lambda at: (agents[at[0]].load + at[1], agents[at[0]].id))


def _best_similarity(market: str | None, agent: Agent, similarity: Similarity | None) -> float:
    if market is None or not agent.markets or market in agent.markets:
        return 1.0
    if similarity is None:
        return 0.0
    return max(
        max(similarity.get((market, own), 0.0), similarity.get((own, market), 0.0)) for own in agent.markets
    )


def _say_gap(task: Task, agent: Agent) -> str:
    if task.score > agent.score:
        return f"the task asks for {task.score:.2f}, the agent's score is {agent.score:.2f}"
    return f"the agent's score {agent.score:.2f} covers the task's {task.score:.2f}"


def _say_waiting(task: Task, now: datetime) -> str:
    waited_minutes = max(0.0, (now - task.created_at).total_seconds()) / 60.0
    left_minutes = (task.deadline_at - now).total_seconds() / 60.0
    due = f"due in {left_minutes:.0f} min" if left_minutes >= 0 else f"overdue by {-left_minutes:.0f} min"
    return f"waiting {waited_minutes:.0f} min, {due}"
