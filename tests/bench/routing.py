"""How quick routing is, and what its policies make of simulated days: the table in docs/routing.md.

Agents and tasks are drawn as `routing.simulation` draws them. Matching 1 at full size needs the published files in the
folder that FIRSTLINE_DATA names, and is left out without them.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from routing import MatchParams, Policy, Roster, match, rank
from routing.originals.comparison import run_published
from routing.originals.scoring import score
from routing.originals.tables import read_agents, read_similarity, read_tasks
from routing.simulation import METRICS, DayReport, Scenario, draw_world, simulate
from routing.simulation.clock import at
from tests.bench.figures import Target, note, percentiles

NOON = 12 * 60.0
DESK = Scenario()
TOLD = (
    "mean_first_response",
    "similarity",
    "high_risk_at_top",
    "risk_weighted_error",
    "missed_p1",
    "gini_busy",
    "notifications",
    "accept_p95_s",
    "utilisation",
)


def measure(seeds: int) -> tuple[dict[str, Any], list[Target]]:
    """Speed first, while nothing else runs, then the days."""
    one, many, published = _rank_one(), _rerank(), _matching_1()
    figures: dict[str, Any] = {
        "rank_one_among_1415_us": one,
        "rerank_1000_waiting_200_free_ms": many,
        "matching_1_s": published,
    }
    targets = [
        Target("one task among 1,415 agents, p95, us", one["p95"], 200.0),
        Target("1,000 waiting x 200 free, p50, ms", many["p50"], 10.0),
        Target("1,000 waiting x 200 free, p95, ms", many["p95"], 50.0),
    ]
    if published is not None:
        targets.append(Target("matching 1, all tiers, s", published, 5.0))
    days = {name: _days(name, *of, range(seeds)) for name, of in _rows().items()}
    return figures | {"seeds": seeds, "days": days}, [*targets, *_of_days(days)]


def _rows() -> dict[str, tuple[Scenario, Policy]]:
    return {
        "adaptive": (DESK, Policy.ADAPTIVE),
        "hungarian every minute": (replace(DESK, rerank_s=60.0), Policy.HUNGARIAN),
        "longest idle": (DESK, Policy.LONGEST_IDLE),
        "adaptive, load 1.10": (replace(DESK, load=1.1), Policy.ADAPTIVE),
        "adaptive, team of 12": (replace(DESK, agents=12), Policy.ADAPTIVE),
        "adaptive, with offers": (replace(DESK, offers=True), Policy.ADAPTIVE),
    }


def _of_days(days: dict[str, dict[str, float]]) -> list[Target]:
    ours = days["adaptive"]
    return [
        Target("similarity", ours["similarity"], 0.945, at_least=True),
        Target("high-risk tasks at top tier", ours["high_risk_at_top"], 0.95, at_least=True),
        Target("risk-weighted error", ours["risk_weighted_error"], 0.06),
        Target("mean first response, min", ours["mean_first_response"], 0.45),
        Target("top-priority misses, load .95", ours["missed_p1"], 0.001),
        Target("top-priority misses, load 1.10", days["adaptive, load 1.10"]["missed_p1"], 0.005),
        Target("top-priority misses, team of 12", days["adaptive, team of 12"]["missed_p1"], 0.01),
        Target("Gini of busy time", ours["gini_busy"], 0.1),
        Target("offer -> accept, p95, s", days["adaptive, with offers"]["accept_p95_s"], 75.0),
        Target("notifications a task", days["adaptive, with offers"]["notifications"], 1.6),
    ]


def _days(name: str, scenario: Scenario, policy: Policy, seeds: range) -> dict[str, float]:
    days: list[DayReport] = []
    for seed in seeds:
        note(f"{name}: day {seed + 1} of {len(seeds)}")
        days.append(simulate(scenario, MatchParams(policy=policy, seed=seed), seed))
    assert set(TOLD) <= set(METRICS)
    return {metric: round(float(np.mean([getattr(day, metric) for day in days])), 4) for metric in TOLD}


def _rank_one() -> dict[str, float]:
    """Filters, the first five and their terms, for tasks of every kind."""
    world = draw_world(replace(DESK, agents=1415), 0)
    roster, now = Roster(world.team.agents, world.similarity), at(NOON)
    tasks = [
        replace(r.task, created_at=now, deadline_at=now + timedelta(hours=1)) for r in world.requests[:500]
    ]
    for task in tasks:
        rank(task, roster, now)  # what a running desk remembers of its people
    return _timed([lambda task=task: rank(task, roster, now) for task in tasks], 1e6)


def _rerank() -> dict[str, float]:
    """Tasks that came within the last two hours, agents all free, solved anew each time."""
    world = draw_world(replace(DESK, agents=200), 0)
    roster, now = Roster(world.team.agents, world.similarity), at(NOON)
    ages = np.random.default_rng(0).uniform(0.0, 120.0, (20, 1000))
    lines = [
        [
            replace(
                r.task,
                created_at=(came := now - timedelta(minutes=age)),
                deadline_at=came + timedelta(hours=4),
            )
            for r, age in zip(world.requests[:1000], minutes.tolist(), strict=True)
        ]
        for minutes in ages
    ]
    match(lines[0], roster, now)
    return _timed([lambda line=line: match(line, roster, now) for line in lines], 1e3)


def _matching_1() -> float | None:
    folder = Path(os.environ.get("FIRSTLINE_DATA", "")) / "smart_routing"
    if not folder.is_dir():
        note("matching 1 is left out: FIRSTLINE_DATA names no folder with smart_routing/ in it")
        return None
    scored = score(
        read_tasks(folder / "tasks.csv.gz"),
        read_agents(folder / "agents.csv"),
        read_similarity(folder / "similarity.csv"),
    )
    began_s = perf_counter()
    run_published(scored, Policy.HUNGARIAN, reproduce=True)
    return round(perf_counter() - began_s, 2)


def _timed(calls: list[Callable[[], object]], unit: float) -> dict[str, float]:
    """Percentiles of one call each; `unit` is how many of it make a second."""
    times = []
    for call in calls:
        began_s = perf_counter()
        call()
        times.append(unit * (perf_counter() - began_s))
    return percentiles(times)
