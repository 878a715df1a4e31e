"""Work on a cluster (dask.distributed): embedding partitions, and training the trees with LightGBM's Dask estimator.

The scheduler and its workers run this version of Firstline (`python -m dask scheduler` and `python -m dask worker` where it
is installed), the workers with the encoder in the same folder. No folder is shared: texts travel there and vectors back. Whoever reaches a Dask scheduler can run code on its workers: keep it in a network of its own, or use Dask's TLS.
"""

import asyncio
import logging
import os
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.encoders.session import Encoder
from classifier.encoders.store import Installed, installed, open_encoder
from classifier.errors import ClassifierError, ClusterRefused, EncoderRefused
from classifier.training.boosting import BoosterParams
from classifier.training.embed import stacked
from classifier.training.engines import Job

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL_WORKERS = 2
JOBS_EACH = 2
"""In flight for each thread of a worker: one in work and one waiting, so that no worker idles."""

_ANSWER_LIMIT_S = 5
_OPENING = threading.Lock()


@contextmanager
def open_cluster(scheduler: str | None) -> Iterator["Client"]:
    """A client of the scheduler at this address; for None, of two worker processes of its own on loopback.

    Raises ClusterRefused when Dask is not installed, and within 10 s when nobody answers or there are no workers.
    """
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415  (optional, and slow to import)
    except ModuleNotFoundError as error:
        raise ClusterRefused(f"--engine dask needs {error.name}; run: make setup-study") from error
    # A lost scheduler reaches us as an exception; what Dask's threads say of it beside that is pages long.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with ExitStack() as opened:
        try:
            if scheduler:
                asyncio.run(_greet(scheduler))
            address: Any = scheduler or opened.enter_context(
                LocalCluster(
                    n_workers=LOCAL_WORKERS,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address=None,
                    silence_logs=logging.ERROR,
                )
            )
            client = opened.enter_context(Client(address, timeout=_ANSWER_LIMIT_S))
            client.wait_for_workers(1, timeout=_ANSWER_LIMIT_S)
            if not scheduler:
                client.run(_mute)
        except Exception as error:  # what answers may be no scheduler, and then anything is raised
            where = f"the scheduler at {scheduler}" if scheduler else "a cluster on this machine"
            raise ClusterRefused(f"{where} cannot be used: {_in_short(error)}") from error
        yield client


async def _greet(scheduler: str) -> None:
    """Raises TimeoutError where somebody takes the call and says nothing: Dask's own client waits for that for ever."""
    from distributed import Security  # noqa: PLC0415
    from distributed.comm import connect  # noqa: PLC0415

    call = connect(scheduler, timeout=_ANSWER_LIMIT_S, **Security().get_connection_args("client"))
    comm = await asyncio.wait_for(call, _ANSWER_LIMIT_S)
    await comm.close()


def embed_on_cluster(
    client: "Client", encoder: Installed, jobs: Iterable[Job]
) -> Iterator[tuple[Job, NDArray[np.float32]]]:
    """Jobs as they are done, each by one thread of a worker. At most JOBS_EACH for each thread are taken ahead.

    Raises EncoderRefused or EncoderMissing when a worker has not this build of the encoder, ClusterRefused when it fails.
    """
    from distributed import as_completed  # noqa: PLC0415

    most = JOBS_EACH * sum(client.nthreads().values())
    flying: dict[Future[NDArray[np.float32]], Job] = {}
    landed = as_completed(loop=client.loop)
    try:
        for job in jobs:
            future = client.submit(
                _embed,
                job.distinct,
                encoder.recipe.name,
                encoder.folder.parent,
                encoder.fingerprint,
                pure=False,
            )
            flying[future] = job
            landed.add(future)
            if len(flying) == most:
                yield _landed(next(landed), flying)
        while flying:
            yield _landed(next(landed), flying)
    finally:
        client.cancel(list(flying))


def _landed(
    future: "Future[NDArray[np.float32]]", flying: dict["Future[NDArray[np.float32]]", Job]
) -> tuple[Job, NDArray[np.float32]]:
    with _one_line():
        return flying.pop(future), future.result()


