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
    from classifier.serving.explain import Grounds

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


@app.command()
def replay(
    history: Annotated[Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of past messages.")],
    model: ModelDir = MODEL,
    encoder_dir: EncoderDir = ENCODERS,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    rows: Annotated[int, typer.Option(min=0, help="How many single rows to print.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what would have been suggested for your own past messages, row by row and in sum."""
    from classifier.commands.output import OUT, note, print_json, progress_bars, table
    from classifier.evaluation.labels import through_own_mapping
    from classifier.evaluation.replay import read_history, summary
    from classifier.evaluation.replay import replay as replay_messages
    from classifier.serving.serve import load

    messages = read_history(history, text_column, category_column)
    classifier = load(model, encoder_dir)
    messages, mapped = through_own_mapping(messages, classifier.model)
    if mapped:
        note(mapped)
    with progress_bars() as progress:
        replayed = replay_messages(classifier, messages, progress("Replaying", len(messages)))
    total = summary(replayed)
    if as_json:
        print_json(
            {"model_id": classifier.model_id, "sum": total, "rows": [row.as_dict() for row in replayed]}
        )
        return
    shown = [
        (
            " ".join(row.message.text.split())[:60],
            ", ".join(row.decision.categories) or "a person",
            row.decision.rule,
        )
        for row in replayed[:rows]
    ]
    if shown:
        OUT.print(table(f"The first {len(shown)} of {len(replayed)}", ("message", "shown", "why"), shown))
    OUT.print(
        table("In sum", ("what", "count"), [(key.replace("_", " "), value) for key, value in total.items()])
    )
