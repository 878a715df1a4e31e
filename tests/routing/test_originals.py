"""The published matchings on a small made-up sample, against a plain second reading of how they work."""

import gzip
import itertools
import math
import os
import random
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from routing import InvalidParams, InvalidTable, Policy
from routing.originals.comparison import PublishedRun, measure, run_published
from routing.originals.matching import (
    LARGEST_SOLVED_AS_IS,
    Dealt,
    batch_loss,
    deal_greedy_clock,
    deal_hungarian,
    deal_random,
)
from routing.originals.scoring import Scored, Tier, agent_tiers, score, score_agents, score_tasks, task_tiers
from routing.originals.tables import (
    AgentTable,
    SimilarityTable,
    TaskTable,
    read_agents,
    read_similarity,
    read_tasks,
)


def quiet(done: int) -> None:
    """No progress in tests."""


def some_scored(n_tasks: int, n_agents: int, seed: int) -> Scored:
    rng = np.random.default_rng(seed)
    similarity = rng.integers(0, 11, (4, n_agents)) / 10
    similarity[-1] = 0.0
    return Scored(
        task_score=rng.random(n_tasks),
        agent_score=rng.random(n_agents),
        country=rng.integers(0, 3, n_tasks),
        similarity=similarity,
        task_length=rng.random(n_tasks) + 0.01,
        agent_pace=rng.random(n_agents) + 0.01,
    )


def plain_z(rows: list[list[float]]) -> list[list[float]]:
    flat = [value for row in rows for value in row]
    if len(flat) < 2 or len(set(flat)) == 1:
        return [[0.0 for _ in row] for row in rows]
    mean, spread = statistics.fmean(flat), statistics.stdev(flat)
    return [[(value - mean) / spread for value in row] for row in rows]


def best_pairing(loss: list[list[float]]) -> list[int]:
    """For each row its column, over all ways to pair (rows at most as many as columns)."""
    ways = itertools.permutations(range(len(loss[0])), len(loss))
    return list(min(ways, key=lambda way: sum(loss[row][column] for row, column in enumerate(way))))


def plain_matching_1(s: Scored, pad: bool) -> dict[int, int]:
    """Task to agent, written the slow way: batch after batch, every pairing tried."""
    n_agents = len(s.agent_score)
    line = sorted(range(len(s.task_score)), key=lambda t: -s.task_score[t])
    in_hand, owner = [0.0] * n_agents, {}
    for start in range(0, len(line), n_agents):
        batch: list[int | None] = list(line[start : start + n_agents])
        if pad:
            batch += [None] * (n_agents - len(batch))
        difference = [
            [abs((0.0 if t is None else s.task_score[t]) - a) for a in s.agent_score] for t in batch
        ]
        alike = [
            [0.0 if t is None else s.similarity[s.country[t]][a] for a in range(n_agents)] for t in batch
        ]
        work = [
            [in_hand[a] + (0.0 if t is None else s.task_length[t] * s.agent_pace[a]) for a in range(n_agents)]
            for t in batch
        ]
        parts = zip(plain_z(difference), plain_z(alike), plain_z(work), strict=True)
        loss = [[0.3 * d - 0.3 * m + 0.4 * w for d, m, w in zip(*rows, strict=True)] for rows in parts]
        for row, agent in enumerate(best_pairing(loss)):
            in_hand[agent] = work[row][agent]
            task = batch[row]
            if task is not None:
                owner[task] = agent
    return owner


