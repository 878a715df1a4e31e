"""The commands about few examples: add-category, what that is worth (cold-start), and how many are enough (learning-curve)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from classifier.commands.model import (
    CACHE,
    ENCODERS,
    MODEL,
    CategoryColumn,
    EncoderDir,
    Json,
    ModelDir,
    Seed,
    SplitWay,
    TextColumn,
    app,
)
from classifier.commands.study import CacheDir, EncoderName
from classifier.data.dataset import SplitBy

SHARE = 0.1

Share = Annotated[
    float,
    typer.Option(
        min=0.0001, max=0.9, help="Share of all messages that you expect to be of the new category."
    ),
]


@app.command("add-category")
def add_category(
    name: Annotated[str, typer.Option(help="The new category, as in answers.yml.")],
    examples: Annotated[
        Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet with 10 or more messages of it.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the new model; the old one stays as it is.")],
    model: ModelDir = MODEL,
    encoder_dir: EncoderDir = ENCODERS,
    text_column: TextColumn = "text",
    share: Share = SHARE,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Give a trained model one more category from a few examples; nothing is trained again, and it takes seconds."""
    from classifier.commands.output import note, print_json, say
    from classifier.data.tables import read_rows
    from classifier.errors import DataRefused
    from classifier.serving.artefact import read_model
    from classifier.serving.serve import load
    from classifier.training.add_category import learnable, write_with

    if out.resolve() == model.resolve():
        raise DataRefused(f"{out} is the model itself: give another folder, so that you can go back")
    rows = [row[text_column] for row in read_rows(examples, (text_column,))]
    texts = learnable(rows)
    if len(texts) < len(rows):
        note(f"{len(rows) - len(texts)} of {len(rows)} examples say too little, or what another one says.")
    classifier = load(model, encoder_dir)
    model_id, added = write_with(
        read_model(model), name, texts, classifier.embed, out, share=share, seed=seed, now=datetime.now(UTC)
    )
    if as_json:
        print_json({"model": str(out), "model_id": model_id, **added.as_dict()})
        return
    say(f"Model {model_id} in {out} knows {name} from {added.examples} examples.")
    say(
        f"Left out, {added.recognised} of {added.examples} of them were taken for it first, and {added.taken} of "
        f"{added.background} rows of other categories too."
    )
    say("Write its answer in answers.yml. What the model promises was proven for the other categories alone.")


@app.command("cold-start")
def cold_start(
    data: Annotated[Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of labelled requests.")],
    encoder: EncoderName = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    cache: CacheDir = CACHE,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    examples: Annotated[
        list[int] | None,
        typer.Option(help="Numbers of examples to try; may be given several times. 5, 20, 100."),
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Which to leave out in turn; may be given several times. All.")
    ] = None,
    most_rows: Annotated[
        int, typer.Option(min=100, help="Fit rows used: each category trains a model.")
    ] = 9_000,
    draws: Annotated[
        int, typer.Option(min=1, help="Draws of the examples, over which figures are averaged.")
    ] = 3,
    share: Share = SHARE,
    seed: Seed = 0,
    split_by: SplitWay = SplitBy.AUTO,
    as_json: Json = False,
) -> None:
    """Leave each category out of training in turn, add it from a few examples, and measure on test rows."""
    from classifier.commands.output import OUT, print_json, progress_bars, table
    from classifier.commands.study import embedded_parts
    from classifier.data.dataset import read_dataset
    from classifier.decision import OUT_OF_SCOPE
    from classifier.errors import DataRefused
    from classifier.study.cold_start import COLUMNS, ColdStart, cells

    dataset = read_dataset(
        data,
        text_column=text_column,
        category_column=category_column,
        seed=seed,
        split_by=split_by,
    )
    counts, labels = examples or [5, 20, 100], tuple(dataset.counts())
    if unknown := set(category or ()) - set(labels):
        raise DataRefused(f"{data} has no category {', '.join(sorted(unknown))}")
    _, parts = embedded_parts(dataset, encoder, encoder_dir, cache)
    study = ColdStart(parts, labels, most_rows=most_rows, draws=draws, share=share, seed=seed)
    chosen = [label for label in labels if label in (category or labels) and label != OUT_OF_SCOPE]
    measured = []
    with progress_bars() as progress:
        step = progress("Leaving each category out", len(chosen))
        for label in chosen:
            measured += study.measure(label, counts)
            step()
    means = study.means(measured)
    if as_json:
        print_json({"rows": [row.as_dict() for row in measured], "means": [row.as_dict() for row in means]})
        return
    title = f"A category left out of training and added from examples: {study.test_rows} test rows"
    OUT.print(table(title, COLUMNS, [cells(row) for row in (*measured, *means)]))


@app.command("learning-curve")
def learning_curve(
    data: Annotated[Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of labelled requests.")],
    encoder: EncoderName = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    cache: CacheDir = CACHE,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    rows: Annotated[
        list[int] | None,
        typer.Option(
            min=50,
            help="Numbers of rows to try; may be given several times. Those of 500, 2000, 10000 there are.",
        ),
    ] = None,
    seed: Seed = 0,
    split_by: SplitWay = SplitBy.AUTO,
    as_json: Json = False,
) -> None:
    """Train on some of the rows only, and measure on the same test rows: how many are enough."""
    from classifier.commands.output import OUT, note, print_json, progress_bars, table
    from classifier.commands.study import chosen_encoder
    from classifier.data.dataset import Split, read_dataset
    from classifier.study.learning_curve import COLUMNS, cells
    from classifier.study.learning_curve import learning_curve as measure
    from classifier.training.provenance import grouping
    from classifier.training.train import TrainParams

    dataset = read_dataset(
        data,
        text_column=text_column,
        category_column=category_column,
        seed=seed,
        split_by=split_by,
    )
    if dataset.leaks:
        note(grouping(dataset))
    found = chosen_encoder(encoder, encoder_dir)
    there_are = len(dataset.examples) - len(dataset.of(Split.TEST))
    sizes = sorted(rows or [size for size in (500, 2_000, 10_000) if size <= there_are] or [there_are])
    with progress_bars() as progress:
        points = list(
            measure(dataset, found, cache, sizes, TrainParams(seed=seed), datetime.now(UTC), progress)
        )
    if as_json:
        print_json({"data": dataset.name, "points": [point.as_dict() for point in points]})
        return
    title = f"Trained on so many rows of {dataset.name}, measured on {points[0].measured_on} others"
    OUT.print(table(title, COLUMNS, [cells(point) for point in points]))
