"""The commands that measure a model on labelled rows: evaluate for its figures, thresholds for rules of one button or two."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.commands.mapping import LeaveOutUnmapped, note_unmapped
from classifier.commands.model import (
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
from classifier.data.dataset import STARTER, SplitBy

if TYPE_CHECKING:
    from classifier.data.dataset import Dataset, Example
    from classifier.evaluation.asked import Asked
    from classifier.evaluation.evaluate import Outcome
    from classifier.serving.serve import Classifier

Data = Annotated[
    Path,
    typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of labelled requests; one row is enough."),
]
WhichSplit = Annotated[
    str,
    typer.Option(
        "--split",
        help="Which rows: test, calibration, fit, all, or auto: those held out in training, all of another file.",
    ),
]
MappingName = Annotated[
    str,
    typer.Option(
        "--mapping",
        help="What turns raw categories into the model's groups: a mapping file, none, or auto: the model's own mapping "
        "if the file's labels are raw ones.",
    ),
]


@dataclass(frozen=True, slots=True)
class _File:
    """A file to measure on, as the options say."""

    path: Path
    split: str
    text_column: str
    category_column: str
    seed: int
    split_by: SplitBy
    mapping: str
    leave_out_unmapped: bool


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Its rows of one split; `warning` where the model may have seen them."""

    dataset: "Dataset"
    split: str
    rows: "Sequence[Example]"
    warning: str | None


def _choose(classifier: "Classifier", file: _File) -> _Chosen:
    """Read the file and choose its rows, noting what is to be known of them; raises DataRefused for none."""
    from classifier.commands.output import note
    from classifier.data.dataset import Split, read_dataset
    from classifier.errors import DataRefused
    from classifier.evaluation.labels import leaves_out_unmapped, mapping_for, unknown_labels
    from classifier.training.provenance import held_out, is_training_file

    dataset = read_dataset(
        file.path,
        text_column=file.text_column,
        category_column=file.category_column,
        seed=file.seed,
        split_by=file.split_by,
        mapping=mapping_for(file.mapping, classifier.model, file.path, file.category_column),
        leave_out_unmapped=file.leave_out_unmapped or leaves_out_unmapped(classifier.model),
        to_learn=False,
    )
    note_unmapped(dataset)
    split = file.split
    if split == "auto":
        own = dataset.brings_split or is_training_file(classifier.provenance, dataset)
        split = Split.TEST.value if own else "all"
    rows = dataset.examples if split == "all" else dataset.of(Split(split))
    if not rows:
        raise DataRefused(f"{file.path} has no {split} rows; --split all takes every row")
    if unknown := unknown_labels((row.category for row in rows), classifier.categories, file.path):
        note(unknown)
    if warning := held_out(classifier.provenance, dataset, split):
        note(warning)
    return _Chosen(dataset, split, rows, warning)


def _check_split(split: str) -> None:
    from classifier.data.dataset import Split

    if split not in {*Split, "all", "auto"}:
        raise typer.BadParameter("must be test, calibration, fit, all or auto", param_hint="--split")


def _run(classifier: "Classifier", rows: "Sequence[Example]", name: str) -> "list[Outcome]":
    from classifier.commands.output import progress_bars
    from classifier.evaluation.evaluate import run

    with progress_bars() as progress:
        return run(classifier, rows, progress(name, len(rows)))


def _ask(classifier: "Classifier", rows: "Sequence[Example]", name: str) -> "Asked | None":
    from classifier.encoders.recipes import recipe_named
    from classifier.evaluation.asked import asked

    said_of = ((outcome.example, outcome.prediction) for outcome in _run(classifier, rows, name))
    return asked(said_of, recipe_named(classifier.encoder_name).understands)


def _open(model: Path, encoder_dir: Path, file: _File) -> "tuple[Classifier, _Chosen]":
    """The model, and the rows to measure it on."""
    from classifier.serving.serve import load

    _check_split(file.split)
    classifier = load(model, encoder_dir)
    return classifier, _choose(classifier, file)


