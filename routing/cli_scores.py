"""The command `scores`: what a score is made of, and what each part of it does."""

from pathlib import Path
from typing import Annotated

import typer

from routing.cli import Json, app

Report = Annotated[Path | None, typer.Option(help="Folder for a page with charts.")]


@app.command()
def scores(
    tasks: Annotated[Path, typer.Option(help="Tasks, CSV as published; a column model_risk may be added.")],
    agents: Annotated[Path, typer.Option(help="Agents, CSV as published.")],
    weights: Annotated[
        str, typer.Option(help="Weights that differ from the published ones: risk=.5,urgency=.2,...")
    ] = "",
    as_published: Annotated[
        bool, typer.Option("--as-published", help="Gaps, scales and spreads as the original took them.")
    ] = False,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Columns, components and scores: distributions, correlations, and each component's influence beside its weight."""
    from routing import cli_output
    from routing.originals.tables import read_agents, read_tasks
    from routing.study import score_page
    from routing.study.score_figures import influences, study
    from routing.study.score_parts import Recipe, agent_parts, task_parts
    from routing.study.score_weights import parse_weights

    chosen, task_table, agent_table = parse_weights(weights), read_tasks(tasks), read_agents(agents)
    recipe, other = (Recipe.PUBLISHED, Recipe.CAREFUL) if as_published else (Recipe.CAREFUL, Recipe.PUBLISHED)
    of_tasks, of_agents = task_parts(task_table, chosen, recipe), agent_parts(agent_table, chosen, recipe)
    subjects = [
        score_page.Subject(
            "tasks", of_tasks, study(of_tasks), influences(task_parts(task_table, chosen, other))
        ),
        score_page.Subject(
            "agents", of_agents, study(of_agents), influences(agent_parts(agent_table, chosen, other))
        ),
    ]
    if report is not None:
        score_page.write_page(report, recipe, subjects)
    if as_json:
        found = {subject.name: subject.study for subject in subjects}
        cli_output.print_json({"recipe": recipe, "weights": chosen, **found})
        return
    narrow = [0, 2, 6, 9, 10, 11]  # what fits a terminal; the page has every column
    for subject in subjects:
        cells = [score_page.distribution_cells(row) for row in subject.study.distributions]
        columns = [score_page.DISTRIBUTION_COLUMNS[place] for place in narrow]
        rows = [[row[place] for place in narrow] for row in cells]
        cli_output.print_table(f"{subject.name}, {recipe.value} recipe", columns, rows)
        influence = [score_page.influence_cells(row) for row in subject.study.influences]
        cli_output.print_table(
            f"{subject.name}: weight and influence", score_page.INFLUENCE_COLUMNS, influence
        )
        for line in score_page.conclusions(subject):
            cli_output.OUT.print(line, soft_wrap=True, highlight=False)
