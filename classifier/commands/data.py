"""The command that turns exported conversations into a file to train on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from classifier.commands.model import Json, app


@app.command()
def data(
    history: Annotated[
        Path,
        typer.Option(
            help="Conversations: JSONL with one on each line, or CSV or Parquet with one message in each row."
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write, .csv, .jsonl (or .gz of them) or .parquet.")],
    window: Annotated[int, typer.Option(min=1, help="How many of the requester's first messages count.")] = 1,
    most_masked: Annotated[
        float, typer.Option(min=0, max=1, help="Largest share of masked words (****) in what is kept.")
    ] = 0.3,
    requester: Annotated[
        list[str] | None,
        typer.Option(help="A role or author that writes requests. May be given several times."),
    ] = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(help="A role or author (agent or bot) that does not. May be given several times."),
    ] = None,
    conversation_column: Annotated[
        str, typer.Option(help="Column or field with a conversation's id.")
    ] = "conversation",
    author_column: Annotated[str, typer.Option(help="Column or field with who wrote a message.")] = "author",
    role_column: Annotated[
        str, typer.Option(help="Column or field with what they are; goes before the author.")
    ] = "role",
    text_column: Annotated[str, typer.Option(help="Column or field with a message.")] = "text",
    time_column: Annotated[str, typer.Option(help="Column or field with when it was written.")] = "ts",
    bot_column: Annotated[str, typer.Option(help="Column or field that is true for bots.")] = "bot",
    category_column: Annotated[
        str, typer.Option(help="Column or field with the conversation's category.")
    ] = "category",
    language_column: Annotated[
        str, typer.Option(help="Column or field with its language, if there is one.")
    ] = "language",
    as_json: Json = False,
) -> None:
    """Take the first words of each requester out of exported conversations, to train on."""
    from classifier.commands.output import print_json, progress_bars
    from classifier.data.alike import numbered
    from classifier.data.conversations import Fields, People, read_conversations
    from classifier.data.first_message import Choice, first_messages
    from classifier.data.tables import format_of, write_rows
    from classifier.errors import DataRefused
    from classifier.text import clean

    format_of(out)  # refused before the work, not after it
    if out.resolve() == history.resolve():
        raise DataRefused(f"{out} is the history itself: write to another file")
    fields = Fields(
        conversation=conversation_column,
        author=author_column,
        role=role_column,
        text=text_column,
        time=time_column,
        bot=bot_column,
        category=category_column,
        language=language_column,
    )
    people = People(frozenset(requester or ()), frozenset(agent or ()))
    conversations = read_conversations(history, fields, people)
    with progress_bars() as progress:
        choice = Choice(window, most_masked)
        extract = first_messages(conversations, choice, progress("Reading", len(conversations)))
        words = [clean(row["text"]) for row in extract.rows]
        groups = numbered(words, progress("Looking for near-duplicates", len(words)))
    summary = extract.summary(groups)
    if not extract.rows:
        reasons = ", ".join(f"{reason.in_words}: {count}" for reason, count in extract.dropped.most_common())
        raise DataRefused(
            f"{history}: none of {summary['conversations']} conversations can be kept ({reasons})"
        )
    write_rows(out, extract.columns, extract.rows)
    if as_json:
        print_json({"out": str(out)} | summary)
    else:
        _print_summary(out, summary)


def _print_summary(out: Path, summary: dict[str, Any]) -> None:
    from classifier.commands.output import OUT, say, table
    from classifier.data.first_message import Dropped

    say(f"{summary['kept']} of {summary['conversations']} conversations are in {out}.")
    dropped = [(Dropped(reason).in_words, count) for reason, count in summary["dropped"].items()]
    OUT.print(table("Left out", ("why", "conversations"), dropped))
    OUT.print(table("Kept", ("category", "messages"), list(summary["categories"].items())))
    if summary["near_duplicates"]:
        say(
            f"{summary['near_duplicates']} messages say nearly the same as another; the largest group of such has "
            f"{summary['largest_group_of_near_duplicates']}. Training keeps each group in one split."
        )
