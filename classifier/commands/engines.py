"""The engine a command was asked for, opened for as long as it works."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import typer

from classifier.training.engines import EmbedJobs, Engine, FitTrees

if TYPE_CHECKING:
    from classifier.encoders.store import Installed


@contextmanager
def tree_fitter(engine: Engine, scheduler: str | None) -> Iterator[FitTrees]:
    """What trains the trees."""
    _check(engine, scheduler)
    if engine is Engine.LOCAL:
        from classifier.training.boosting import train_booster

        yield train_booster
        return
    from classifier.training.distributed import open_cluster, train_booster_on_cluster

    with open_cluster(scheduler) as client:
        yield partial(train_booster_on_cluster, client)


@contextmanager
def embedder(engine: Engine, scheduler: str | None, encoder: "Installed") -> Iterator[EmbedJobs]:
    """What embeds partitions."""
    _check(engine, scheduler)
    if engine is Engine.LOCAL:
        from classifier.encoders.store import open_encoder
        from classifier.training.embed import embed_here

        yield partial(embed_here, open_encoder(encoder))
        return
    from classifier.training.distributed import embed_on_cluster, open_cluster

    with open_cluster(scheduler) as client:
        yield partial(embed_on_cluster, client, encoder)


def _check(engine: Engine, scheduler: str | None) -> None:
    if scheduler is not None and engine is not Engine.DASK:
        raise typer.BadParameter("goes with --engine dask", param_hint="--scheduler")