@pytest.mark.parametrize("as_published", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_matching_1_pairs_as_trying_every_pairing_does(seed: int, as_published: bool) -> None:
    """Batches, standardising, work in hand and padding agree with the slow way, task by task."""
    draw = random.Random(seed)
    n_agents = draw.randint(1, 5)
    scored = some_scored(draw.randint(1, 4 * n_agents), n_agents, seed)
    everything, everybody = np.arange(len(scored.task_score)), np.arange(n_agents)
    dealt = deal_hungarian(scored, everything, everybody, as_published=as_published, progress=quiet)
    owners = dict(zip(dealt.tasks.tolist(), dealt.agents.tolist(), strict=True))
    assert owners == plain_matching_1(scored, pad=as_published)


@pytest.mark.parametrize("as_published", [True, False])
def test_a_large_batch_is_solved_quickly_at_the_same_least_loss(as_published: bool) -> None:
    """More agents than are solved as they are: the pairs' losses add up to what the solver finds on the plain losses."""
    n = LARGEST_SOLVED_AS_IS + 8
    scored = some_scored(n, n, 5)
    dealt = deal_hungarian(scored, np.arange(n), np.arange(n), as_published=as_published, progress=quiet)
    difference = np.abs(np.subtract.outer(scored.task_score, scored.agent_score))
    work = np.multiply.outer(scored.task_length, scored.agent_pace)
    loss = batch_loss(difference, scored.similarity[scored.country], work)
    rows, columns = linear_sum_assignment(loss)
    assert loss[dealt.tasks, dealt.agents].sum() == pytest.approx(loss[rows, columns].sum(), abs=1e-8)


def test_the_loss_is_standardised_by_the_sample_deviation() -> None:
    """Over the whole batch, as published; what does not vary adds nothing."""
    difference, alike, work = (
        np.array([[0.0, 1.0], [2.0, 5.0]]),
        np.full((2, 2), 0.7),
        np.array([[1.0, 1.0], [3.0, 0.0]]),
    )
    expected = 0.3 * np.array(plain_z(difference.tolist())) + 0.4 * np.array(plain_z(work.tolist()))
    assert batch_loss(difference, alike, work) == pytest.approx(expected)


def test_matching_2_follows_the_clock() -> None:
    """Highest task to highest free agent; whoever has work gets nothing until it is done; the next minute counts."""
    scored = Scored(
        task_score=np.array([0.1, 0.9, 0.5, 0.4]),
        agent_score=np.array([0.2, 0.8]),
        country=np.zeros(4, dtype=np.int64),
        similarity=np.zeros((2, 2)),
        task_length=np.array([1.0, 2.5, 1.0, 1.0]),
        agent_pace=np.array([1.0, 1.0]),
    )
    dealt = deal_greedy_clock(scored, np.arange(4), np.arange(2), progress=quiet)
    # Minute 0: .9 to the better agent until 2.5, .5 to the other until 1; minute 1: .4 to the other until 2; minute 2: .1.
    assert dict(zip(dealt.tasks.tolist(), dealt.agents.tolist(), strict=True)) == {1: 1, 2: 0, 3: 0, 0: 0}


def test_random_dealing_gives_everybody_the_same_number() -> None:
    """Counts differ by one at most, every task is dealt once, and the seed decides."""
    scored = some_scored(23, 5, 0)
    dealt = deal_random(scored, np.arange(23), np.arange(5), seed=1)
    counts = np.bincount(dealt.agents, minlength=5)
    assert counts.max() - counts.min() <= 1
    assert sorted(dealt.tasks.tolist()) == list(range(23))
    again = deal_random(scored, np.arange(23), np.arange(5), seed=1)
    assert (again.tasks == dealt.tasks).all()
    assert (again.agents == dealt.agents).all()


def test_an_outcome_is_a_mean_over_agents_that_got_work() -> None:
    """Each agent counts once, however many tasks they got; who got none does not count."""
    scored = Scored(
        task_score=np.array([0.0, 0.2, 1.0]),
        agent_score=np.array([0.5, 0.6, 0.7]),
        country=np.array([0, 1, 0]),
        similarity=np.array([[1.0, 0.4, 0.0], [0.5, 0.1, 0.0], [0.0, 0.0, 0.0]]),
        task_length=np.array([1.0, 2.0, 3.0]),
        agent_pace=np.array([10.0, 1.0, 1.0]),
    )
    outcome = measure(scored, Dealt(np.array([0, 1, 2]), np.array([0, 0, 1])))
    assert outcome.score_difference == pytest.approx(((0.5 + 0.3) / 2 + 0.4) / 2)
    assert outcome.similarity == pytest.approx(((1.0 + 0.5) / 2 + 0.4) / 2)
    assert outcome.task_length == pytest.approx((30.0 + 3.0) / 2)


TASKS = TaskTable(
    country=("DE", "", "US", "DE"),
    punish_num=np.array([math.nan, 2.0, 1.0, math.nan]),
    days_to_latest_punish=np.array([0.0, 5.0, 9.0, 2.0]),
    avg_revenue=np.array([10.0, 20.0, 0.0, 5.0]),
    revenue=np.array([math.nan, 30.0, 1.0, 5.0]),
    days_to_start=np.array([3.0, 1.0, 4.0, 1.0]),
    baseline_st_min=np.array([1.0, 2.0, 1.5, 4.0]),
)
AGENTS = AgentTable(
    markets=(("DE", "OTHER"), ("FR",), ("US", "FR")),
    productivity=np.array([100.0, math.nan, 200.0]),
    utilisation=np.array([0.5, 0.7, math.nan]),
    handling_time=np.array([999.0, 99.0, 9.0]),
    accuracy=np.array([0.9, math.nan, 0.7]),
)
ALIKE = SimilarityTable({("DE", "DE"): 1.0, ("FR", "DE"): 0.6, ("US", "FR"): 0.2, ("US", "US"): 1.0})


def z(values: list[float]) -> list[float]:
    mean, spread = statistics.fmean(values), statistics.pstdev(values)
    return [(value - mean) / spread for value in values]


def test_task_scores_follow_the_published_formula() -> None:
    """Missing penalties are 0, missing revenue the average; squeezed from minimum to the 99th percentile, capped."""
    penalties, latest = z([0, 2, 1, 0]), z([0, 5, 9, 2])
    average, revenue = z([10, 20, 0, 5]), z([10, 30, 1, 5])
    start, length = z([3, 1, 4, 1]), z([1, 2, 1.5, 4])
    raw = [
        0.35 * (0.6 * penalties[i] + 0.4 * latest[i])
        + 0.35 * (0.4 * average[i] + 0.6 * revenue[i])
        - 0.15 * start[i]
        + 0.15 * length[i]
        for i in range(4)
    ]
    ordered = sorted(raw)
    top = ordered[2] + 0.97 * (ordered[3] - ordered[2])  # the 99th percentile of four values
    expected = [min(1.0, (value - min(raw)) / (top - min(raw))) for value in raw]
    assert score_tasks(TASKS) == pytest.approx(expected)


def test_agent_scores_follow_the_published_formula() -> None:
    """Gaps get the mean; handling time counts by its logarithm; efficiency is standardised once more."""
    productivity, utilisation = z([100, 150, 200]), z([0.5, 0.7, 0.6])
    handling, accuracy = z([3, 2, 1]), z([0.9, 0.8, 0.7])
    efficiency = z([0.33 * productivity[i] + 0.3 * utilisation[i] - 0.33 * handling[i] for i in range(3)])
    raw = [0.6 * accuracy[i] + 0.4 * efficiency[i] for i in range(3)]
    expected = [(value - min(raw)) / (max(raw) - min(raw)) for value in raw]
    assert score_agents(AGENTS) == pytest.approx(expected)


def test_similarity_is_the_best_over_an_agents_markets() -> None:
    """Pairs count in either order, OTHER counts .1, what is missing 0, and an unknown country 0."""
    scored = score(TASKS, AGENTS, ALIKE)
    seen = scored.similarity[scored.country]
    assert seen.tolist() == [[1.0, 0.6, 0.6], [0.0, 0.0, 0.0], [0.1, 0.2, 1.0], [1.0, 0.6, 0.6]]
    assert scored.unknown_country == scored.country[1]


def test_lengths_start_just_above_zero() -> None:
    """The shortest task and the quickest agent have .01, so that every product is positive."""
    scored = score(TASKS, AGENTS, ALIKE)
    assert scored.task_length.min() == pytest.approx(0.01)
    assert scored.agent_pace.min() == pytest.approx(0.01)
    assert scored.task_length[3] - scored.task_length[0] == pytest.approx(
        3 / statistics.pstdev([1, 2, 1.5, 4])
    )


def test_tiers_have_the_published_edges() -> None:
    """Tasks at .0025 and .106; agents at their 21.2th and 50th percentile; upper ends belong to the tier below."""
    tasks = task_tiers(np.array([0.0, 0.0025, 0.0026, 0.106, 0.107, 1.0]))
    assert {tier: rows.tolist() for tier, rows in tasks.items()} == {
        Tier.GOOD: [4, 5],
        Tier.MEDIUM: [2, 3],
        Tier.BAD: [0, 1],
    }
    agents = agent_tiers(np.arange(11) / 10)
    assert [len(agents[tier]) for tier in (Tier.GOOD, Tier.MEDIUM, Tier.BAD)] == [5, 3, 3]


@pytest.mark.parametrize("policy", [Policy.HUNGARIAN, Policy.GREEDY_CLOCK, Policy.RANDOM])
def test_nothing_falls_out_unless_asked_to_reproduce(policy: Policy) -> None:
    """Score 0 is matched in the lowest tier; as published it is left out, and said so."""
    scored = score(TASKS, AGENTS, ALIKE)
    ours = run_published(scored, policy, reproduce=False)
    assert sum(tier.tasks for tier in ours.tiers) == ours.tasks == 4
    assert sum(tier.agents for tier in ours.tiers) == ours.agents == 3
    published = run_published(scored, policy, reproduce=True)
    assert (published.tasks_at_score_0, published.agents_at_score_0) == (1, 1)
    assert published.score_0_left_out
    assert sum(tier.tasks for tier in published.tiers) == 3
    assert sum(tier.agents for tier in published.tiers) == 2


def test_one_task_and_one_agent_are_matched_in_a_file_of_their_own() -> None:
    """No spread to standardise by is no reason to fail."""
    task = TaskTable(("DE",), *(np.array([value]) for value in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)))
    agent = AgentTable((("FR",),), *(np.array([value]) for value in (1.0, 0.5, 9.0, 0.9)))
    run = run_published(score(task, agent, ALIKE), Policy.HUNGARIAN, reproduce=False)
    assert run.merged.similarity == pytest.approx(0.6)
    assert sum(tier.tasks for tier in run.tiers if tier.outcome) == 1


