"""Switchbacks: plans against trying them out, the small desk against Erlang, and what experiments see of a known effect."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from routing import InvalidParams
from routing.study.interference import Layout, try_experiments
from routing.study.shared_pool import (
    Arrivals,
    Pool,
    chance_of_waiting,
    draw_arrivals,
    resolve_by_block,
    resolve_by_ticket,
)
from routing.study.switchback import (
    CONTROL,
    TREATED,
    Blocks,
    draw_order,
    estimate_switchback,
    measure_blocks,
    plan_switchback,
    power_of_switchback,
)
from tests.routing.front_door import is_png, refused, run_routing

DESK = Blocks(
    per_hour=30.0,
    within_sd=12.0,
    between_sd=4.0,
    block_minutes=120.0,
    washout_minutes=30.0,
    autocorrelation=0.5,
)
PLAN = ["design", "switchback", "--difference=2", "--within-sd=20", "--between-sd=5", "--per-hour=24"]


def draw_levels(pairs: int, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Levels of neighbouring blocks, shape (pairs, 2), of deviation 1, correlated within the pair."""
    levels = rng.normal(size=(pairs, 2))
    levels[:, 1] = correlation * levels[:, 0] + math.sqrt(1.0 - correlation**2) * levels[:, 1]
    return levels


def test_the_power_of_a_switchback_is_how_often_it_finds_the_difference() -> None:
    """3,000 experiments of 20 pairs, drawn ticket by ticket: found as often as promised, within 3 points."""
    rng = np.random.default_rng(0)
    assert DESK.counted == 45.0
    levels = 4.0 * draw_levels(3_000 * 20, 0.5, rng)
    means = levels + rng.normal(0.0, 12.0 / math.sqrt(45.0), levels.shape)
    differences = (means[:, 1] - means[:, 0] + 3.0).reshape(3_000, 20)
    found = ttest_1samp(differences, 0.0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(power_of_switchback(20, 3.0, DESK), abs=0.03)


def test_a_plan_is_the_fewest_blocks_that_have_the_power() -> None:
    """An even number; one pair less has too little; its hours and counted tickets follow from the blocks."""
    plan = plan_switchback(2.0, DESK)
    assert plan.blocks % 2 == 0
    assert plan.power >= 0.8 > power_of_switchback(plan.blocks // 2 - 1, 2.0, DESK)
    assert (plan.hours, plan.counted_tickets) == (plan.blocks * 2.0, plan.blocks * 45)
    assert plan_switchback(2.0, DESK, blocks=plan.blocks).power == plan.power


@given(
    st.floats(0.0, 20.0), st.floats(0.1, 40.0), st.floats(-0.9, 0.8), st.floats(-0.5, 0.8), st.floats(0.0, 100.0)
)  # fmt: skip
def test_what_makes_blocks_worse_makes_more_of_them_needed(
    between: float, within: float, autocorrelation: float, tickets: float, washout: float
) -> None:
    """More variance, a longer washout or tickets alike need no fewer blocks; neighbours alike need no more."""
    base = Blocks(30.0, within, between, 120.0, washout, autocorrelation, tickets)
    needed = plan_switchback(3.0, base).blocks
    for worse in (
        Blocks(30.0, within, between + 3.0, 120.0, washout, autocorrelation, tickets),
        Blocks(30.0, within + 5.0, between, 120.0, washout, autocorrelation, tickets),
        Blocks(30.0, within, between, 120.0, washout + 15.0, autocorrelation, tickets),
        Blocks(30.0, within, between, 120.0, washout, autocorrelation, tickets + 0.1),
        Blocks(30.0, within, between, 120.0, washout, autocorrelation - 0.05, tickets),
    ):
        assert plan_switchback(3.0, worse).blocks >= needed


def test_the_order_has_one_of_each_arm_in_every_pair() -> None:
    """The coin decides which is first, about as often the one as the other; the seed decides the coin."""
    order = draw_order(2_000, np.random.default_rng(1)).reshape(-1, 2)
    assert (order.sum(axis=1) == 1).all()
    assert 400 < (order[:, 0] == TREATED).sum() < 600
    assert (draw_order(2_000, np.random.default_rng(1)) == order.ravel()).all()


def test_an_estimate_over_blocks_of_one_size_is_the_mean_of_the_pairs_differences() -> None:
    """With its one-sample t interval, whichever arm comes first."""
    rng = np.random.default_rng(2)
    order = draw_order(12, rng)
    tickets = (
        rng.normal(size=(12, 7)) + rng.normal(size=(12, 1)) + np.where(order == TREATED, 2.0, 0.0)[:, None]
    )
    seen = estimate_switchback(tickets.ravel(), np.repeat(np.arange(12), 7), order)
    means = tickets.mean(axis=1)
    pairs = means[order == TREATED] - means[order == CONTROL]
    expected = ttest_1samp(pairs, 0.0).confidence_interval(0.95)
    assert seen.difference == pytest.approx(pairs.mean())
    assert (seen.low, seen.high) == pytest.approx((expected.low, expected.high))


def test_an_estimate_counts_every_ticket_once() -> None:
    """A full block weighs more than an empty one: the difference is that of the tickets' means."""
    order = np.array([CONTROL, TREATED, TREATED, CONTROL])
    values, block = np.array([1.0, 3.0, 10.0, 20.0, 30.0, 5.0]), np.array([0, 0, 1, 1, 1, 3])
    seen = estimate_switchback(values, block, order)
    assert seen.difference == pytest.approx(20.0 - 3.0)
    assert seen.low < seen.difference < seen.high
    with pytest.raises(InvalidParams, match="longer blocks"):
        estimate_switchback(values[:2], block[:2], order)


def test_blocks_are_measured_as_they_were_drawn() -> None:
    """Variance within and between, and both autocorrelations, come back within a tenth."""
    rng = np.random.default_rng(3)
    level, blocks = 0.0, []
    for _ in range(3_000):
        level = 0.6 * level + 3.0 * math.sqrt(1.0 - 0.6**2) * rng.normal()
        noise = rng.normal(size=60)
        for at in range(1, 60):
            noise[at] = 0.3 * noise[at - 1] + math.sqrt(1.0 - 0.3**2) * noise[at]
        blocks.append(10.0 + level + 8.0 * noise)
    seen = measure_blocks(blocks, 60.0, 60.0, 0.0)
    assert seen.within_sd == pytest.approx(8.0, rel=0.1)
    assert seen.between_sd == pytest.approx(3.0, rel=0.1)
    assert seen.autocorrelation == pytest.approx(0.6, abs=0.1)
    assert seen.ticket_autocorrelation == pytest.approx(0.3, abs=0.1)
    with pytest.raises(InvalidParams, match="at least three blocks"):
        measure_blocks(blocks[:2], 60.0, 60.0, 0.0)


def test_erlangs_chance_of_waiting_is_that_of_his_tables() -> None:
    """One agent waits as often as he is busy; ten agents offered eight erlangs make 40.9 % wait."""
    assert chance_of_waiting(1, 0.7) == pytest.approx(0.7)
    assert chance_of_waiting(10, 0.8) == pytest.approx(0.4092, abs=1e-4)
    assert chance_of_waiting(2_000, 0.5) == pytest.approx(0.0, abs=1e-12)


def test_the_desk_serves_first_come_first_served_unless_one_goes_first() -> None:
    """One agent, three tickets: the treated one overtakes who waits, never who is being served."""
    arrivals = Arrivals(minute=np.array([0.0, 1.0, 2.0]), effort=np.array([1.0, 1.0, 1.0]))
    arm = np.array([CONTROL, CONTROL, TREATED])
    fair = Pool(1, per_hour=1.0, control_minutes=10.0, treated_minutes=5.0)
    assert resolve_by_ticket(fair, arrivals, arm).tolist() == [10.0, 19.0, 23.0]
    first = Pool(1, per_hour=1.0, control_minutes=10.0, treated_minutes=5.0, treated_goes_first=True)
    assert resolve_by_ticket(first, arrivals, arm).tolist() == [10.0, 24.0, 13.0]


def test_in_blocks_the_arm_of_the_moment_counts() -> None:
    """A ticket taken in a treated block is treated, whenever it came; after the last block its arm goes on."""
    arrivals = Arrivals(minute=np.array([0.0, 1.0, 2.0]), effort=np.array([1.0, 1.0, 1.0]))
    pool = Pool(1, per_hour=1.0, control_minutes=10.0, treated_minutes=5.0)
    assert resolve_by_block(pool, arrivals, np.array([CONTROL, TREATED]), 5.0).tolist() == [10.0, 14.0, 18.0]


def test_an_untreated_desk_takes_as_long_as_erlang_says() -> None:
    """100,000 tickets at a load of 80 %: the mean time to resolved within 3 %."""
    pool = Pool()
    arrivals = draw_arrivals(pool, 250_000.0, np.random.default_rng(0))
    took = resolve_by_ticket(pool, arrivals, np.full(len(arrivals.minute), CONTROL))
    expected = 20.0 + chance_of_waiting(10, 0.8) * 20.0 / (10 * 0.2)
    assert took.mean() == pytest.approx(expected, rel=0.03)


def test_a_switchback_recovers_what_an_experiment_by_tickets_misses() -> None:
    """A faster arm: the A/B is sure of about half of the effect; the switchback sees it within 10 %, its interval has it."""
    seen = try_experiments(Pool(), Layout(2_000, 480.0, 180.0), seed=0)
    share = seen.share_seen(seen.with_washout)
    assert share == pytest.approx(1.0, abs=0.1)
    assert seen.with_washout.low < seen.true_difference < seen.with_washout.high
    missed = seen.share_seen(seen.ticket_level)
    assert missed is not None
    assert missed < 0.65
    assert seen.ticket_level.low > seen.true_difference
    assert abs(seen.without_washout.difference) < abs(seen.with_washout.difference)


def test_the_queue_takes_a_while_to_forget_the_other_arm() -> None:
    """After a change both arms begin alike and drift apart; the curve spans the block."""
    seen = try_experiments(Pool(), Layout(1_000, 480.0, 0.0), seed=0).carry_over
    gap = seen.control_after_treated - seen.treated_after_control
    assert (seen.since_minutes[0], seen.since_minutes[-1]) == (10.0, 470.0)
    assert gap[0] < 3.0 < gap[-8:].min()


def test_an_arm_that_goes_first_only_takes_from_the_other() -> None:
    """The A/B is sure of an effect that is not there; the switchback sees none."""
    pool = Pool(treated_minutes=20.0, treated_goes_first=True)
    seen = try_experiments(pool, Layout(1_000, 480.0, 180.0), seed=0)
    assert seen.true_difference == 0.0
    assert seen.share_seen(seen.with_washout) is None
    assert seen.ticket_level.high < -3.0
    assert seen.with_washout.low < 0.0 < seen.with_washout.high


def test_the_same_seed_sees_the_same() -> None:
    """Another seed sees something else."""
    layout = Layout(20, 240.0, 60.0)
    one, again, other = (try_experiments(Pool(), layout, seed) for seed in (4, 4, 5))
    assert (one.ticket_level, one.with_washout) == (again.ticket_level, again.with_washout)
    assert one.ticket_level != other.ticket_level


def test_the_plan_is_told_with_the_order_of_its_blocks(tmp_path: Path) -> None:
    """JSON has one arm for each block; the page has the sentence, the chart and the order; --blocks tells the power."""
    done = run_routing(*PLAN, f"--report={tmp_path / 'plan'}", "--seed=3", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["plan"]["power"] >= 0.8
    assert len(answer["order"]) == answer["plan"]["blocks"]
    assert sorted(answer["order"][:2]) == ["control", "treated"]
    page = (tmp_path / "plan" / "report.md").read_text()
    assert f"{answer['plan']['blocks']:,} blocks of 240 minutes" in page
    assert f"| 2 | 4 | {answer['order'][1]} |" in page
    assert is_png(tmp_path / "plan" / "switchback.png")
    assert "(switchback.png)" in page
    few = run_routing(*PLAN, "--blocks=20")
    assert "20 blocks of 240 minutes (80 hours, half in each arm)" in few.out


def test_interference_is_shown_with_truth_and_estimates(tmp_path: Path) -> None:
    """A table for people, JSON for programs, and a page with its chart."""
    arguments = ["design", "interference", "--blocks=40", "--seed=1"]
    done = run_routing(*arguments, f"--report={tmp_path / 'seen'}")
    assert done.code == 0, done.err
    for said in ("truth: all or none treated", "A/B by tickets", "switchback, with washout", "-7.46"):
        assert said in done.out
        assert said in (tmp_path / "seen" / "report.md").read_text()
    assert is_png(tmp_path / "seen" / "interference.png")
    answer = json.loads(run_routing(*arguments, "--json").out)
    assert answer["true_difference"] == pytest.approx(-7.4605, abs=1e-4)
    assert (
        answer["with_washout"]["low"] < answer["with_washout"]["difference"] < answer["with_washout"]["high"]
    )
    assert answer["pilot"]["within_sd"] > 0.0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([*PLAN, "--washout-minutes=240"], "the washout leaves nothing of the block"),
        ([*PLAN, "--within-sd=0"], "within_sd must be a finite number above 0"),
        ([*PLAN, "--between-sd=nan"], "between_sd must be a finite number of at least 0"),
        ([*PLAN, "--between-sd=-1"], "between_sd must be a finite number of at least 0"),
        ([*PLAN, "--autocorrelation=1"], "autocorrelation must lie between -1 and 1, not at 1"),
        ([*PLAN, "--ticket-autocorrelation=nan"], "ticket_autocorrelation must lie between -1 and 1"),
        ([*PLAN, "--difference=0"], "difference must be a finite number above 0"),
        ([*PLAN, "--blocks=7"], "an even number is needed, not 7"),
        ([*PLAN, "--blocks=2"], "a switchback needs at least 4 blocks"),
        ([*PLAN, "--power=1"], "power must lie between 0 and 1"),
        ([*PLAN, "--per-hour=0.01"], "fewer than one ticket of a block is counted"),
        (["design", "interference", "--per-hour=40"], "are more than 10 agents can do"),
        (["design", "interference", "--blocks=5"], "an even number from 4 on, not 5"),
        (["design", "interference", "--control-minutes=-3"], "control_minutes must be a finite number above 0"),
        (["design", "interference", "--washout-minutes=480"], "the washout leaves nothing of the block"),
        (["design", "interference", "--blocks=4", "--block-minutes=1", "--washout-minutes=0"], "needed"),
    ],
)  # fmt: skip
def test_impossible_numbers_are_said_in_one_line(arguments: list[str], complaint: str) -> None:
    """Exit code 2 and one line on standard error."""
    assert complaint in refused(*arguments)
