"""The command `tiers`: published matchings beside random dealing, and who moves up or down a tier."""

from pathlib import Path
from typing import Annotated

import typer

from routing.cli import Json, app
from routing.params import Policy


@app.command()
def tiers(
    tasks: Annotated[Path, typer.Option(help="Tasks, CSV as published.")],
    agents: Annotated[Path, typer.Option(help="Agents, CSV as published.")],
    similarity: Annotated[Path, typer.Option(help="CSV of country_a, country_b, similarity.")],
    policy: Annotated[
        list[Policy] | None,
        typer.Option("--policy", help="hungarian or greedy_clock; may be repeated; both if left out."),
    ] = None,
    reproduce: Annotated[
        bool, typer.Option("--reproduce", help="Leave out score 0 and pad the last batch, as published.")
    ] = False,
    draws: Annotated[int, typer.Option(min=1, help="Random dealings to compare with.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the first random dealing.")] = 0,
    report: Annotated[Path | None, typer.Option(help="Folder for a page with charts.")] = None,
    as_json: Json = False,
) -> None:
    """Matching 1 and 2 beside random: score difference, similarity, task length, and moves between tiers."""
    from routing import cli_output
    from routing.originals.comparison import deal_everybody_at_random, deal_tiers, merge, per_agent
    from routing.originals.scoring import agent_tiers, score, task_tiers
    from routing.originals.tables import read_agents, read_similarity, read_tasks
    from routing.study import tiers_page
    from routing.study.against_random import compare_with_random
    from routing.study.tier_moves import expect_moves, tier_places

    policies = policy or [Policy.HUNGARIAN, Policy.GREEDY_CLOCK]
    scored = score(read_tasks(tasks), read_agents(agents), read_similarity(similarity))
    task_tier, agent_tier = (
        tier_places(task_tiers(scored.task_score)),
        tier_places(agent_tiers(scored.agent_score)),
    )
    dealings = [deal_everybody_at_random(scored, seed + draw) for draw in range(draws)]
    found = []
    with cli_output.progress_bar("matching", len(policies) * len(scored.task_score)) as progress:
        for one in policies:
            deals = deal_tiers(scored, one, reproduce=reproduce, seed=seed, progress=progress)
            beside = compare_with_random(scored, deals, dealings)
            moves = expect_moves(deals, task_tier, agent_tier)
            found.append(tiers_page.Matched(one, per_agent(scored, merge(deals)), beside, moves))
    if report is not None:
        tiers_page.write_page(report, found, [per_agent(scored, dealing) for dealing in dealings])
    if as_json:
        rows = [{"policy": m.policy, "against_random": m.against_random, "moves": m.moves} for m in found]
        notes = {"task_length": tiers_page.ESTIMATE_NOTE, "moves": tiers_page.MOVES_NOTE}
        cli_output.print_json({"draws": draws, "seed": seed, "notes": notes, "policies": rows})
        return
    for own in found:
        title = f"{own.policy.value}: means over agents, {draws} random draws"
        cells = [tiers_page.compared_cells(row)[:6] for row in own.against_random]
        cli_output.print_table(title, tiers_page.COMPARED_COLUMNS[:6], cells)
    for name, moves in tiers_page.distinct_moves(found):
        cells = tiers_page.moves_rows(moves)
        cli_output.print_table(f"{name}: expected moves", tiers_page.MOVES_COLUMNS, cells)
    for note in (tiers_page.ESTIMATE_NOTE, tiers_page.MOVES_NOTE):
        cli_output.OUT.print(note, soft_wrap=True, highlight=False)
