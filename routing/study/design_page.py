"""Designs of experiments as folders: a Markdown page each, and its chart as PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from routing.experiment import power_of_means
from routing.originals.scoring import Indices
from routing.study.block_file import BlockStudy
from routing.study.charts import BLUE, GREEN, GREY, ORANGE, make_folder, new_figure, save
from routing.study.interference import Layout, Seen
from routing.study.markdown import table
from routing.study.shared_pool import Pool
from routing.study.switchback import TREATED, Blocks, Estimate, SwitchbackPlan, power_of_switchback

SEEN_COLUMNS = ("experiment", "difference", "95 % interval", "of the truth")
_MOST_LISTED = 200


def plan_sentence(plan: SwitchbackPlan, of: Blocks) -> str:
    """The plan in words."""
    return (
        f"{plan.blocks:,} blocks of {of.block_minutes:g} minutes ({plan.hours:,.0f} hours, half in each arm), the first "
        f"{of.washout_minutes:g} minutes of each not counted, find a difference of {plan.difference:g} with a chance of "
        f"{plan.power:.1%} at alpha {plan.alpha:g}; {plan.counted_tickets:,} tickets are counted."
    )


def seen_rows(seen: Seen) -> list[tuple[str, ...]]:
    """What each experiment saw, by SEEN_COLUMNS, the truth first."""
    rows: list[tuple[str, ...]] = [("truth: all or none treated", f"{seen.true_difference:+.2f}", "", "")]
    for name, estimate in _estimates(seen):
        share = seen.share_seen(estimate)
        interval = f"{estimate.low:+.2f} to {estimate.high:+.2f}"
        rows.append((name, f"{estimate.difference:+.2f}", interval, "" if share is None else f"{share:.0%}"))
    return rows


def as_options(blocks: Blocks) -> str:
    """What is known of blocks, as `design switchback` is told it."""
    options = {
        "per-hour": blocks.per_hour,
        "within-sd": blocks.within_sd,
        "between-sd": blocks.between_sd,
        "autocorrelation": blocks.autocorrelation,
        "ticket-autocorrelation": blocks.ticket_autocorrelation,
        "block-minutes": blocks.block_minutes,
        "washout-minutes": blocks.washout_minutes,
    }
    return " ".join(f"--{name}={value:.4g}" for name, value in options.items())


def pilot_sentence(seen: Seen) -> str:
    """What a plan for this desk would start from."""
    return f"To plan for this desk untreated: design switchback {as_options(seen.pilot)}"


def block_sentences(found: BlockStudy) -> list[str]:
    """What a file of tickets says of its blocks, and of its arms if it has any."""
    said = [
        f"{found.used:,} blocks with {found.tickets:,} tickets after the washout, the first from "
        f"{found.begins_at:%Y-%m-%d %H:%M} UTC on.",
        f"To plan: design switchback {as_options(found.blocks)}",
    ]
    if found.estimate is not None:
        effect = found.estimate
        said.append(
            f"Treated minus control: {effect.difference:+.4g}, 95 % interval {effect.low:+.4g} to {effect.high:+.4g}."
        )
    return said


def write_switchback_page(folder: Path, plan: SwitchbackPlan, of: Blocks, order: Indices, seed: int) -> None:
    """Write report.md and switchback.png into `folder`; `order`: each block's arm."""
    make_folder(folder)
    _draw_power(folder / "switchback.png", plan, of, order)
    hours = [at * of.block_minutes / 60.0 for at in range(len(order))]
    arms = ["treated" if arm == TREATED else "control" for arm in order]
    listed = [(at + 1, f"{hours[at]:g}", arms[at]) for at in range(min(len(order), _MOST_LISTED))]
    lines = ["# A switchback experiment", "", plan_sentence(plan, of), ""]
    lines += [
        "A block is one observation: what is tested are the differences within pairs of neighbouring blocks, of standard "
        f"deviation {plan.pair_sd:.3g}. Taking the tickets for independent promises a power that is not there.",
        "",
    ]
    lines += table(("what is known of blocks", ""), [(name, f"{value:g}") for name, value in _known(of)])
    lines += ["", "![Power and order](switchback.png)", "", f"## Order of the blocks (seed {seed})", ""]
    lines += table(("block", "begins at hour", "arm"), listed)
    if len(order) > len(listed):
        lines += ["", f"The first {len(listed)} of {len(order)}; --json gives them all."]
    (folder / "report.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def write_interference_page(folder: Path, pool: Pool, layout: Layout, seen: Seen, seed: int) -> None:
    """Write report.md and interference.png into `folder`."""
    make_folder(folder)
    _draw_interference(folder / "interference.png", layout, seen)
    first = " and goes first" if pool.treated_goes_first else ""
    lines = [
        "# What an experiment sees when both arms share the agents",
        "",
        f"Simulated: {pool.agents} agents, {pool.per_hour:g} tickets an hour, handled in {pool.control_minutes:g} minutes on "
        f"average (load {pool.load(pool.control_minutes):.0%}); a treated ticket takes {pool.treated_minutes:g}{first}. "
        f"{seen.tickets:,} tickets, {layout.blocks:,} blocks of {layout.block_minutes:g} minutes, washout "
        f"{layout.washout_minutes:g}, seed {seed}. Minutes from asking to resolved; the truth is Erlang's formula.",
        "",
        *table(SEEN_COLUMNS, seen_rows(seen)),
        "",
        "Ticket by ticket both arms wait in one line, so an arm that needs less time gives part of its gain to the other, "
        "and an arm that goes first takes its gain from the other. The interval of such a test knows nothing of it.",
        "",
        pilot_sentence(seen),
        "",
        "![Estimates and carry-over](interference.png)",
        "",
    ]
    (folder / "report.md").write_text("\n".join(lines), encoding="utf-8")


def _estimates(seen: Seen) -> Sequence[tuple[str, Estimate]]:
    return (
        ("A/B by tickets", seen.ticket_level),
        ("switchback, no washout", seen.without_washout),
        ("switchback, with washout", seen.with_washout),
    )


def _known(of: Blocks) -> list[tuple[str, float]]:
    return [
        ("tickets an hour", of.per_hour),
        ("deviation of a ticket within its block", of.within_sd),
        ("deviation between blocks", of.between_sd),
        ("autocorrelation of neighbouring blocks", of.autocorrelation),
        ("autocorrelation of neighbouring tickets", of.ticket_autocorrelation),
    ]


def _draw_power(path: Path, plan: SwitchbackPlan, of: Blocks, order: Indices) -> None:
    figure = new_figure(9.0, 5.4)
    axes, line = figure.subplots(2, 1, height_ratios=(5, 1))
    pairs = np.unique(np.linspace(2, max(12, plan.blocks), 60).astype(int))
    power = [power_of_switchback(int(n), plan.difference, of, plan.alpha) for n in pairs]
    ticket_sd = float(np.hypot(of.within_sd, of.between_sd))
    naive = [
        power_of_means(max(2, int(n * of.counted)), plan.difference, ticket_sd, plan.alpha) for n in pairs
    ]
    axes.plot(2 * pairs, power, color=BLUE, label="switchback, block by block")
    axes.plot(
        2 * pairs, naive, color=GREY, linestyle="--", label="if its tickets were independent (they are not)"
    )
    axes.plot(
        [plan.blocks], [plan.power], "o", color=ORANGE, label=f"{plan.blocks:,} blocks: {plan.power:.1%}"
    )
    axes.set(xlabel="blocks", ylabel=f"chance to find {plan.difference:g}", ylim=(0.0, 1.03))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    hours, washout = of.block_minutes / 60.0, of.washout_minutes / 60.0
    for at, arm in enumerate(order[:12]):
        colour = GREEN if arm == TREATED else GREY
        line.barh(0, washout, left=at * hours, color=colour, alpha=0.35, hatch="//")
        line.barh(0, hours - washout, left=at * hours + washout, color=colour, edgecolor="white")
    line.set(
        yticks=[],
        xlabel="hours: the first blocks (green: treated, grey: control, hatched: washout, not counted)",
    )
    save(figure, path)


def _draw_interference(path: Path, layout: Layout, seen: Seen) -> None:
    figure = new_figure(11.0, 4.2)
    bars, curve = figure.subplots(1, 2, width_ratios=(1, 1.2))
    estimates = _estimates(seen)
    for place, ((_, estimate), colour) in enumerate(zip(estimates, (ORANGE, GREY, BLUE), strict=True)):
        margin = estimate.high - estimate.difference
        bars.errorbar(estimate.difference, place, xerr=margin, fmt="o", capsize=4, color=colour)
    bars.axvline(
        seen.true_difference, color=GREEN, linestyle="--", label=f"truth {seen.true_difference:+.2f}"
    )
    bars.axvline(0.0, color="black", linewidth=0.8)
    bars.set_yticks(range(len(estimates)), [name for name, _ in estimates])
    bars.set_ylim(len(estimates) - 0.5, -0.8)
    bars.set_xlabel("minutes to resolved, treated minus control (95 %)")
    bars.legend(loc="upper center", fontsize=8)
    bars.grid(axis="x", alpha=0.3)
    over = seen.carry_over
    curve.plot(over.since_minutes, over.control_after_treated, color=GREY, label="control after treated")
    curve.plot(over.since_minutes, over.treated_after_control, color=BLUE, label="treated after control")
    curve.axvspan(0.0, layout.washout_minutes, color=ORANGE, alpha=0.15, label="washout")
    curve.set(
        xlabel="minutes since the block began",
        ylabel="mean minutes to resolved",
        xlim=(0, layout.block_minutes),
    )
    curve.legend(fontsize=8)
    curve.grid(alpha=0.3)
    save(figure, path)
