"""The commands that show a model's decisions: predict for one message, replay for a history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.commands.model import (
    ENCODERS,
    MODEL,
    CategoryColumn,
    EncoderDir,
    Json,
    ModelDir,
    TextColumn,
    app,
)

if TYPE_CHECKING:
    from classifier.evaluation.replay import PastMessage, Replayed
    from classifier.serving.explain import Grounds
    from classifier.study.replay_page import History

MOST_WORDS = 8
"""Of those that moved a prediction, in the table; --json has all."""


@app.command()
def predict(
    text: Annotated[str, typer.Argument(help="The message.")],
    model: ModelDir = MODEL,
    encoder_dir: EncoderDir = ENCODERS,
    as_json: Json = False,
) -> None:
    """Show what would be suggested for one message, and why: its words, what it is like, and what each view said."""
    from classifier.commands.output import OUT, print_json, say, table
    from classifier.evaluation.replay import PastMessage, Replayed
    from classifier.serving.explain import explain
    from classifier.serving.serve import load

    explanation = explain(load(model, encoder_dir), text)
    decision = explanation.decision
    ranked = decision.prediction.ranked() if decision.prediction else ()
    if as_json:
        row = Replayed(PastMessage(text, None), decision).as_dict()
        about = {"model_id": decision.model_id, "probabilities": dict(ranked)}
        print_json(row | about | {"explanation": explanation.as_dict()})
        return
    say(f"{decision.kind.value}: {', '.join(decision.categories) or 'a person'}")
    say(decision.rule)
    if ranked:
        OUT.print(table("Probabilities", ("label", "p"), [(label, f"{p:.3f}") for label, p in ranked]))
    if explanation.grounds:
        _print_grounds(explanation.grounds)


def _print_grounds(grounds: "Grounds") -> None:
    from classifier.commands.output import OUT, table

    moved = [(one.words, f"{one.change:+.2f}") for one in grounds.moved[:MOST_WORDS]]
    if moved:
        title = (
            f"Words that moved it: what they add to the log-odds of {grounds.label} ({grounds.log_odds:+.2f})"
        )
        OUT.print(table(title, ("words", "change"), moved))
    nearest = [(n.text[:80], n.category, f"{n.similarity:.2f}", f"{n.share:.0%}") for n in grounds.nearest]
    title = "Nearest in meaning among what it learned from, and their shares of these votes"
    OUT.print(table(title, ("example", "category", "similarity", "share"), nearest))
    units = {"words": "margin", "opening": "margin", "network": "probability"}
    views = [
        (v.view.value.replace("_", " "), v.label, f"{v.value:.2f}", units.get(v.view, "share of votes"))
        for v in grounds.views
    ]
    OUT.print(table("What each view says first", ("view", "label", "value", "which is a"), views))
    if grounds.heads:
        heads = [(head.category, f"{head.probability:.3f}") for head in grounds.heads]
        OUT.print(table("What the heads of added categories say", ("category", "p"), heads))


@app.command()
def replay(
    history: Annotated[Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of past messages.")],
    model: ModelDir = MODEL,
    encoder_dir: EncoderDir = ENCODERS,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    rows: Annotated[int, typer.Option(min=0, help="How many single rows to print.")] = 20,
    report: Annotated[
        Path | None, typer.Option(help="Folder for a page with charts; its texts are cleaned ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what would have been suggested for your own past messages: row by row, in sum, and for other thresholds."""
    from classifier.commands.output import note, print_json, progress_bars
    from classifier.evaluation.labels import through_own_mapping
    from classifier.evaluation.replay import learned_from, read_history
    from classifier.evaluation.replay import replay as replay_messages
    from classifier.serving.serve import load
    from classifier.study.replay_page import count, write_page

    messages = read_history(history, text_column, category_column)
    classifier = load(model, encoder_dir)
    messages, mapped = through_own_mapping(messages, classifier.model)
    if mapped:
        note(mapped)
    _note_gaps(messages, classifier.categories, history)
    with progress_bars() as progress:
        replayed = replay_messages(classifier, messages, progress("Replaying", len(messages)))
    counted = count(replayed, classifier.model.thresholds, learned_from(messages, classifier.model))
    if counted.warning:
        note(counted.warning)
    if report:
        write_page(report, f"{history.name}, replayed by model {classifier.model_id}", counted)
        note(f"The report is in {report / 'report.md'}.")
    if as_json:
        about = {"model_id": classifier.model_id}
        print_json(about | counted.as_dict() | {"rows": [row.as_dict() for row in replayed]})
    else:
        _print_replay(replayed, counted, rows)


def _note_gaps(messages: "list[PastMessage]", categories: tuple[str, ...], history: Path) -> None:
    """Say what of the file cannot be judged, or be put into a week."""
    from classifier.commands.output import note
    from classifier.errors import DataRefused
    from classifier.evaluation.labels import unknown_labels

    undated = sum(message.date is None for message in messages)
    if 0 < undated < len(messages):
        note(f"{undated} of {len(messages)} messages have no date that reads: they are in no week.")
    try:
        unknown = unknown_labels((m.category for m in messages if m.category), categories, history)
    except DataRefused as error:
        # What would have been shown is worth knowing all the same.
        unknown = f"{error}: whatever is shown counts as wrong."
    if unknown:
        note(unknown)


def _print_replay(replayed: "list[Replayed]", counted: "History", most: int) -> None:
    from classifier.commands.output import OUT, table
    from classifier.study.replay_page import COLUMNS, DISAGREEMENTS, cells, disagreement_cells, sum_cells

    shown = [
        (
            " ".join(row.message.text.split())[:60],
            ", ".join(row.decision.categories) or "a person",
            row.decision.rule,
        )
        for row in replayed[:most]
    ]
    if shown:
        OUT.print(table(f"The first {len(shown)} of {len(replayed)}", ("message", "shown", "why"), shown))
    OUT.print(table("In sum", ("what", "count"), list(sum_cells(counted))))
    parts = (
        (f"By top threshold; the model's own is {counted.own}", "t", counted.listed),
        ("By category, as recorded", "category", counted.categories),
        ("By language", "language", counted.languages),
        ("By week, named by its Monday", "week", counted.weeks),
    )
    for title, name, tallies in parts:
        if tallies:
            OUT.print(table(title, (name, *COLUMNS), [(one.name, *cells(one)) for one in tallies]))
    if wrong := [disagreement_cells(row, 50) for row in counted.disagreements[:most]]:
        title = f"Other than recorded: the {len(wrong)} most confident of {len(counted.disagreements)}"
        OUT.print(table(title, DISAGREEMENTS, wrong))
