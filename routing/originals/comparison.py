"""A whole published run: tiers, a matching in each, and what it brought beside random dealing."""

import time
from dataclasses import dataclass

import numpy as np

from routing.errors import InvalidParams
from routing.originals.matching import Dealt, Progress, deal_greedy_clock, deal_hungarian, deal_random
from routing.originals.scoring import Indices, Scored, Tier, agent_tiers, task_tiers
from routing.params import Policy


@dataclass(frozen=True, slots=True)
class Outcome:
    """Means over the agents that got work. `task_length` is the accumulated estimate, in no unit."""

    score_difference: float
    similarity: float
    task_length: float


@dataclass(frozen=True, slots=True)
class TierOutcome:
    """One tier's size and outcome; the outcome is None where it had no tasks or nobody to do them."""

    tier: Tier
    tasks: int
    agents: int
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """A policy's outcome by tier and over all agents, beside random dealing over everybody with the given seed."""

    policy: Policy
    tasks: int
    agents: int
    task_score_mean: float
    agent_score_mean: float
    tasks_at_score_0: int
    agents_at_score_0: int
    score_0_left_out: bool
    tiers: tuple[TierOutcome, ...]
    merged: Outcome
    random: Outcome
    random_seed: int
    matching_s: float


def run_published(
    scored: Scored,
    policy: Policy,
    *,
    reproduce: bool,
    seed: int = 0,
    progress: Progress = lambda done: None,
) -> PublishedRun:
    """Match tier by tier and measure.

    `reproduce` leaves out tasks and agents of score 0 and pads the last batch, as published. Without it nothing falls
    out: score 0 belongs to the lowest tier, and tasks of a tier without agents go to the nearest lower tier that has
    some. Raises InvalidParams for a policy that was not published.
    """
    if policy is Policy.LONGEST_IDLE:
        raise InvalidParams("longest_idle needs times of arrival; these files have none (use simulate)")
    tasks, agents = task_tiers(scored.task_score), agent_tiers(scored.agent_score)
    if reproduce:
        tasks[Tier.BAD] = tasks[Tier.BAD][scored.task_score[tasks[Tier.BAD]] > 0.0]
        agents[Tier.BAD] = agents[Tier.BAD][scored.agent_score[agents[Tier.BAD]] > 0.0]
    else:
        tasks = _hand_on(tasks, agents)
    started = time.perf_counter()
    dealt = {
        tier: _deal(scored, policy, tasks[tier], agents[tier], reproduce, seed, progress)
        for tier in Tier
        if len(tasks[tier]) and len(agents[tier])
    }
    matching_s = time.perf_counter() - started
    everything, everybody = np.arange(len(scored.task_score)), np.arange(len(scored.agent_score))
    return PublishedRun(
        policy=policy,
        tasks=len(everything),
        agents=len(everybody),
        task_score_mean=float(scored.task_score.mean()),
        agent_score_mean=float(scored.agent_score.mean()),
        tasks_at_score_0=int((scored.task_score == 0.0).sum()),
        agents_at_score_0=int((scored.agent_score == 0.0).sum()),
        score_0_left_out=reproduce,
        tiers=tuple(
            TierOutcome(
                tier,
                len(tasks[tier]),
                len(agents[tier]),
                measure(scored, dealt[tier]) if tier in dealt else None,
            )
            for tier in Tier
        ),
        merged=measure(scored, _merge(list(dealt.values()))),
        random=measure(scored, deal_random(scored, everything, everybody, seed=seed)),
        random_seed=seed,
        matching_s=matching_s,
    )


def measure(scored: Scored, dealt: Dealt) -> Outcome:
    """Mean over the agents that got work: their own mean score difference and similarity, and their summed length."""
    n_agents = len(scored.agent_score)
    counts = np.bincount(dealt.agents, minlength=n_agents)
    worked = counts > 0
    difference = np.abs(scored.task_score[dealt.tasks] - scored.agent_score[dealt.agents])
    similarity = scored.similarity[scored.country[dealt.tasks], dealt.agents]
    length = scored.task_length[dealt.tasks] * scored.agent_pace[dealt.agents]
    sums = [
        np.bincount(dealt.agents, values, n_agents)[worked] for values in (difference, similarity, length)
    ]
    return Outcome(
        score_difference=float((sums[0] / counts[worked]).mean()),
        similarity=float((sums[1] / counts[worked]).mean()),
        task_length=float(sums[2].mean()),
    )


def _deal(
    scored: Scored,
    policy: Policy,
    tasks: Indices,
    agents: Indices,
    as_published: bool,
    seed: int,
    progress: Progress,
) -> Dealt:
    if policy is Policy.HUNGARIAN:
        return deal_hungarian(scored, tasks, agents, as_published=as_published, progress=progress)
    if policy is Policy.GREEDY_CLOCK:
        return deal_greedy_clock(scored, tasks, agents, progress=progress)
    progress(len(tasks))
    return deal_random(scored, tasks, agents, seed=seed)


def _hand_on(tasks: dict[Tier, Indices], agents: dict[Tier, Indices]) -> dict[Tier, Indices]:
    """Move the tasks of a tier without agents to the nearest lower tier with some.

    The lowest tier always has some: the lowest agent is not above any percentile.
    """
    tiers = list(Tier)
    staffed = [at for at, tier in enumerate(tiers) if len(agents[tier])]
    handed: dict[Tier, list[Indices]] = {tier: [] for tier in tiers}
    for at, tier in enumerate(tiers):
        target = min(s for s in staffed if s >= at)
        handed[tiers[target]].append(tasks[tier])
    return {
        tier: np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        for tier, parts in handed.items()
    }


def _merge(parts: list[Dealt]) -> Dealt:
    return Dealt(np.concatenate([d.tasks for d in parts]), np.concatenate([d.agents for d in parts]))
