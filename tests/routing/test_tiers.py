"""Published matchings beside random: tier moves as an expectation, outcomes agent by agent, and the command."""

import json
from pathlib import Path

import numpy as np
import pytest

from routing import Policy
from routing.originals.comparison import (
    TierDeal,
    deal_everybody_at_random,
    deal_tiers,
    measure,
    merge,
    per_agent,
)
from routing.originals.matching import Dealt
from routing.originals.scoring import Scored, Tier, agent_tiers, score, task_tiers
from routing.originals.tables import read_agents, read_similarity, read_tasks
from routing.study.against_random import EVERYBODY, compare_with_random
from routing.study.tier_moves import Moves, expect_moves, tier_places
from tests.routing.front_door import AGENT_HEAD, is_png, refused, run_routing, write_published


@pytest.fixture
def scored(tmp_path: Path) -> Scored:
    """A small made-up sample, scored."""
    write_published(tmp_path)
    tables = read_tasks(tmp_path / "tasks.csv"), read_agents(tmp_path / "agents.csv")
    return score(*tables, read_similarity(tmp_path / "similarity.csv"))


def options(folder: Path) -> list[str]:
    return ["tiers", *write_published(folder), f"--similarity={folder / 'similarity.csv'}"]


def test_moves_are_the_chances_of_having_been_dealt_otherwise() -> None:
    """Four tasks, two agents of unlike tiers: each would have met either agent with chance one half."""
    good, bad = np.array([0, 1, 2]), np.array([3])
    deals = (
        TierDeal(Tier.GOOD, good, np.array([0]), Dealt(good, np.zeros(3, dtype=np.int64))),
        TierDeal(Tier.MEDIUM, np.array([], dtype=np.int64), np.array([], dtype=np.int64), None),
        TierDeal(Tier.BAD, bad, np.array([1]), Dealt(bad, np.array([1]))),
    )
    moves = expect_moves(deals, task_tier=np.array([0, 0, 0, 2]), agent_tier=np.array([0, 2]))
    assert moves.tasks == (
        Moves(Tier.GOOD, 3, up=1.5, same=1.5, down=0.0),
        Moves(Tier.MEDIUM, 0, 0.0, 0.0, 0.0),
        Moves(Tier.BAD, 1, up=0.0, same=0.5, down=0.5),
    )
    # A random task is good three times out of four.
    assert moves.agents[0] == Moves(Tier.GOOD, 1, up=0.25, same=0.75, down=0.0)
    assert moves.agents[2] == Moves(Tier.BAD, 1, up=0.0, same=0.25, down=0.75)


def test_expected_moves_are_what_random_dealings_show_on_average(scored: Scored) -> None:
    """400 dealings: the mean number of tasks that the matching lifts or lowers agrees within 1.5 of 120."""
    deals = deal_tiers(scored, Policy.GREEDY_CLOCK, reproduce=False)
    task_tier, agent_tier = (
        tier_places(task_tiers(scored.task_score)),
        tier_places(agent_tiers(scored.agent_score)),
    )
    matched = np.empty(len(task_tier), dtype=np.int64)
    dealt = merge(deals)
    matched[dealt.tasks] = agent_tier[dealt.agents]
    up = down = 0
    for seed in range(400):
        draw = deal_everybody_at_random(scored, seed)
        by_chance = agent_tier[draw.agents]
        up += int((matched[draw.tasks] < by_chance).sum())
        down += int((matched[draw.tasks] > by_chance).sum())
    moves = expect_moves(deals, task_tier, agent_tier).tasks
    assert sum(move.up for move in moves) == pytest.approx(up / 400, abs=1.5)
    assert sum(move.down for move in moves) == pytest.approx(down / 400, abs=1.5)
    assert sum(move.up + move.same + move.down for move in moves) == pytest.approx(120)


@pytest.mark.parametrize("policy", [Policy.HUNGARIAN, Policy.GREEDY_CLOCK])
def test_the_comparison_has_the_means_of_the_published_run(policy: Policy, scored: Scored) -> None:
    """The merged rows are the outcome that `match` prints; the difference is from the mean over all draws."""
    deals = deal_tiers(scored, policy, reproduce=False)
    draws = [deal_everybody_at_random(scored, seed) for seed in range(3)]
    rows = {row.measure: row for row in compare_with_random(scored, deals, draws) if row.tier == EVERYBODY}
    outcome, drawn = measure(scored, merge(deals)), [measure(scored, draw) for draw in draws]
    for field in ("score_difference", "similarity", "task_length"):
        seen, by_chance = rows[field], [getattr(one, field) for one in drawn]
        assert seen.matched.mean == pytest.approx(getattr(outcome, field))
        assert seen.random.mean == pytest.approx(np.mean(by_chance))
        assert (seen.draws_low, seen.draws_high) == pytest.approx((min(by_chance), max(by_chance)))
        assert seen.difference == pytest.approx(seen.matched.mean - seen.random.mean)
        assert seen.matched.low <= seen.matched.median <= seen.matched.high