def test_a_tier_without_agents_hands_its_tasks_down() -> None:
    """Two agents of one score are both in the lowest tier, and every task is done there."""
    twins = AgentTable((("DE",), ("US",)), *(np.array([value, value]) for value in (1.0, 0.5, 9.0, 0.9)))
    run = run_published(score(TASKS, twins, ALIKE), Policy.HUNGARIAN, reproduce=False)
    assert [(tier.tasks, tier.agents) for tier in run.tiers] == [(0, 0), (0, 0), (4, 2)]


def test_a_policy_that_needs_times_is_refused_for_files_without_times() -> None:
    """Nobody can be the longest idle where no time passes."""
    with pytest.raises(InvalidParams, match="longest_idle"):
        run_published(score(TASKS, AGENTS, ALIKE), Policy.LONGEST_IDLE, reproduce=False)


HEADS = {
    read_tasks: "country,punish_num,days_to_latest_punish,avg_revenue,revenue,days_to_start,baseline_st_min",
    read_agents: "markets,productivity,utilisation,handling_time,accuracy",
    read_similarity: "country_a,country_b,similarity",
}


def test_tables_are_read_plain_or_compressed(tmp_path: Path) -> None:
    """Gzip is told by its content; gaps become NaN where they may be."""
    text = f"{HEADS[read_tasks]}\nDE,,3,4,,6,7\n,2,3,4,5,6,7\n"
    (tmp_path / "plain.csv").write_text(text)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text.encode()))
    plain, packed = read_tasks(tmp_path / "plain.csv"), read_tasks(tmp_path / "packed.gz")
    assert plain.country == packed.country == ("DE", "")
    assert math.isnan(plain.punish_num[0])
    assert packed.baseline_st_min.tolist() == [7.0, 7.0]
    (tmp_path / "agents.csv").write_text(f"{HEADS[read_agents]}\nDE|FR,,0.5,1,\n")
    agents = read_agents(tmp_path / "agents.csv")
    assert agents.markets == (("DE", "FR"),)
    assert math.isnan(agents.accuracy[0])


