"""The commands that study a file of requests instead of serving one: compare, cues."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.commands.mapping import LeaveOutUnmapped, MappingFile, chosen_mapping, note_unmapped
from classifier.commands.model import (
    CACHE,
    ENCODERS,
    CategoryColumn,
    EncoderDir,
    Json,
    Seed,
    SplitWay,
    TextColumn,
    app,
)
from classifier.data.dataset import STARTER, SplitBy
from classifier.training.balancing import Balance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.data.dataset import Dataset, Split
    from classifier.encoders.store import Installed
    from classifier.training.fit_views import FitRows

EncoderName = Annotated[
    str,
    typer.Option("--encoder", help="Name of the encoder, or auto: the default one, else the packaged one."),
]
CacheDir = Annotated[Path, typer.Option(help="Folder that keeps embeddings between runs.")]


def chosen_encoder(name: str, folder: Path) -> "Installed":
    from classifier.commands.output import note
    from classifier.training.choose_encoder import choose_encoder

    found, message = choose_encoder(name, folder, datetime.now(UTC))
    if message:
        note(message)
    return found


def embedded(encoder: "Installed", words: Sequence[str], cache: Path) -> "NDArray[np.float32]":
    """One row for each cleaned text, with a progress bar."""
    from classifier.commands.output import progress_bars
    from classifier.encoders.store import open_encoder
    from classifier.training.embedding_cache import EmbeddingCache

    running = open_encoder(encoder)
    with progress_bars() as progress:
        step = progress("Reading the rows", len(words))
        return EmbeddingCache(cache, encoder.fingerprint).embed(running, words, step)


def embedded_parts(
    dataset: "Dataset", name: str, folder: Path, cache: Path
) -> "tuple[Installed, dict[Split, FitRows]]":
    """The encoder of this name, and the dataset's rows that it can read, embedded, by split."""
    from classifier.data.dataset import Split
    from classifier.errors import DataRefused
    from classifier.training.train import fit_rows, usable

    found = chosen_encoder(name, folder)
    rows, _ = usable(dataset.examples, tuple(dataset.counts()), found.recipe)
    vectors = embedded(found, [row.words for row in rows], cache)
    parts = {split: fit_rows(rows, vectors, {split}) for split in Split}
    if any(len(own.labels) == 0 for own in parts.values()):
        raise DataRefused(
            f"{dataset.name} leaves a split without a row that encoder {found.recipe.name} can read"
        )
    return found, parts


@app.command()
def compare(
    data: Annotated[
        Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of labelled requests.")
    ] = STARTER,
    encoder: EncoderName = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    cache: CacheDir = CACHE,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    seed: Seed = 0,
    split_by: SplitWay = SplitBy.AUTO,
    mapping: MappingFile = None,
    leave_out_unmapped: LeaveOutUnmapped = False,
    balance: Annotated[
        list[Balance] | None, typer.Option(help="Ways of balancing to compare; may be given several times.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for a page with charts of the comparison.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train several kinds of models on one split and compare them on its test rows."""
    from classifier.commands.output import OUT, note, print_json, progress_bars, table
    from classifier.data.dataset import Split, read_dataset
    from classifier.study.compare import compare as compare_all
    from classifier.study.comparison_page import COLUMNS, cells, write_page
    from classifier.study.contenders import CONTENDERS

    dataset = read_dataset(
        data,
        text_column=text_column,
        category_column=category_column,
        seed=seed,
        split_by=split_by,
        mapping=chosen_mapping(mapping, leave_out_unmapped),
        leave_out_unmapped=leave_out_unmapped,
    )
    note_unmapped(dataset)
    found, part = embedded_parts(dataset, encoder, encoder_dir, cache)
    labels = tuple(dataset.counts())
    ways = tuple(balance or (Balance.NONE,))
    contenders = []
    with progress_bars() as progress:
        step = progress("Comparing", len(CONTENDERS) * len(ways))
        measured = compare_all(part[Split.FIT], part[Split.CALIBRATION], part[Split.TEST], labels, ways, seed)
        for contender in measured:
            contenders.append(contender)
            step()
    sizes = {name.value: len(own.labels) for name, own in part.items()}
    if report:
        write_page(report, dataset, found.recipe.name, labels, contenders, part[Split.TEST].labels)
        note(f"The report is in {report / 'report.md'}.")
    if as_json:
        print_json({"encoder": found.recipe.name, "rows": sizes, "models": [c.as_dict() for c in contenders]})
        return
    title = f"{sizes['test']} test rows of {dataset.name}, {sizes['fit']} to learn from, {sizes['calibration']} for the temperature"
    OUT.print(table(title, COLUMNS, [cells(contender) for contender in contenders]))


@app.command()
def cues(
    history: Annotated[
        Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of messages that no answer solved.")
    ],
    least: Annotated[int, typer.Option(min=2, help="Smallest number of messages that makes a topic.")] = 4,
    encoder: EncoderName = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    cache: CacheDir = CACHE,
    text_column: TextColumn = "text",
    as_json: Json = False,
) -> None:
    """Find topics among messages: what to write the next answer about."""
    from classifier.commands.output import note, print_json, say
    from classifier.evaluation.replay import read_history
    from classifier.study.cues import MOST_TEXTS, topics
    from classifier.text import clean, has_words

    texts = [clean(message.text) for message in read_history(history, text_column)]
    texts = [words for words in texts if has_words(words)]
    if len(texts) > MOST_TEXTS:
        note(f"{len(texts)} messages; looking at every {len(texts) / MOST_TEXTS:.1f}th, {MOST_TEXTS} in all.")
        texts = [texts[place * len(texts) // MOST_TEXTS] for place in range(MOST_TEXTS)]
    vectors = embedded(chosen_encoder(encoder, encoder_dir), texts, cache) if texts else None
    found = topics(texts, vectors, least=least) if vectors is not None else []
    if as_json:
        print_json({"messages": len(texts), "topics": [topic.as_dict() for topic in found]})
        return
    covered = sum(topic.count for topic in found)
    say(f"{len(found)} topics of {least} messages or more hold {covered} of {len(texts)} messages.")
    for topic in found:
        say(f"\n{topic.count:5d}  {' '.join(topic.words) or 'no common word'}")
        for example in topic.examples:
            say(f"       - {example[:160]}")