def test_a_matching_at_random_is_no_different_from_random(scored: Scored) -> None:
    """One of the draws itself, compared with all of them, lies between the lowest and the highest."""
    draws = [deal_everybody_at_random(scored, seed) for seed in range(5)]
    everybody = TierDeal(Tier.GOOD, draws[2].tasks, np.arange(len(scored.agent_score)), draws[2])
    for row in compare_with_random(scored, [everybody], draws):
        assert row.draws_low <= row.matched.mean <= row.draws_high


def test_only_agents_with_work_are_told_of(scored: Scored) -> None:
    """One entry each, in rising order, with the agent's own means."""
    got = per_agent(scored, Dealt(np.array([0, 1, 2]), np.array([7, 3, 7])))
    assert got.agents.tolist() == [3, 7]
    assert got.score_difference[0] == pytest.approx(abs(scored.task_score[1] - scored.agent_score[3]))
    assert got.task_length[1] == pytest.approx(
        (scored.task_length[0] + scored.task_length[2]) * scored.agent_pace[7]
    )


def test_the_command_compares_both_matchings(tmp_path: Path) -> None:
    """The JSON answer has both policies, each with its measures and moves, and says what is estimate and expectation."""
    done = run_routing(*options(tmp_path), "--draws=3", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert [one["policy"] for one in answer["policies"]] == ["hungarian", "greedy_clock"]
    first = answer["policies"][0]
    assert {row["tier"] for row in first["against_random"]} == {"good", "medium", "bad", "merged"}
    assert sum(move["count"] for move in first["moves"]["tasks"]) == 120
    assert sum(move["count"] for move in first["moves"]["agents"]) == first["against_random"][-1]["agents"]
    assert "no saving" in answer["notes"]["task_length"]
    assert "not a count of what happened" in answer["notes"]["moves"]


def test_matchings_that_move_tasks_alike_are_told_once(tmp_path: Path) -> None:
    """Both go tier by tier: one table of moves for the two, one of means for each."""
    said = run_routing(*options(tmp_path), "--draws=1").out
    assert said.count("expected moves") == said.count("hungarian and greedy_clock: expected moves") == 1
    assert said.count("means over agents") == 2


@pytest.mark.parametrize("sizes", [(1, 1), (1, 3), (5, 1), (3, 2)])
def test_the_smallest_files_are_studied_all_the_same(sizes: tuple[int, int], tmp_path: Path) -> None:
    """One task or one agent leaves nothing to compare, and nothing fails."""
    write_published(tmp_path, *sizes)
    named = [f"--{name}={tmp_path / f'{name}.csv'}" for name in ("tasks", "agents", "similarity")]
    for arguments in (["tiers", *named, "--draws=1"], ["scores", *named[:2]]):
        done = run_routing(*arguments, "--json")
        assert done.code == 0, done.err
        json.loads(done.out)


def test_the_command_writes_a_page_with_its_charts(tmp_path: Path) -> None:
    """Distributions of each policy and the moves; the page and the printed tables label the estimate."""
    folder = tmp_path / "report"
    done = run_routing(*options(tmp_path), "--policy=greedy_clock", "--draws=2", f"--report={folder}")
    assert done.code == 0, done.err
    page = (folder / "report.md").read_text()
    assert {path.name for path in folder.glob("*.png")} == {"greedy_clock.png", "moves.png"}
    assert all(f"({path.name})" in page and is_png(path) for path in folder.glob("*.png"))
    for text in (page, done.out):
        assert "task length (estimate)" in text
        assert "is no saving" in text
        assert "An expectation, not a count" in text


def test_fewer_tasks_than_agents_are_compared_all_the_same(tmp_path: Path) -> None:
    """Agents without work are left out of both sides."""
    write_published(tmp_path, n_tasks=4)
    named = [f"--{name}={tmp_path / f'{name}.csv'}" for name in ("tasks", "agents", "similarity")]
    done = run_routing("tiers", *named, "--draws=2", "--json")
    assert done.code == 0, done.err
    moves = json.loads(done.out)["policies"][0]["moves"]
    assert (
        sum(move["count"] for move in moves["tasks"]) == sum(move["count"] for move in moves["agents"]) == 4
    )


@pytest.mark.parametrize("policy", ["longest_idle", "adaptive"])
def test_a_policy_that_was_not_published_is_refused(policy: str, tmp_path: Path) -> None:
    """Nothing is dealt at random under another name; `match` on the same files says the same."""
    assert f"{policy} needs times of arrival" in refused(*options(tmp_path), f"--policy={policy}")
    assert f"{policy} needs times of arrival" in refused(
        "match", *options(tmp_path)[1:], f"--policy={policy}"
    )


def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path: Path) -> None:
    """A negative number: exit code 2, the file and the line."""
    arguments = options(tmp_path)
    (tmp_path / "agents.csv").write_text(f"{AGENT_HEAD}\nDE,1,2,-3,4\n")
    assert "line 2: handling_time must be a finite number of at least 0" in refused(*arguments)
