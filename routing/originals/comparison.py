"""A whole published run: tiers, a matching in each, and what it brought beside random dealing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.errors import InvalidParams
from routing.originals.matching import Dealt, Progress, deal_greedy_clock, deal_hungarian, deal_random
from routing.originals.scoring import Indices, Scored, Tier, agent_tiers, task_tiers
from routing.originals.tables import Floats
from routing.params import Policy

_PUBLISHED = (Policy.HUNGARIAN, Policy.GREEDY_CLOCK, Policy.RANDOM)


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


@dataclass(frozen=True, slots=True)
class TierDeal:
    """One tier's tasks and agents, and who got what; `dealt` is None where it had no tasks or nobody to do them."""

    tier: Tier
    tasks: Indices
    agents: Indices
    dealt: Dealt | None


@dataclass(frozen=True, slots=True)
class PerAgent:
    """One entry for each agent that got work, in the order of `agents` (their indices, rising).

    Mean score difference and mean similarity over the agent's tasks, and their summed length, an estimate in no unit.
    """

    agents: Indices
    score_difference: Floats
    similarity: Floats
    task_length: Floats


def deal_tiers(
    scored: Scored,
    policy: Policy,
    *,
    reproduce: bool,
    seed: int = 0,
    progress: Progress = lambda done: None,
) -> tuple[TierDeal, ...]:
    """Match tier by tier.

    `reproduce` leaves out tasks and agents of score 0 and pads the last batch, as published. Without it nothing falls
    out: score 0 belongs to the lowest tier, and tasks of a tier without agents go to the nearest lower tier that has
    some. Raises InvalidParams for a policy that was not published.
    """
    if policy not in _PUBLISHED:
        raise InvalidParams(
            f"{policy.value} needs times of arrival; these files have none (use simulate): "
            f"here there are {', '.join(known.value for known in _PUBLISHED)}"
        )
    tasks, agents = task_tiers(scored.task_score), agent_tiers(scored.agent_score)
    if reproduce:
        tasks[Tier.BAD] = tasks[Tier.BAD][scored.task_score[tasks[Tier.BAD]] > 0.0]
        agents[Tier.BAD] = agents[Tier.BAD][scored.agent_score[agents[Tier.BAD]] > 0.0]
    else:
        tasks = _hand_on(tasks, agents)
    return tuple(
        TierDeal(
            tier,
            tasks[tier],
            agents[tier],
            _deal(scored, policy, tasks[tier], agents[tier], reproduce, seed, progress)
            if len(tasks[tier]) and len(agents[tier])
            else None,
        )
        for tier in Tier
    )


def run_published(
    scored: Scored,
    policy: Policy,
    *,
    reproduce: bool,
    seed: int = 0,
    progress: Progress = lambda done: None,
) -> PublishedRun:
    """Match tier by tier as `deal_tiers` does, and measure. Raises InvalidParams for a policy that was not published."""
    started = time.perf_counter()
    deals = deal_tiers(scored, policy, reproduce=reproduce, seed=seed, progress=progress)
    matching_s = time.perf_counter() - started
    return PublishedRun(
        policy=policy,
        tasks=len(scored.task_score),
        agents=len(scored.agent_score),
        task_score_mean=float(scored.task_score.mean()),
        agent_score_mean=float(scored.agent_score.mean()),
        tasks_at_score_0=int((scored.task_score == 0.0).sum()),
        agents_at_score_0=int((scored.agent_score == 0.0).sum()),
        score_0_left_out=reproduce,
        tiers=tuple(
            TierOutcome(
                deal.tier,
                len(deal.tasks),
                len(deal.agents),
                measure(scored, deal.dealt) if deal.dealt is not None else None,
            )
            for deal in deals
        ),
        merged=measure(scored, merge(deals)),
        random=measure(scored, deal_everybody_at_random(scored, seed)),
        random_seed=seed,
        matching_s=matching_s,
    )


def deal_everybody_at_random(scored: Scored, seed: int) -> Dealt:
    """All tasks to all agents, without tiers: what a matching is measured against."""
    return deal_random(
        scored, np.arange(len(scored.task_score)), np.arange(len(scored.agent_score)), seed=seed
    )


def per_agent(scored: Scored, dealt: Dealt) -> PerAgent:
    """What each agent that got work got."""
    n_agents = len(scored.agent_score)
    counts = np.bincount(dealt.agents, minlength=n_agents)
    worked = np.flatnonzero(counts)
    difference = np.abs(scored.task_score[dealt.tasks] - scored.agent_score[dealt.agents])
    similarity = scored.similarity[scored.country[dealt.tasks], dealt.agents]
    length = scored.task_length[dealt.tasks] * scored.agent_pace[dealt.agents]

    def summed(values: Floats) -> Floats:
        return np.bincount(dealt.agents, values, n_agents)[worked].astype(np.float64)

    return PerAgent(
        worked, summed(difference) / counts[worked], summed(similarity) / counts[worked], summed(length)
    )


def measure(scored: Scored, dealt: Dealt) -> Outcome:
    """Mean over the agents that got work: their own mean score difference and similarity, and their summed length."""
    got = per_agent(scored, dealt)
    return Outcome(
        float(got.score_difference.mean()), float(got.similarity.mean()), float(got.task_length.mean())
    )


def merge(deals: Sequence[TierDeal]) -> Dealt:
    """All tiers' pairs as one; at least one tier must have some."""
    parts = [deal.dealt for deal in deals if deal.dealt is not None]
    return Dealt(np.concatenate([d.tasks for d in parts]), np.concatenate([d.agents for d in parts]))


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
