"""The commands that study a file of requests instead of serving one: compare, consolidate, cues."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.encoders.store import Installed

EncoderName = Annotated[
    str,
    typer.Option("--encoder", help="Name of the encoder, or auto: the default one, else the packaged one."),
]
CacheDir = Annotated[Path, typer.Option(help="Folder that keeps embeddings between runs.")]


def _encoder(name: str, folder: Path) -> "Installed":
    from classifier.commands.output import note
    from classifier.training.choose_encoder import choose_encoder

    found, message = choose_encoder(name, folder, datetime.now(UTC))
    if message:
        note(message)
    return found


def _vectors(encoder: "Installed", words: Sequence[str], cache: Path) -> "NDArray[np.float32]":
    """One row for each cleaned text, with a progress bar."""
    from classifier.commands.output import progress_bars
    from classifier.encoders.store import open_encoder
    from classifier.training.embedding_cache import EmbeddingCache

    running = open_encoder(encoder)
    with progress_bars() as progress:
        step = progress("Reading the rows", len(words))
        return EmbeddingCache(cache, encoder.fingerprint).embed(running, words, step)


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
    as_json: Json = False,
) -> None:
    """Train several kinds of models on one split and compare them on its test rows."""
    import numpy as np

    from classifier.commands.output import OUT, print_json, table
    from classifier.data.dataset import Split, read_dataset
    from classifier.errors import DataRefused
    from classifier.languages import LanguageDetector
    from classifier.study.compare import Rows
    from classifier.study.compare import compare as compare_all
    from classifier.training.train import usable

    dataset = read_dataset(
        data, text_column=text_column, category_column=category_column, seed=seed, split_by=split_by
    )
    found = _encoder(encoder, encoder_dir)
    labels = tuple(dataset.counts())
    rows, _ = usable(dataset.examples, labels, found.recipe, LanguageDetector())
    vectors = _vectors(found, [row.words for row in rows], cache)
    split = {
        name: Rows(
            vectors[[row.split is name for row in rows]],
            np.array([row.label for row in rows if row.split is name], dtype=np.int64),
            np.array([row.group for row in rows if row.split is name], dtype=np.int64),
        )
        for name in Split
    }
    if any(len(part.labels) == 0 for part in split.values()):
        raise DataRefused(f"{data} leaves a split without a row that encoder {found.recipe.name} can read")
    contenders = list(compare_all(split[Split.FIT], split[Split.CALIBRATION], split[Split.TEST], labels))
    if as_json:
        sizes = {name.value: len(part.labels) for name, part in split.items()}
        print_json({"encoder": found.recipe.name, "rows": sizes, "models": [c.as_dict() for c in contenders]})
        return
    title = (
        f"{len(split[Split.FIT].labels)} fit, {len(split[Split.CALIBRATION].labels)} calibration, "
        f"{len(split[Split.TEST].labels)} test rows that {found.recipe.name} reads; figures (precision weighted) on the test rows"
    )
    columns = ("model", "precision", "accuracy", "top 2", "macro-F1", "log loss", "ECE", "fit s")
    lines = [
        (
            c.name,
            *(
                f"{value:.3f}"
                for value in (c.figures.weighted_precision, c.figures.accuracy, c.figures.top_two)
            ),
            *(f"{value:.3f}" for value in (c.figures.macro_f1, c.figures.log_loss, c.figures.ece)),
            f"{c.fit_s:.1f}",
        )
        for c in contenders
    ]
    OUT.print(table(title, columns, lines))


@app.command()
def consolidate(
    data: Annotated[
        Path,
        typer.Option(help="CSV, JSONL (or .gz of them) or Parquet with messages and their raw categories."),
    ],
    groups: Annotated[int, typer.Option(min=2, help="How many groups to propose.")] = 8,
    encoder: EncoderName = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    cache: CacheDir = CACHE,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    seed: Annotated[int, typer.Option(help="For the sample of each category.")] = 0,
    as_json: Json = False,
) -> None:
    """Propose a mapping from many raw categories to a few, as YAML to edit."""
    import sys

    from classifier.commands.output import print_json
    from classifier.data.tables import read_rows
    from classifier.errors import DataRefused
    from classifier.study.consolidate import SAMPLE, propose, sample
    from classifier.text import clean, has_words

    rows = [
        (clean(row[text_column]), row[category_column].strip())
        for row in read_rows(data, (text_column, category_column))
    ]
    rows = [(words, category) for words, category in rows if has_words(words) and category]
    volumes = Counter(category for _, category in rows)
    if len(volumes) <= groups:
        raise DataRefused(f"{data} has {len(volumes)} categories, which is not more than {groups} groups")
    chosen = sample([category for _, category in rows], SAMPLE, seed)
    vectors = _vectors(_encoder(encoder, encoder_dir), [rows[place][0] for place in chosen], cache)
    proposal = propose(vectors, [rows[place][1] for place in chosen], volumes, groups)
    if as_json:
        print_json(proposal.as_dict())
    else:
        sys.stdout.write(proposal.as_yaml())


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
    vectors = _vectors(_encoder(encoder, encoder_dir), texts, cache) if texts else None
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
