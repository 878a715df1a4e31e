"""`python -m bot`: serve, migrate, doctor, stats, export, backup, replay, erase, seed. Thin: each command calls one function."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.errors import BotError

if TYPE_CHECKING:  # commands import what they need, so that `--help` is quick
    from bot.settings import Settings
    from bot.storage.database import Database

app = typer.Typer(
    help="Firstline: a self-hosted Slack bot for IT support.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


def now() -> datetime:
    """The clock of every command."""
    return datetime.now(UTC)


@contextmanager
def opened(*, is_patient: bool = False) -> Iterator[tuple["Database", "Settings"]]:
    """The database at DATABASE_URL, at this version's schema, and the settings that need no Slack.

    ``is_patient``: nothing ends while a person reads what is on the screen.
    """
    from bot.settings import StorageSettings, load_settings
    from bot.storage import schema
    from bot.storage.database import FROZEN_AFTER_S, Database, open_existing

    settings = load_settings(StorageSettings)
    engine = open_existing(settings.database_url, frozen_after_s=0 if is_patient else FROZEN_AFTER_S)
    schema.require_head(engine)
    try:
        yield Database(engine), settings
    finally:
        engine.dispose()


@app.command()
def serve() -> None:
    """Run the bot until SIGTERM or Ctrl-C, then drain and end within 10 s."""
    from bot.app import serve as run
    from bot.settings import load_settings

    run(load_settings(), now)


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Only compare: migrations, tables and a fresh database.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing when all is well.")] = False,
) -> None:
    """Bring the database at DATABASE_URL to this version's schema; an SQLite file that is not there is made."""
    from bot.settings import StorageSettings, load_settings
    from bot.storage import schema
    from bot.storage.database import open_engine

    if check:
        differences = schema.check_from_scratch()
        for difference in differences:
            typer.echo(f"migrations and tables differ: {difference}", err=True)
        raise typer.Exit(1 if differences else 0)
    engine = open_engine(load_settings(StorageSettings).database_url)
    revision = schema.upgrade(engine)
    if not quiet:
        typer.echo(f"The database is at revision {revision}.")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check settings, database, model, encoder and Slack, and say what to do about what is wrong."""
    from bot.doctor import examine

    findings = examine(now)
    if as_json:
        typer.echo(
            json.dumps(
                {"ok": not any(f.is_fault for f in findings), "findings": [f.as_dict() for f in findings]}
            )
        )
    else:
        for finding in findings:
            typer.echo(finding.as_line())
    raise typer.Exit(1 if any(f.is_fault for f in findings) else 0)


@app.command()
def stats(
    period: Annotated[str, typer.Argument(help="7d, 30d or all.")] = "30d",
    team: Annotated[
        str | None, typer.Option(help="Workspace id; needed when the database holds several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the numbers that `/firstline stats` shows."""
    from bot.reports import stats_as_dict, stats_as_text, stats_of

    with opened() as (database, settings):
        numbers = stats_of(database, now(), period, team, settings)
    typer.echo(json.dumps(stats_as_dict(numbers)) if as_json else stats_as_text(numbers))


@app.command()
def export(
    out: Annotated[
        Path, typer.Argument(help="A file ending in .jsonl or .csv, or - for JSON lines on the screen.")
    ],
    team: Annotated[str | None, typer.Option(help="Only this workspace.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the append-only event log to a file."""
    from bot.export import export_events

    with opened(is_patient=True) as (database, _):
        count = export_events(database, out, team)
    if str(out) != "-":
        typer.echo(
            json.dumps({"events": count, "file": str(out)})
            if as_json
            else f"{count} events written to {out}."
        )


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes. A file that is there already is kept.")],
    as_json: AsJson = False,
) -> None:
    """Copy an SQLite database, also while the bot runs, and check the copy; PostgreSQL has pg_dump for that."""
    from bot.storage.backup import back_up

    with opened() as (database, _):
        size = back_up(database, file)
    typer.echo(
        json.dumps({"file": str(file), "bytes": size})
        if as_json
        else f"{size} bytes written to {file}, checked and whole."
    )


@app.command()
def replay(
    limit: Annotated[int, typer.Option(help="At most so many requests, the newest.", min=1)] = 10_000,
    team: Annotated[str | None, typer.Option(help="Only this workspace.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the requests you have through the model at MODEL_DIR: what it would show now, beside what was shown."""
    from dataclasses import asdict

    from bot.reports import replay as replay_history

    with opened() as (database, settings):
        report = replay_history(database, settings, limit, team)
    typer.echo(json.dumps(asdict(report)) if as_json else report.as_text())


@app.command()
def erase(
    person: Annotated[str, typer.Option(help="TEAM/USER: the ids of a workspace and of a person in it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a person: what they wrote is deleted for good, what is counted stays."""
    from dataclasses import asdict

    from bot.erase import erase as erase_now
    from bot.erase import read_person

    team_id, user_id = read_person(person)
    if not yes:
        typer.confirm(f"Forget {user_id} of {team_id}? This cannot be undone.", abort=True)
    with opened() as (database, _):
        erased = erase_now(database, now(), team_id, user_id)
    typer.echo(
        json.dumps(asdict(erased))
        if as_json
        else f"{erased.requests} requests have no words any more; {erased.messages} messages and "
        f"{erased.deliveries} stored deliveries are deleted."
    )


@app.command()
def seed(
    team: Annotated[str, typer.Option(help="Workspace id the made-up history belongs to.")] = "T0DEMO",
    requests: Annotated[int, typer.Option(help="How many requests to make up.", min=1, max=100_000)] = 200,
    random_seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same history.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fill an empty database with made-up history, to look at reports before there is any of your own."""
    from bot.demo import make_history
    from classifier import load_answers

    with opened() as (database, settings):
        count = make_history(database, settings, load_answers(), now(), team, requests, random_seed)
    typer.echo(
        json.dumps({"requests": count, "team": team})
        if as_json
        else f"{count} made-up requests written for {team}."
    )


def main(run: Callable[..., Any] = app) -> None:
    """Run a command; what goes wrong is one line on stderr and exit code 2."""
    try:
        run()
    except Exception as error:  # the command line's edge
        typer.echo(f"firstline: {_in_words(error)}", err=True)
        sys.exit(2)


def _in_words(error: Exception) -> str:
    """One line that says what to do; raises what is nobody's fault but ours."""
    from sqlalchemy.exc import SQLAlchemyError

    from classifier import ClassifierError

    if isinstance(error, BotError | ClassifierError):
        return str(error)
    if isinstance(error, SQLAlchemyError):
        # Its own text holds the statement, and so perhaps people's words.
        return f"the database at DATABASE_URL cannot be used ({type(error).__name__}): is it there, and is it running?"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    raise error


if __name__ == "__main__":
    main()
