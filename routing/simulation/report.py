"""What one policy made of one day."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from routing.params import Policy
from routing.simulation.clock import minute_of, opens
from routing.simulation.fit import fit
from routing.simulation.scenario import OFFICES, Scenario
from routing.simulation.world import World

HIGH_RISK = 0.8
"""Tasks from this percentile of harm on."""
TOP_TIER = 0.5
"""Agents from this percentile on: the published cut."""

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Record:
    """What became of one request; times are minutes of the day, None for what did not happen."""

    offered: float = np.inf
    """First offer, or the push."""
    started: float | None = None
    ends: float | None = None
    agent: str | None = None
    gave_up: float | None = None
    notified: int = 0
    asked: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class DayReport:
    """One policy's day. Times in minutes unless said, shares in [0, 1]; means are over answered tasks."""

    policy: str
    seed: int
    tasks: int
    mean_first_response: float
    """From writing to an agent who starts on it."""
    p95_first_response: float
    missed_share: float
    """Share of all tasks without a response at their deadline; who gave up before it does not count here."""
    missed_p1: float
    missed_p2: float
    missed_p3: float
    missed_p4: float
    gave_up_share: float
    carried_over_share: float
    """Left waiting when the last office closed."""
    utilisation: float
    """Share of the places' time at work that was spent on tasks."""
    gini_busy: float
    """Gini coefficient of the agents' busy shares: 0 when all are equally busy."""
    score_gap: float
    """Mean distance of the percentiles of task and agent."""
    similarity: float
    skilled_share: float
    high_risk_at_top: float
    """Share of high-risk tasks that went to the top tier."""
    risk_weighted_error: float
    """Expected share of errors, each task weighed by its harm."""
    notifications: float
    """Agents asked for each answered task."""
    accept_p95_s: float
    """From the first offer to the acceptance, seconds; 0 where work is pushed."""
    matchings: float
    """How often the policy was asked: what the server has to do."""


METRICS = tuple(f.name for f in fields(DayReport) if f.name not in {"policy", "seed", "tasks"})


def measure(
    scenario: Scenario, policy: Policy, seed: int, world: World, records: Sequence[Record], matchings: int
) -> DayReport:
    """Every metric of a day that was played."""
    priority = np.array([request.priority for request in world.requests])
    missed = _missed(world, records)
    answered = [number for number, record in enumerate(records) if record.started is not None]
    waits = np.array([_started(records[n]) - minute_of(world.requests[n].task.created_at) for n in answered])
    accepts = np.array([_started(records[n]) - records[n].offered for n in answered])
    busy = _busy_shares(scenario, world, records)
    by_priority = {
        f"missed_p{level + 1}": _mean(missed[priority == level])
        for level in range(len(scenario.deadline_minutes))
    }
    return DayReport(
        policy=policy.value,
        seed=seed,
        tasks=len(records),
        mean_first_response=_mean(waits),
        p95_first_response=_p95(waits),
        missed_share=_mean(missed),
        **by_priority,
        gave_up_share=_mean(np.array([record.gave_up is not None for record in records])),
        carried_over_share=_mean(np.array([r.started is None and r.gave_up is None for r in records])),
        utilisation=float(busy.mean()),
        gini_busy=gini(busy),
        **_fit_metrics(world, records, answered),
        notifications=_mean(np.array([records[n].notified for n in answered])),
        accept_p95_s=60.0 * _p95(accepts),
        matchings=float(matchings),
    )


def gini(values: Floats) -> float:
    """Gini coefficient in [0, 1) of values of at least 0; 0 when all are 0."""
    if not values.sum() > 0.0:
        return 0.0
    ordered = np.sort(values)
    n = len(ordered)
    ranks = np.arange(1, n + 1)
    return float(2.0 * (ranks * ordered).sum() / (n * ordered.sum()) - (n + 1.0) / n)


def _missed(world: World, records: Sequence[Record]) -> NDArray[np.bool_]:
    missed = np.zeros(len(records), dtype=bool)
    for number, (request, record) in enumerate(zip(world.requests, records, strict=True)):
        deadline = minute_of(request.task.deadline_at)
        left_at = record.gave_up if record.gave_up is not None else world.closes
        missed[number] = (record.started if record.started is not None else left_at) > deadline
    return missed


def _fit_metrics(world: World, records: Sequence[Record], answered: Sequence[int]) -> dict[str, float]:
    agents = {
        agent.id: (agent, error) for agent, error in zip(world.team.agents, world.team.errors, strict=True)
    }
    gap, alike, skilled, error, harm, top = (np.zeros(len(answered)) for _ in range(6))
    high = np.zeros(len(answered), dtype=bool)
    for place, number in enumerate(answered):
        request = world.requests[number]
        agent, errs = agents[records[number].agent or ""]
        fits = fit(request.task, agent, world.similarity)
        gap[place] = abs(request.task.score - agent.score)
        alike[place] = fits.similarity
        skilled[place] = agent.skill_level(request.task.category) > 0.0
        error[place] = min(1.0, float(errs) * fits.carelessness)
        harm[place], high[place] = request.harm, request.task.score >= HIGH_RISK
        top[place] = agent.score >= TOP_TIER
    return {
        "score_gap": _mean(gap),
        "similarity": _mean(alike),
        "skilled_share": _mean(skilled),
        "high_risk_at_top": _mean(top[high]),
        "risk_weighted_error": float((harm * error).sum() / harm.sum()) if harm.sum() > 0.0 else 0.0,
    }


def _busy_shares(scenario: Scenario, world: World, records: Sequence[Record]) -> Floats:
    """Each agent's minutes on tasks within their shift, over the shift's; parallel tasks count in places."""
    shift = 60.0 * scenario.hours
    closing = {
        agent.id: opens(OFFICES[office].zone) + shift
        for agent, office in zip(world.team.agents, world.team.office, strict=True)
    }
    busy = dict.fromkeys(closing, 0.0)
    for record in records:
        if record.agent is not None and record.started is not None and record.ends is not None:
            busy[record.agent] += max(0.0, min(record.ends, closing[record.agent]) - record.started)
    return np.array(list(busy.values())) / (shift * scenario.capacity)


def _started(record: Record) -> float:
    assert record.started is not None
    return record.started


def _mean(values: NDArray[np.generic]) -> float:
    return float(np.mean(values.astype(np.float64))) if len(values) else 0.0


def _p95(values: Floats) -> float:
    return float(np.percentile(values, 95.0)) if len(values) else 0.0
