"""The commands. Each is thin: read the arguments, call one function, print."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from classifier.commands.mapping import LeaveOutUnmapped, MappingFile, chosen_mapping, note_unmapped
from classifier.data.dataset import STARTER, SplitBy
from classifier.training.balancing import Balance
from classifier.training.engines import Engine

app = typer.Typer(
    help="Sort support requests: fetch an encoder, train, evaluate, predict, replay.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

EncoderDir = Annotated[Path, typer.Option("--encoder-dir", help="Folder that holds the encoders.")]
ModelDir = Annotated[Path, typer.Option("--model", help="Folder of the trained model.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]
TextColumn = Annotated[str, typer.Option(help="Column with the message.")]
CategoryColumn = Annotated[str, typer.Option(help="Column with its category.")]
Seed = Annotated[int, typer.Option(help="For the split of a file that has no split column.")]
SplitWay = Annotated[
    SplitBy,
    typer.Option(
        "--split-by",
        help="By group (stratified, near-duplicates together), or by time (the newest rows of a date or created_at "
        "column are for test); auto: as a split column says, by group if there is none.",
    ),
]

EngineChoice = Annotated[
    Engine,
    typer.Option(help="Where the heavy work is done: in this process, or by a Dask cluster's workers."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler. Without, the dask engine starts two workers on this machine."
    ),
]

ENCODERS = Path("var/encoders")
MODEL = Path("var/model")
CACHE = Path("var/embeddings")


@app.command()
def fetch(
    encoder: Annotated[str, typer.Option(help="Name of the encoder.")] = "multilingual-e5-small",
    folder: Annotated[Path, typer.Option("--dir", help="Folder that holds the encoders.")] = ENCODERS,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash the files and compare published vectors.")
    ] = False,
    or_packaged: Annotated[
        bool, typer.Option("--or-packaged", help="If no hub answers, build the packaged English encoder.")
    ] = False,
    limit_s: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for a hub's answer.")] = 5.0,
    as_json: Json = False,
) -> None:
    """Fetch an encoder at its pinned revision and hashes, or build the packaged one."""
    from classifier.commands.output import note, print_json, say
    from classifier.encoders.golden import check_golden
    from classifier.encoders.packaged import saturates_int8
    from classifier.encoders.recipes import Source, recipe_named
    from classifier.encoders.store import fetch as fetch_encoder
    from classifier.encoders.store import fetch_or_fallback, open_encoder

    recipe, message = recipe_named(encoder), None
    if or_packaged:
        found, message = fetch_or_fallback(recipe, folder, datetime.now(UTC), limit_s=limit_s)
    else:
        found = fetch_encoder(recipe, folder, limit_s=limit_s)
    if message:
        note(message)
    if found.recipe.source is Source.HUB and found.recipe.int8 and saturates_int8():
        note(f"This processor has no VNNI: {found.recipe.name} may be inexact; there is {recipe.name}-fp32.")
    agreed = check_golden(open_encoder(found)) if verify else None
    result: dict[str, Any] = {
        "encoder": found.recipe.name,
        "folder": str(found.folder),
        "revision": found.recipe.revision,
        "fingerprint": found.fingerprint,
        "languages": list(found.recipe.languages),
        "fell_back": message is not None,
        "published_vectors_agreed": agreed,
    }
    if as_json:
        print_json(result)
        return
    say(f"Encoder {found.recipe.name} is in {found.folder} ({found.fingerprint[:12]}).")
    if agreed is not None:
        vectors = f"{agreed} published vectors agree" if agreed else "there is no published vector to compare"
        say(f"Files hash right; {vectors}.")


@app.command()
def train(
    data: Annotated[
        Path, typer.Option(help="CSV, JSONL (or .gz of them) or Parquet of labelled requests.")
    ] = STARTER,
    out: Annotated[Path, typer.Option(help="Folder to write the model to.")] = MODEL,
    encoder: Annotated[
        str, typer.Option(help="Name of the encoder, or auto: the default one, else the packaged one.")
    ] = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    cache: Annotated[Path, typer.Option(help="Folder that keeps embeddings between trainings.")] = CACHE,
    text_column: TextColumn = "text",
    category_column: CategoryColumn = "category",
    seed: Seed = 0,
    split_by: SplitWay = SplitBy.AUTO,
    mapping: MappingFile = None,
    leave_out_unmapped: LeaveOutUnmapped = False,
    balance: Annotated[
        Balance, typer.Option(help="How rare categories are made to count for more, on fit rows alone.")
    ] = Balance.NONE,
    refill: Annotated[
        bool | None,
        typer.Option(
            "--refill/--no-refill",
            help="Once measured, learn from the held-out rows too. Done unless the file has a split column.",
        ),
    ] = None,
    promise: Annotated[
        float,
        typer.Option(
            min=0.5, max=0.999, help="Least share of right ones among what is shown; else a person."
        ),
    ] = 0.90,
    confidence: Annotated[
        float,
        typer.Option(min=0.5, max=0.999, help="How sure the promise must be, on the calibration rows."),
    ] = 0.95,
    embeddings: Annotated[
        Path | None,
        typer.Option(help="Folder made by embed: its rows are not embedded again."),
    ] = None,
    engine: EngineChoice = Engine.LOCAL,
    scheduler: Scheduler = None,
    if_missing: Annotated[
        bool,
        typer.Option("--if-missing", help="Do nothing if a model of this data, encoder and code is there."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model, and measure it on rows it has not seen."""
    from classifier.commands.engines import tree_fitter
    from classifier.commands.output import note, print_json, print_report, progress_bars, say
    from classifier.data.dataset import read_dataset
    from classifier.training.choose_encoder import choose_encoder
    from classifier.training.promise import PromiseParams
    from classifier.training.provenance import grouping
    from classifier.training.train import TrainParams, is_current
    from classifier.training.train import train as train_model

    now = datetime.now(UTC)
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
    params = TrainParams(
        seed=seed,
        balance=balance,
        refill=not dataset.brings_split if refill is None else refill,
        promise=PromiseParams(promise=promise, confidence=confidence),
        engine=engine,
    )
    if dataset.twins:
        note(grouping(dataset))
    found, message = choose_encoder(encoder, encoder_dir, now)
    if message:
        note(message)
    if if_missing and is_current(out, dataset, found, params):
        if as_json:
            print_json({"trained": False, "model": str(out)})
        else:
            say(f"The model in {out} is up to date.")
        return
    with tree_fitter(engine, scheduler) as fit_trees, progress_bars() as progress:
        trained = train_model(dataset, found, out, cache, params, now, progress, embeddings, fit_trees)
    if as_json:
        print_json(
            {"trained": True, "model": str(out), "model_id": trained.model_id, **trained.report.as_dict()}
        )
    else:
        print_report(trained.report, f"Model {trained.model_id} in {out}, test rows of {dataset.name}")


@app.command()
def bench(
    model: ModelDir = MODEL,
    encoder_dir: EncoderDir = ENCODERS,
    calls: Annotated[int, typer.Option(min=10, help="How many classifications to time.")] = 300,
    as_json: Json = False,
) -> None:
    """Time one classification of short and long messages on one thread."""
    from classifier.commands.output import OUT, print_json, say, table
    from classifier.evaluation.bench import bench as time_all

    measured = time_all(model, encoder_dir, calls)
    if as_json:
        print_json(measured.as_dict())
        return
    rows = [
        (str(t.tokens), *(f"{ms:.1f}" for ms in (t.p50_ms, t.p95_ms, t.cpu_p50_ms, t.cpu_p95_ms)))
        for t in measured.timings
    ]
    title = f"One classification, 1 thread, {calls} calls, in ms"
    OUT.print(table(title, ("tokens", "p50", "p95", "processor p50", "processor p95"), rows))
    say(
        f"Open after {measured.load_s:.1f} s, first answer after {measured.first_answer_s:.1f} s. "
        f"Memory {measured.resident_mb:.0f} MB, at its peak {measured.peak_resident_mb:.0f} MB; of a process that only "
        f"serves {measured.serving_resident_mb:.0f} MB."
    )
