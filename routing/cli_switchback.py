"""`design switchback`, `blocks` and `interference`: experiments where both arms share the agents."""

from pathlib import Path
from typing import Annotated

import typer

from routing.cli import Alpha, Json, Power, design

Report = Annotated[Path | None, typer.Option(help="Folder for a page with a chart.")]
BlockMinutes = Annotated[float, typer.Option(help="Length of a block.")]
WashoutMinutes = Annotated[
    float, typer.Option(help="Minutes at the start of each block that are not counted.")
]
PerHour = Annotated[float, typer.Option(help="Tickets that arrive in an hour.")]


@design.command("switchback")
def design_switchback(
    difference: Annotated[float, typer.Option(help="Difference of the means that matters, such as minutes.")],
    within_sd: Annotated[
        float, typer.Option(help="Deviation of one ticket from its block's level, same unit.")
    ],
    between_sd: Annotated[float, typer.Option(help="Deviation of the blocks' levels, same unit.")],
    per_hour: PerHour,
    block_minutes: BlockMinutes = 240.0,
    washout_minutes: WashoutMinutes = 60.0,
    autocorrelation: Annotated[float, typer.Option(help="Of neighbouring blocks' levels, -1 to 1.")] = 0.0,
    ticket_autocorrelation: Annotated[
        float, typer.Option(help="Of tickets that follow each other in a block, -1 to 1.")
    ] = 0.0,
    power: Power = 0.8,
    alpha: Alpha = 0.05,
    blocks: Annotated[int | None, typer.Option(help="Number of blocks: tells its power instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides the order of the blocks.")] = 0,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """How many blocks a switchback needs, or the power it has, and in which order they go."""
    import numpy as np

    from routing import cli_output
    from routing.study.design_page import plan_sentence, write_switchback_page
    from routing.study.switchback import TREATED, Blocks, draw_order, plan_switchback

    known = Blocks(
        per_hour,
        within_sd,
        between_sd,
        block_minutes,
        washout_minutes,
        autocorrelation,
        ticket_autocorrelation,
    )
    plan = plan_switchback(difference, known, power, alpha, blocks)
    order = draw_order(plan.blocks, np.random.default_rng(seed))
    if report is not None:
        write_switchback_page(report, plan, known, order, seed)
    if as_json:
        arms = ["treated" if arm == TREATED else "control" for arm in order]
        cli_output.print_json({"plan": plan, "blocks": known, "seed": seed, "order": arms})
    else:
        cli_output.OUT.print(plan_sentence(plan, known), soft_wrap=True, highlight=False)


@design.command("blocks")
def design_blocks(
    data: Annotated[
        Path,
        typer.Option(help="CSV of arrived_at (ISO 8601 with offset), value and, after a switchback, arm."),
    ],
    block_minutes: BlockMinutes = 240.0,
    washout_minutes: WashoutMinutes = 60.0,
    as_json: Json = False,
) -> None:
    """Measure blocks of your own tickets: what `design switchback` asks for, and what a finished one found."""
    from routing import cli_output
    from routing.study.block_file import read_tickets, study_blocks
    from routing.study.design_page import block_sentences

    found = study_blocks(read_tickets(data), block_minutes, washout_minutes)
    if as_json:
        cli_output.print_json(found)
        return
    for sentence in block_sentences(found):
        cli_output.OUT.print(sentence, soft_wrap=True, highlight=False)


@design.command("interference")
def design_interference(
    agents: Annotated[int, typer.Option(min=1, help="People in the pool.")] = 10,
    per_hour: PerHour = 24.0,
    control_minutes: Annotated[float, typer.Option(help="Mean handling time.")] = 20.0,
    treated_minutes: Annotated[float, typer.Option(help="Mean handling time of a treated ticket.")] = 16.0,
    treated_goes_first: Annotated[
        bool, typer.Option("--treated-goes-first", help="Treated tickets overtake the others.")
    ] = False,
    blocks: Annotated[int, typer.Option(help="Blocks of the switchback.")] = 2000,
    block_minutes: BlockMinutes = 480.0,
    washout_minutes: WashoutMinutes = 180.0,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides arrivals, handling times and both experiments.")
    ] = 0,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Simulate a known effect: what an A/B by tickets sees of it, and what a switchback sees."""
    from routing import cli_output
    from routing.study import design_page
    from routing.study.interference import Layout, try_experiments
    from routing.study.shared_pool import Pool

    pool = Pool(agents, per_hour, control_minutes, treated_minutes, treated_goes_first)
    layout = Layout(blocks, block_minutes, washout_minutes)
    seen = try_experiments(pool, layout, seed)
    if report is not None:
        design_page.write_interference_page(report, pool, layout, seen, seed)
    if as_json:
        fields = ("true_difference", "ticket_level", "without_washout", "with_washout", "tickets", "pilot")
        said = {name: getattr(seen, name) for name in fields}
        cli_output.print_json({"pool": pool, "layout": layout, "seed": seed, **said})
    else:
        title = f"Minutes to resolved, treated minus control (simulated, {seen.tickets:,} tickets)"
        cli_output.print_table(title, design_page.SEEN_COLUMNS, design_page.seen_rows(seen))
        cli_output.OUT.print(design_page.pilot_sentence(seen), soft_wrap=True, highlight=False)