@app.command()
def evaluate(
    model: ModelDir = MODEL,
    data: Data = STARTER,
    encoder_dir: EncoderDir = ENCODERS,
    split: WhichSplit = "auto",
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    seed: Seed = 0,
    split_by: SplitWay = SplitBy.AUTO,
    mapping: MappingName = "auto",
    leave_out_unmapped: LeaveOutUnmapped = False,
    as_json: Json = False,
) -> None:
    """Print the honest figures of a model; says so when the rows may be ones it has seen."""
    from classifier.commands.output import print_json, print_report
    from classifier.encoders.recipes import recipe_named
    from classifier.evaluation.evaluate import report

    file = _File(data, split, text_column, category_column, seed, split_by, mapping, leave_out_unmapped)
    classifier, chosen = _open(model, encoder_dir, file)
    outcomes = _run(classifier, chosen.rows, "Measuring")
    figures = report(outcomes, recipe_named(classifier.encoder_name).understands)
    name = chosen.dataset.name
    if as_json:
        about = {"model_id": classifier.model_id, "encoder": classifier.encoder_name, "data": name}
        print_json(about | {"split": chosen.split, "warning": chosen.warning} | figures.as_dict())
    else:
        heading = f"Model {classifier.model_id} ({classifier.encoder_name}), {chosen.split} rows of {name}"
        print_report(figures, heading)


@app.command()
def thresholds(
    model: ModelDir = MODEL,
    data: Data = STARTER,
    encoder_dir: EncoderDir = ENCODERS,
    split: WhichSplit = "auto",
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    seed: Seed = 0,
    split_by: SplitWay = SplitBy.AUTO,
    mapping: MappingName = "auto",
    leave_out_unmapped: LeaveOutUnmapped = False,
    report: Annotated[Path | None, typer.Option(help="Folder for a page with charts of the rules.")] = None,
    as_json: Json = False,
) -> None:
    """Compare rules for one suggestion or two: what each covers on held-out rows, and how many buttons it takes."""
    from classifier.commands.output import OUT, note, print_json, say, table
    from classifier.errors import DataRefused
    from classifier.study.rules import compare_rules
    from classifier.study.rules_page import OPERATING, TOP, operating_cells, top_cells, write_page

    file = _File(data, split, text_column, category_column, seed, split_by, mapping, leave_out_unmapped)
    classifier, chosen = _open(model, encoder_dir, file)
    rows = _ask(classifier, chosen.rows, "Measuring")
    if rows is None:
        raise DataRefused(f"{data}: the model can be asked about none of its {len(chosen.rows)} rows")
    kept = _calibration(chosen)
    calibration = _ask(classifier, kept, "Calibrating") if kept else None
    compared = compare_rules(rows, calibration, seed)
    note(compared.about_conformal)
    heading = f"Model {classifier.model_id} ({classifier.encoder_name}), {chosen.split} rows of {chosen.dataset.name}"
    if report:
        write_page(report, heading, chosen.warning, compared)
        note(f"The report is in {report / 'report.md'}.")
    if as_json:
        about = {"model_id": classifier.model_id, "encoder": classifier.encoder_name}
        about |= {"data": chosen.dataset.name, "split": chosen.split}
        print_json(about | {"warning": chosen.warning, "rows": len(chosen.rows)} | compared.as_dict())
        return
    say(heading)
    OUT.print(table("The fewest buttons for a coverage", OPERATING, operating_cells(compared)))
    OUT.print(table("Top threshold", TOP, top_cells(compared)))
    say(compared.claim)


def _calibration(chosen: _Chosen) -> "Sequence[Example]":
    """The rows that thresholds were chosen on, where the file measured on its test rows has them; else none."""
    from classifier.data.dataset import Split

    return chosen.dataset.of(Split.CALIBRATION) if chosen.split == Split.TEST else ()
