"""The command that proposes a mapping from many raw categories to a few."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.commands.model import (
    CACHE,
    ENCODERS,
    CategoryColumn,
    EncoderDir,
    Json,
    TextColumn,
    app,
)
from classifier.commands.study import CacheDir, EncoderName, chosen_encoder, embedded

if TYPE_CHECKING:
    from rich.console import Console

    from classifier.study.consolidate import Proposal, Step

CURVE_POINTS = 20
"""Of the curve in the table; --json has every step."""


@app.command()
def consolidate(
    data: Annotated[
        Path,
        typer.Option(help="CSV, JSONL (or .gz of them) or Parquet with messages and their raw categories."),
    ],
    groups: Annotated[int, typer.Option(min=2, help="How many groups to propose.")] = 8,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Mapping file to write; without it the file goes to standard output, tables to standard error."
        ),
    ] = None,
    least: Annotated[
        int, typer.Option(min=3, help="Rows with words that a raw category needs, to be put into a group.")
    ] = 5,
    examples: Annotated[
        bool, typer.Option(help="Give an example text, cleaned of personal data, beside each raw category.")
    ] = True,
    encoder: EncoderName = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    cache: CacheDir = CACHE,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    seed: Annotated[int, typer.Option(help="For the sample of each category.")] = 0,
    as_json: Json = False,
) -> None:
    """Propose a mapping from many raw categories to a few, and tell what each merge costs; YAML to edit."""
    import sys

    from classifier.commands.output import ERR, OUT, note, print_json, say
    from classifier.data.alike import numbered
    from classifier.study.consolidate import SAMPLE, Sample, propose, sample
    from classifier.study.mapping_draft import as_yaml, refuse_existing, write_new
    from classifier.text import has_words

    if out:
        refuse_existing(out)
    rows, outside, unlabelled = _labelled(data, text_column, category_column)
    if unlabelled:
        note(f"{unlabelled} rows have no category: left out.")
    worded = [(words, category) for words, category in rows if has_words(words)]
    chosen = [worded[place] for place in sample([category for _, category in worded], SAMPLE, seed)]
    texts, categories = [words for words, _ in chosen], [category for _, category in chosen]
    vectors = embedded(chosen_encoder(encoder, encoder_dir), texts, cache)
    sampled = Sample(texts, vectors, categories, numbered(texts))
    proposal = propose(sampled, Counter(category for _, category in rows), groups, least, seed)
    content = as_yaml(proposal, data.name, has_outside=outside > 0, with_examples=examples)
    if out:
        write_new(out, content)
    if as_json:
        print_json(proposal.as_dict() | {"data": data.name, "out": str(out) if out else None})
        return
    _print_steps(OUT if out else ERR, proposal, groups)
    if out:
        say(f"The mapping is in {out}: read it, edit it, then train with --mapping {out}.")
    else:
        sys.stdout.write(content)


def _labelled(path: Path, text_column: str, category_column: str) -> tuple[list[tuple[str, str]], int, int]:
    """Cleaned texts with their raw categories; how many rows are out of scope, and how many have no category."""
    from classifier.data.tables import read_rows
    from classifier.decision import OUT_OF_SCOPE
    from classifier.errors import DataRefused
    from classifier.text import clean

    rows = [
        (clean(row[text_column]), row[category_column].strip())
        for row in read_rows(path, (text_column, category_column))
    ]
    labelled = [row for row in rows if row[1]]
    inside = [row for row in labelled if row[1] != OUT_OF_SCOPE]
    if not inside:
        raise DataRefused(f"{path}: no row has a category")
    return inside, len(labelled) - len(inside), len(rows) - len(labelled)


MERGES = ("merged", "groups left", "rows", "confused", "accuracy", "gain", "detail lost")
CURVE = ("groups", "accuracy", "among two best", "detail lost", "largest group")


def _print_steps(console: "Console", proposal: "Proposal", groups: int) -> None:
    """The merges from three times as many groups on, the curve over all, and what is in no group."""
    from classifier.commands.output import table

    merges = [_merge_cells(step) for step in proposal.steps if groups <= step.groups < 3 * groups]
    console.print(table("The last merges", MERGES, merges))
    console.print(table("All merges", CURVE, _curve(proposal, groups)))
    unmapped: list[tuple[Any, ...]] = [
        (one.name, one.rows, one.reason.in_words, one.nearest or "") for one in proposal.unmapped
    ]
    if unmapped:
        console.print(table("In no group", ("raw category", "rows", "why", "nearest"), unmapped))
    members: list[tuple[Any, ...]] = [
        (name, sum(map(proposal.volumes.__getitem__, raw)), len(raw)) for name, raw in proposal.groups.items()
    ]
    console.print(table("Groups", ("group", "rows", "raw categories"), members))
    rows, told = sum(proposal.volumes.values()), proposal.grouped
    line = (
        f"{proposal.kept} of {rows} rows ({proposal.kept / rows:.1%}) are in a group. Of those the vote is right for "
        f"{told.accuracy:.1%}, among its two best for {told.two_best:.1%}; the raw category it finds for "
        f"{proposal.raw.accuracy:.1%} and {proposal.raw.two_best:.1%}. Measured on {proposal.measured} rows that chose nothing."
    )
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _merge_cells(step: "Step") -> tuple[Any, ...]:
    merged = f"{step.joined[:28]} -> {step.kept[:28]}"
    gained, detail = f"{step.gained:+.1%}", f"{step.detail:.1%}"
    return merged, step.groups, step.rows, f"{step.confused:.1%}", f"{step.told.accuracy:.1%}", gained, detail


def _curve(proposal: "Proposal", groups: int) -> list[tuple[Any, ...]]:
    """About CURVE_POINTS numbers of groups, each further from the last by the same factor, the wanted one among them."""
    most, raw = len(proposal.steps) + 1, proposal.raw
    largest = max(proposal.volumes.values()) / sum(proposal.volumes.values())
    points = [(most, raw.accuracy, raw.two_best, 0.0, largest)]
    points += [
        (step.groups, step.told.accuracy, step.told.two_best, step.detail_lost, step.largest)
        for step in proposal.steps
    ]
    wanted = {groups, most, *(round(most ** (n / CURVE_POINTS)) for n in range(1, CURVE_POINTS))} - {1}
    return [(count, *(f"{share:.1%}" for share in shares)) for count, *shares in points if count in wanted]
