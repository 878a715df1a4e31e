"""The command that embeds files of any size."""

from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from classifier.commands.model import ENCODERS, EncoderDir, EngineChoice, Json, Scheduler, TextColumn, app
from classifier.training.engines import Engine


@app.command()
def embed(
    data: Annotated[
        Path,
        typer.Option(help="Parquet file, or a folder of them; or a CSV or JSONL file, which is read whole."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to; what is there already is not done again.")],
    engine: EngineChoice = Engine.LOCAL,
    scheduler: Scheduler = None,
    encoder: Annotated[
        str, typer.Option(help="Name of the encoder, or auto: the default one, else the packaged one.")
    ] = "auto",
    encoder_dir: EncoderDir = ENCODERS,
    text_column: TextColumn = "text",
    key_column: Annotated[
        list[str] | None,
        typer.Option(
            help="Column to keep beside the embedding, several times; all but the text unless given."
        ),
    ] = None,
    rows_each: Annotated[
        int, typer.Option(min=1, help="Rows of a partition: what is done again after a cut.")
    ] = 2_000,
    as_json: Json = False,
) -> None:
    """Embed every row exactly as in serving, into Parquet; a run that was cut short goes on where it was."""
    from classifier.commands.engines import embedder
    from classifier.commands.output import note, print_json, rate_bar, say
    from classifier.data.partitions import open_source
    from classifier.training.choose_encoder import choose_encoder
    from classifier.training.embed import embed as embed_source

    source = open_source(data, text_column, key_column, rows_each)
    found, message = choose_encoder(encoder, encoder_dir, datetime.now(UTC))
    if message:
        note(message)
    with embedder(engine, scheduler, found) as embed_jobs, rate_bar("Embedding", source.rows) as advance:
        began = perf_counter()
        done = embed_source(data, source, out, found, embed_jobs, advance)
        seconds = perf_counter() - began
    rate = done.new_rows / seconds
    if as_json:
        print_json(
            {
                "out": str(out),
                "encoder": found.recipe.name,
                "fingerprint": found.fingerprint,
                "rows": done.rows,
                "partitions": done.partitions,
                "new_rows": done.new_rows,
                "new_partitions": done.new_partitions,
                "rows_per_s": round(rate, 1),
            }
        )
        return
    say(f"{done.rows} rows in {done.partitions} partitions are embedded by {found.recipe.name} in {out}.")
    if done.new_rows:
        say(f"{done.new_rows} rows in {done.new_partitions} partitions are new: {rate:.0f} rows/s.")