def _embed(texts: list[str], name: str, folder: Path, fingerprint: str) -> NDArray[np.float32]:
    """On a worker: one text at a time, as in serving."""
    with _OPENING:
        encoder = _open(name, folder, fingerprint)
    return stacked(map(encoder.embed, texts), encoder.recipe.dimensions)


@cache  # once for each worker process; a worker outlives the run
def _open(name: str, folder: Path, fingerprint: str) -> Encoder:
    found = installed(name, folder)
    if found.fingerprint != fingerprint:
        raise EncoderRefused(
            f"a worker has another build of encoder {name} in {folder} ({found.fingerprint[:12]}, wanted "
            f"{fingerprint[:12]}): give it the same version of Firstline and the same encoder"
        )
    return open_encoder(found)


def train_booster_on_cluster(
    client: "Client",
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    label_count: int,
    params: BoosterParams,
    weights: NDArray[np.float64] | None = None,
) -> str:
    """`boosting.train_booster` with the rows dealt out to the workers (LightGBM's data-parallel learner).

    Not the same text as on one machine, for LightGBM itself does four things otherwise: each worker finds the bins of some
    columns from its own rows, samples its own rows, counts the rows in a leaf from their Hessians, and tries again a column
    that could not be split in the node above. Nor the same text twice: it numbers the workers in the order of a set.
    Raises ClusterRefused when a worker fails.
    """
    import lightgbm as lgb  # noqa: PLC0415

    options: dict[str, Any] = params.as_lightgbm(len(features), label_count)
    del options["num_threads"]  # as many as the worker has
    hands = deal(labels, label_count, len(client.nthreads()))
    with _one_line(), warnings.catch_warnings(), client.as_current():
        warnings.simplefilter("ignore", UserWarning)  # it ignores an n_jobs that nobody set
        _hush()
        model = lgb.DaskLGBMClassifier(n_estimators=params.rounds, client=client, **options)
        model.fit(
            _spread(client, features, hands),
            _spread(client, labels, hands),
            sample_weight=None if weights is None else _spread(client, weights, hands),
        )
        return _without_addresses(model.booster_.model_to_string())


def deal(labels: NDArray[np.int64], label_count: int, workers: int) -> list[NDArray[np.int64]]:
    """Which rows each worker gets, every one some of each label: a worker numbers the labels that it sees.

    Fewer hands than workers where a label has fewer rows. Raises ValueError for a label without any.
    """
    rarest = int(np.bincount(labels, minlength=label_count).min())
    if rarest == 0:
        raise ValueError("there is a label without rows")
    by_label = np.argsort(labels, kind="stable")
    hands = min(workers, rarest)
    return [np.sort(by_label[hand::hands]) for hand in range(hands)]


def _spread(client: "Client", array: NDArray[Any], hands: list[NDArray[np.int64]]) -> Any:
    """A Dask array of one chunk for each hand, each on a worker of its own."""
    import dask.array as da  # noqa: PLC0415

    chunks = []
    for worker, rows in zip(sorted(client.nthreads()), hands, strict=False):
        held = client.scatter(array[rows], workers=[worker], hash=False)
        chunks.append(da.from_delayed(held, shape=array[rows].shape, dtype=array.dtype))
    return da.concatenate(chunks)


def _mute() -> None:
    """On a worker started here: its standard output is ours, and LightGBM's C library tells there of its sockets."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _hush() -> None:
    """LightGBM's Python side tells of sockets on standard output, whatever its verbosity: to a logger instead."""
    import lightgbm as lgb  # noqa: PLC0415

    logger = logging.getLogger("lightgbm")
    logger.setLevel(logging.ERROR)
    lgb.register_logger(logger)


def _without_addresses(text: str) -> str:
    """The model without where it was trained."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("[machines:", "[local_listen_port:")))


@contextmanager
def _one_line() -> Iterator[None]:
    """What a worker raises, as one of ours."""
    try:
        yield
    except ClassifierError:
        raise
    except Exception as error:  # whatever a worker's libraries raise, and Dask's own
        raise ClusterRefused(f"the cluster failed: {type(error).__name__}: {_in_short(error)}") from error


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