@pytest.mark.parametrize(
    ("read", "rows", "complaint"),
    [
        (read_tasks, "DE,1,3,4,5,6,x", "line 2: baseline_st_min is not a number: 'x'"),
        (read_tasks, "DE,1,3,4,5,6,", "line 2: baseline_st_min is not a number: ''"),
        (read_tasks, "DE,-1,3,4,5,6,7", "line 2: punish_num must be a finite number of at least 0, not -1"),
        (read_tasks, "DE,1,3,4,nan,6,7", "line 2: revenue must be a finite number"),
        (read_tasks, "DE,1,3", "line 2: too few columns"),
        (read_agents, "DE,1,1,inf,1", "line 2: handling_time must be a finite number"),
        (read_similarity, "DE,FR,0.5\nDE,US,1.5", "line 3: similarity must be from 0 to 1, not 1.5"),
        (read_similarity, "", "has no rows"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(
    read: Any, rows: str, complaint: str, tmp_path: Path
) -> None:
    """One line says which file, which line and what is wrong."""
    (tmp_path / "file.csv").write_text(f"{HEADS[read]}\n{rows}\n")
    with pytest.raises(InvalidTable) as caught:
        read(tmp_path / "file.csv")
    assert complaint in str(caught.value)
    assert "file.csv" in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\x1f\x8bbroken", b"\xff\xfe\xfa", b"a,b\n1,2\n"])
def test_a_file_that_is_no_table_is_refused(content: bytes | None, tmp_path: Path) -> None:
    """Missing, damaged, not text, or other columns: one clear error."""
    if content is not None:
        (tmp_path / "file.csv").write_bytes(content)
    with pytest.raises(InvalidTable, match=r"file\.csv"):
        read_similarity(tmp_path / "file.csv")


@pytest.fixture(scope="module")
def published_run() -> PublishedRun:
    """The whole published sample, matched as published; needs the data."""
    if not (data := os.environ.get("FIRSTLINE_DATA")):
        pytest.skip("FIRSTLINE_DATA names no folder with smart_routing/ in it")
    folder = Path(data) / "smart_routing"
    tables = read_tasks(folder / "tasks.csv.gz"), read_agents(folder / "agents.csv")
    return run_published(
        score(*tables, read_similarity(folder / "similarity.csv")), Policy.HUNGARIAN, reproduce=True
    )


def test_the_published_sample_has_its_published_scores_and_tiers(published_run: PublishedRun) -> None:
    """Counts and score means agree with the publication."""
    run = published_run
    assert (run.tasks, run.agents, run.tasks_at_score_0, run.agents_at_score_0) == (40_679, 1_414, 122, 1)
    assert (round(run.task_score_mean, 6), round(run.agent_score_mean, 6)) == (0.136653, 0.706864)
    assert [(tier.tasks, tier.agents) for tier in run.tiers] == [(20_359, 707), (11_698, 407), (8_500, 299)]


@pytest.mark.parametrize(
    ("tier", "published"),
    [
        ("good", (0.5590, 0.7828, 159.379)),
        ("medium", (0.6551, 0.6958, 21.194)),
        ("bad", (0.5087, 0.7159, 0.904)),
        ("merged", (0.5761, 0.7436, 86.04)),
    ],
)
def test_matching_1_gives_the_published_means(
    tier: str, published: tuple[float, float, float], published_run: PublishedRun
) -> None:
    """Score difference and similarity to 4 decimals, task length to the digits published."""
    outcome = {t.tier.value: t.outcome for t in published_run.tiers}.get(tier, published_run.merged)
    assert outcome is not None
    assert (round(outcome.score_difference, 4), round(outcome.similarity, 4)) == published[:2]
    assert outcome.task_length == pytest.approx(published[2], abs=0.005 if tier == "merged" else 0.0005)


def test_random_dealing_is_as_far_off_as_published(published_run: PublishedRun) -> None:
    """The published draw had another seed: .5847, .4038 and 90.32 hold within what seeds differ."""
    dealt = published_run.random
    assert dealt.score_difference == pytest.approx(0.5847, abs=0.002)
    assert dealt.similarity == pytest.approx(0.4038, abs=0.005)
    assert dealt.task_length == pytest.approx(90.32, abs=0.5)
