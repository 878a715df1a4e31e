"""The commands. Each is thin: read the arguments, call one function, print."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from routing.errors import InvalidParams
from routing.params import MatchParams, Policy

app = typer.Typer(
    help="Give waiting work to the people it fits, and say why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


@app.callback()
def routing() -> None:
    """Give waiting work to the people it fits, and say why."""


@app.command()
def match(
    tasks: Annotated[Path, typer.Option(help="Tasks: .json in the plain form, else CSV as published.")],
    agents: Annotated[Path, typer.Option(help="Agents, in the same form.")],
    similarity: Annotated[
        Path | None, typer.Option(help="CSV of country_a, country_b, similarity; needed with CSV.")
    ] = None,
    policy: Annotated[Policy, typer.Option(help="How work is given out.")] = Policy.HUNGARIAN,
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
        _match_plain(tasks, agents, similarity, MatchParams(policy=policy, seed=seed), now, as_json)
    else:
        if now is not None:
            raise InvalidParams("--now is for .json files; the published CSV files have no times")
        if similarity is None:
            raise InvalidParams("--similarity is needed with CSV files")
        _match_published(tasks, agents, similarity, policy, reproduce, seed, as_json)


def _match_plain(
    tasks: Path, agents: Path, similarity: Path | None, params: MatchParams, now: str | None, as_json: bool
) -> None:
    from routing import cli_output, plain_files
    from routing.matching import match as match_now
    from routing.originals.tables import read_similarity

    moment = datetime.now(UTC) if now is None else plain_files.parse_time(now)
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
