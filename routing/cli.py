"""The commands. Each is thin: read the arguments, call one function, print."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routing.errors import InvalidParams
from routing.params import MatchParams, Policy, Switch, switched_off

if TYPE_CHECKING:
    from routing.experiment import Plan

design = typer.Typer(
    help="How many tasks an experiment needs, or the power that a number has.", no_args_is_help=True
)

app = typer.Typer(
    help="Give waiting work to the people it fits, and say why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Agents = Annotated[int, typer.Option(min=1, help="People in the team.")]
Capacity = Annotated[int, typer.Option(min=1, help="Tasks that one agent can have in hand.")]
Hours = Annotated[float, typer.Option(help="Length of everybody's shift, in which work arrives.")]
Offices = Annotated[int, typer.Option(min=1, max=3, help="Offices in different time zones.")]
Offers = Annotated[
    bool, typer.Option("--offers", help="Agents must accept first; some decline or never answer.")
]
Load = Annotated[
    float,
    typer.Option(help="Work that arrives, over the work the team can do when anybody able takes anything."),
]
MeanMinutes = Annotated[float, typer.Option(help="Mean handling time.")]
Alpha = Annotated[float, typer.Option(help="Chance of finding a difference where there is none.")]
Power = Annotated[float, typer.Option(help="Chance of finding the difference.")]
PerArm = Annotated[int | None, typer.Option(help="Size of each arm: tells its power instead.")]
Policies = Annotated[list[Policy] | None, typer.Option("--policy", help="May be repeated; all if left out.")]
app.add_typer(design, name="design")

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


@app.command()
def match(
    tasks: Annotated[Path, typer.Option(help="Tasks: .json in the plain form, else CSV as published.")],
    agents: Annotated[Path, typer.Option(help="Agents, in the same form.")],
    similarity: Annotated[
        Path | None, typer.Option(help="CSV of country_a, country_b, similarity; needed with CSV.")
    ] = None,
    policy: Annotated[
        Policy | None,
        typer.Option(help="How work is given out; left out: adaptive for .json, hungarian for CSV."),
    ] = None,
    reproduce: Annotated[
        bool, typer.Option("--reproduce", help="Leave out score 0 and pad the last batch, as published.")
    ] = False,
    now: Annotated[str | None, typer.Option(help="The moment to match at, ISO 8601 with offset.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
    as_json: Json = False,
) -> None:
    """Match tasks with agents: at one moment (.json), or a whole file tier by tier as published (CSV)."""
    plain = {path.suffix.lower() == ".json" for path in (tasks, agents)}
    if plain == {True, False}:
        raise InvalidParams("tasks and agents must both be .json, or both CSV")
    if plain == {True}:
        if reproduce:
            raise InvalidParams("--reproduce is for the published CSV files")
        _match_plain(
            tasks, agents, similarity, MatchParams(policy=policy or Policy.ADAPTIVE, seed=seed), now, as_json
        )
    else:
        if now is not None:
            raise InvalidParams("--now is for .json files; the published CSV files have no times")
        if similarity is None:
            raise InvalidParams("--similarity is needed with CSV files")
        _match_published(tasks, agents, similarity, policy or Policy.HUNGARIAN, reproduce, seed, as_json)


@app.command()
def simulate(
    policy: Annotated[Policy, typer.Option(help="How work is given out.")] = Policy.ADAPTIVE,
    seed: Annotated[int, typer.Option(min=0, help="Decides the team and the day.")] = 0,
    rerank_s: Annotated[float, typer.Option(help="Seconds between matchings; 0: at every event.")] = 0.0,
    agents: Agents = 60,
    capacity: Capacity = 1,
    hours: Hours = 8.0,
    offices: Offices = 3,
    load: Load = 0.95,
    mean_minutes: MeanMinutes = 8.8,
    offers: Offers = False,
    as_json: Json = False,
) -> None:
    """Play one simulated day with the production matching: waiting, deadline misses, utilisation."""
    from routing import cli_output
    from routing.simulation import METRICS, Scenario, draw_world
    from routing.simulation import simulate as play

    scenario = Scenario(
        agents, capacity, hours, offices, load, mean_minutes, offers=offers, rerank_s=rerank_s
    )
    with cli_output.progress_bar("tasks given out", len(draw_world(scenario, seed).requests)) as progress:
        day = play(scenario, MatchParams(policy=policy, seed=seed), seed, progress)
    if as_json:
        cli_output.print_json({"scenario": scenario, "day": day})
    else:
        rows = [(name.replace("_", " "), getattr(day, name)) for name in METRICS]
        title = f"{policy.value}, seed {seed}: {day.tasks} tasks (simulated; times in minutes)"
        cli_output.print_table(title, ("", "value"), rows)


@app.command()
def compare(
    policy: Policies = None,
    rerank_s: Annotated[
        list[float] | None,
        typer.Option(help="Seconds between matchings; may be repeated; 0: at every event."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many days, seeds 0, 1, ...")] = 5,
    agents: Agents = 60,
    capacity: Capacity = 1,
    hours: Hours = 8.0,
    offices: Offices = 3,
    load: Load = 0.95,
    mean_minutes: MeanMinutes = 8.8,
    offers: Offers = False,
    without: Annotated[
        list[Switch] | None,
        typer.Option("--without", help="Switch off a reason of adaptive; may be repeated."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a page with charts.")] = None,
    as_json: Json = False,
) -> None:
    """Policies side by side on the same simulated days, with 95 % intervals over the seeds."""
    from routing import cli_output
    from routing.comparing import compare as compare_policies
    from routing.simulation import Scenario
    from routing.study import policies_page

    scenario = Scenario(agents, capacity, hours, offices, load, mean_minutes, offers=offers)
    policies, reranks_s = policy or list(Policy), rerank_s or [0.0]
    days = len(policies) * len(reranks_s) * seeds
    with cli_output.progress_bar("days", days) as progress:
        summaries = compare_policies(
            scenario, switched_off(without or ()), policies, reranks_s, range(seeds), progress
        )
    if report is not None:
        policies_page.write_page(report, scenario, seeds, summaries)
    if as_json:
        cli_output.print_json({"scenario": scenario, "seeds": seeds, "rows": summaries})
    else:
        cli_output.print_comparison(summaries, seeds)


@design.command("means")
def design_means(
    difference: Annotated[float, typer.Option(help="Difference of the means that matters.")],
    sd: Annotated[float, typer.Option(help="Standard deviation of one observation, in the same unit.")],
    power: Power = 0.8,
    alpha: Alpha = 0.05,
    per_arm: PerArm = None,
    as_json: Json = False,
) -> None:
    """For a difference of two means, such as handling time (t test, two-sided)."""
    from routing.experiment import Plan, plan_means, power_of_means

    if per_arm is None:
        _print_plan(plan_means(difference, sd, power, alpha), as_json)
    else:
        has = power_of_means(per_arm, difference, sd, alpha)
        _print_plan(Plan(per_arm, 2 * per_arm, has, alpha, difference), as_json)


@design.command("proportions")
def design_proportions(
    before: Annotated[
        float, typer.Option(help="Proportion in the one arm, such as .10 for deadline misses.")
    ],
    after: Annotated[float, typer.Option(help="Proportion in the other arm.")],
    power: Power = 0.8,
    alpha: Alpha = 0.05,
    per_arm: PerArm = None,
    as_json: Json = False,
) -> None:
    """For a difference of two proportions, such as deadline misses (pooled z test, two-sided)."""
    from routing.experiment import Plan, plan_proportions, power_of_proportions

    if per_arm is None:
        _print_plan(plan_proportions(before, after, power, alpha), as_json)
    else:
        has = power_of_proportions(per_arm, before, after, alpha)
        _print_plan(Plan(per_arm, 2 * per_arm, has, alpha, after - before), as_json)


def _print_plan(plan: "Plan", as_json: bool) -> None:
    from routing import cli_output

    if as_json:
        cli_output.print_json(plan)
    else:
        cli_output.OUT.print(
            f"{plan.per_arm:,} in each of two arms ({plan.total:,} in all) find a difference of {plan.difference:g} "
            f"with a chance of {plan.power:.1%} at alpha {plan.alpha:g}, if the observations are independent.",
            soft_wrap=True,
            highlight=False,
        )


def _match_plain(
    tasks: Path, agents: Path, similarity: Path | None, params: MatchParams, now: str | None, as_json: bool
) -> None:
    from routing import cli_output, plain_files
    from routing.matching import match as match_now
    from routing.originals.tables import read_similarity
    from routing.plain import parse_time

    moment = datetime.now(UTC) if now is None else parse_time(now)
    alike = None if similarity is None else read_similarity(similarity).pairs
    matching = match_now(
        plain_files.read_plain_tasks(tasks), plain_files.read_plain_agents(agents), moment, params, alike
    )
    if as_json:
        cli_output.print_json(matching)
    else:
        cli_output.print_matching(matching)


def _match_published(
    tasks: Path, agents: Path, similarity: Path, policy: Policy, reproduce: bool, seed: int, as_json: bool
) -> None:
    from routing import cli_output
    from routing.originals.comparison import run_published
    from routing.originals.scoring import score
    from routing.originals.tables import read_agents, read_similarity, read_tasks

    scored = score(read_tasks(tasks), read_agents(agents), read_similarity(similarity))
    with cli_output.progress_bar("matching", len(scored.task_score)) as progress:
        run = run_published(scored, policy, reproduce=reproduce, seed=seed, progress=progress)
    if as_json:
        cli_output.print_json(run)
    else:
        cli_output.print_published(run)
