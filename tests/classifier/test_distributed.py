"""Embedding and training in partitions and on a cluster: what one process does, done by several."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import load
from classifier.data.dataset import Dataset
from classifier.data.partitions import Source, open_source
from classifier.data.tables import write_rows
from classifier.encoders.recipes import MINILM
from classifier.encoders.session import Encoder
from classifier.encoders.store import Installed, installed
from classifier.errors import DataRefused, EncoderRefused
from classifier.serving.artefact import read_model
from classifier.serving.boosting import Booster, softmax
from classifier.text import clean
from classifier.training.boosting import BoosterParams, train_booster
from classifier.training.distributed import (
    JOBS_EACH,
    LOCAL_WORKERS,
    deal,
    embed_on_cluster,
    open_cluster,
    train_booster_on_cluster,
)
from classifier.training.embed import Embedded, embed, embed_here
from classifier.training.embedded import look_up
from classifier.training.embedding_cache import text_key
from classifier.training.engines import EmbedJobs, Job
from tests.sizes import full_size_only

from .conftest import Command

ROWS, ROWS_EACH, PARTITIONS = 60, 8, 8
NOTHING = "  \u200b "


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes on loopback."""
    pytest.importorskip("distributed", reason="Dask is not installed; make setup-study installs it")
    with open_cluster(None) as client:
        yield client


@pytest.fixture(scope="module")
def scheduler(cluster: Any) -> str:
    return str(cluster.scheduler.address)


@pytest.fixture(scope="module")
def tickets(starter: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 rows with an id, a list and a message; some messages twice, one without words, one missing."""
    texts: list[str | None] = [example.text for example in starter.examples[: ROWS - 12]]
    texts += [*texts[:10], NOTHING, None]
    path = tmp_path_factory.mktemp("tickets") / "tickets.parquet"
    table = pa.table({"id": range(ROWS), "tags": [["a"] * (n % 3) for n in range(ROWS)], "text": texts})
    pq.write_table(table, path, row_group_size=25)
    return path


def source_of(data: Path, rows_each: int = ROWS_EACH) -> Source:
    return open_source(data, "text", None, rows_each)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each finished partition, what changes when it is written again."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("part-*.parquet")
    }


@pytest.fixture
def local(encoder: Encoder) -> EmbedJobs:
    return partial(embed_here, encoder)


@pytest.fixture
def dasked(cluster: Any, packaged: Installed) -> EmbedJobs:
    return partial(embed_on_cluster, cluster, packaged)


def test_a_cluster_gives_the_same_bytes(
    tickets: Path, packaged: Installed, local: EmbedJobs, dasked: EmbedJobs, tmp_path: Path
) -> None:
    """Embedded on two worker processes, the folder is that of one process byte for byte."""
    for name, engine in (("local", local), ("dask", dasked)):
        done = embed(tickets, source_of(tickets), tmp_path / name, packaged, engine)
        assert done == Embedded(PARTITIONS, ROWS, PARTITIONS, ROWS)
    assert contents(tmp_path / "local") == contents(tmp_path / "dask")


def test_rows_are_embedded_as_in_serving(
    tickets: Path, packaged: Installed, encoder: Encoder, local: EmbedJobs, tmp_path: Path
) -> None:
    """Every row keeps its columns and gets the vector that serving would see; a message without words gets none."""
    embed(tickets, source_of(tickets), tmp_path / "out", packaged, local)
    parts = sorted((tmp_path / "out").glob("part-*.parquet"))
    made, given_rows = pa.concat_tables(map(pq.read_table, parts)), pq.read_table(tickets)
    assert (
        made.drop_columns(["text_sha256", "embedding"]).to_pydict()
        == given_rows.drop_columns("text").to_pydict()
    )
    assert made.schema.field("embedding").type.list_size == MINILM.dimensions
    assert made.schema.field("embedding").type.value_type == pa.float32()
    for text, row, key in zip(
        given_rows["text"].to_pylist(),
        made["embedding"].to_pylist(),
        made["text_sha256"].to_pylist(),
        strict=True,
    ):
        words = clean(text or "")
        assert (row is None) is (key is None) is (words == "")
        if words:
            assert np.array_equal(np.array(row, dtype=np.float32), encoder.embed(words))
            assert key == text_key(MINILM.prefix, words)


@full_size_only
def test_a_killed_run_goes_on_where_it_was(
    tickets: Path, encoder_dir: Path, packaged: Installed, local: EmbedJobs, tmp_path: Path
) -> None:
    """After a kill in the middle, what is there is whole, is left as it is, and the rest is that of an uncut run."""
    many = tmp_path / "many.parquet"
    pq.write_table(pa.concat_tables([pq.read_table(tickets)] * 40), many)
    command = [
        sys.executable,
        "-m",
        "classifier",
        "embed",
        "--data",
        str(many),
        "--out",
        str(tmp_path / "out"),
    ]
    command += ["--encoder", MINILM.name, "--encoder-dir", str(encoder_dir), "--rows-each", "30"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        until = time.monotonic() + 30
        while len(stamps(tmp_path / "out") if (tmp_path / "out").exists() else {}) < 2:
            assert time.monotonic() < until, "nothing was embedded in 30 s"
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    before = stamps(tmp_path / "out")
    assert 2 <= len(before) < 80
    source = source_of(many, 30)
    done = embed(many, source, tmp_path / "out", packaged, local)
    assert done == Embedded(80, 2_400, 80 - len(before), 2_400 - 30 * len(before))
    assert before.items() <= stamps(tmp_path / "out").items()
    embed(many, source, tmp_path / "uncut", packaged, local)
    assert contents(tmp_path / "out") == contents(tmp_path / "uncut")


def test_either_engine_goes_on_with_what_the_other_began(
    tickets: Path, packaged: Installed, local: EmbedJobs, dasked: EmbedJobs, tmp_path: Path
) -> None:
    """A run on a cluster that ends in an error leaves whole partitions, which one process does not embed again."""
    finished = []

    def cut(rows: int, is_new: bool) -> None:
        finished.append(rows)
        if len(finished) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(tickets, source_of(tickets), tmp_path / "out", packaged, dasked, cut)
    assert not json.loads((tmp_path / "out" / "manifest.json").read_text())["complete"]
    before = stamps(tmp_path / "out")
    done = embed(tickets, source_of(tickets), tmp_path / "out", packaged, local)
    assert (len(before), done.new_partitions) == (3, PARTITIONS - 3)
    assert before.items() <= stamps(tmp_path / "out").items()


def most_ahead(engine: EmbedJobs, source: Source) -> int:
    """How many partitions an engine had taken and not yet given back, at most."""
    taken, given_back, most = 0, 0, 0

    def jobs() -> Iterator[Job]:
        nonlocal taken, most
        for partition in source.partitions():
            taken += 1
            most = max(most, taken - given_back)
            yield Job(partition, ["a printer"], ["a printer"])

    for _ in engine(jobs()):
        given_back += 1
    assert given_back == taken
    return most


def test_few_partitions_are_held_at_once(tickets: Path, local: EmbedJobs, dasked: EmbedJobs) -> None:
    """However many partitions there are, one process holds one of them, a cluster two for each of its threads."""
    source = source_of(tickets, 2)
    assert most_ahead(local, source) == 1
    assert most_ahead(dasked, source) == JOBS_EACH * LOCAL_WORKERS


def test_a_file_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    """The first rows of a file that is one large row group come without reading its end; damage there is one line."""
    path, draw = tmp_path / "large.parquet", np.random.default_rng(0)
    texts = [f"ticket {' '.join(map(str, row))}" for row in draw.integers(0, 999, (100_000, 12))]
    pq.write_table(
        pa.table({"text": texts}), path, use_dictionary=False, compression="none", data_page_size=4_096
    )
    content = bytearray(path.read_bytes())
    content[3_000_000:3_100_000] = b"\xff" * 100_000
    path.write_bytes(bytes(content))
    partitions = source_of(path, 100).partitions()
    assert next(partitions).words() == texts[:100]
    with pytest.raises(DataRefused, match=r"large.parquet is not a whole Parquet file") as refused:
        list(partitions)
    assert "\n" not in str(refused.value)


def test_only_what_is_new_in_grown_data_is_embedded(
    tickets: Path, packaged: Installed, local: EmbedJobs, tmp_path: Path
) -> None:
    """Files added to a folder, also ahead of the others, cost their own rows alone; what is gone from the data goes."""
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    shutil.copy(tickets, data / "2026-02.parquet")
    assert embed(data, source_of(data), out, packaged, local).new_partitions == PARTITIONS
    first = {inode for inode, _ in stamps(out).values()}
    january = pa.table({"id": [1, 2], "tags": [[], ["x"]], "text": ["my mouse", "my screen"]})
    pq.write_table(january, data / "2026-01.parquet")
    assert embed(data, source_of(data), out, packaged, local) == Embedded(PARTITIONS + 1, ROWS + 2, 1, 2)
    assert first < {inode for inode, _ in stamps(out).values()}
    (data / "2026-02.parquet").unlink()
    assert embed(data, source_of(data), out, packaged, local) == Embedded(1, 2, 0, 0)
    assert [pq.read_table(path)["id"].to_pylist() for path in out.glob("part-*.parquet")] == [[1, 2]]


def test_partitions_with_the_same_content_are_all_there(
    packaged: Installed, local: EmbedJobs, tmp_path: Path
) -> None:
    """Rows that repeat are neither lost nor embedded again when they move within the data."""
    data, out = tmp_path / "same.parquet", tmp_path / "out"
    twice = ["a", "b", "a", "b"]
    for texts, new_rows in ((twice, 4), (["c", "d", *twice], 2), (twice, 0)):
        pq.write_table(pa.table({"text": texts}), data)
        done = embed(data, source_of(data, 2), out, packaged, local)
        assert (done.rows, done.new_rows) == (len(texts), new_rows)
        assert done.partitions == len(list(out.glob("part-*.parquet"))) == len(texts) // 2


def test_a_half_written_partition_is_made_again(
    tickets: Path, packaged: Installed, local: EmbedJobs, tmp_path: Path
) -> None:
    """A partition's file that was cut short is not taken for finished."""
    embed(tickets, source_of(tickets), tmp_path / "out", packaged, local)
    whole = contents(tmp_path / "out")
    part = sorted((tmp_path / "out").glob("part-*.parquet"))[2]
    part.write_bytes(part.read_bytes()[:-50])
    done = embed(tickets, source_of(tickets), tmp_path / "out", packaged, local)
    assert done.new_partitions == 1
    assert contents(tmp_path / "out") == whole


def test_another_origin_is_refused(
    tickets: Path, packaged: Installed, local: EmbedJobs, tmp_path: Path
) -> None:
    """Embeddings of other data, of other partitions or by another encoder are never mixed into a folder."""
    out = tmp_path / "out"
    embed(tickets, source_of(tickets), out, packaged, local)
    before = contents(out)
    with pytest.raises(DataRefused, match="rows each 8, not 9"):
        embed(tickets, source_of(tickets, 9), out, packaged, local)
    other = Path(shutil.copy(tickets, tmp_path / "other.parquet"))
    with pytest.raises(DataRefused, match=r"data tickets\.parquet, not other\.parquet"):
        embed(other, source_of(other), out, packaged, local)
    altered = replace(packaged, files=packaged.files | {"model.onnx": "0" * 64})
    with pytest.raises(DataRefused, match="fingerprint"):
        embed(tickets, source_of(tickets), out, altered, local)
    assert contents(out) == before


def test_a_worker_with_another_encoder_is_refused(
    cluster: Any, tickets: Path, packaged: Installed, tmp_path: Path
) -> None:
    """Where the encoder on a worker is not the one here, nothing is embedded, and one line says so."""
    home = Path(shutil.copytree(packaged.folder, tmp_path / "encoders" / MINILM.name))
    here = installed(MINILM.name, tmp_path / "encoders")
    noted = json.loads((home / "recipe.json").read_text())
    noted["files"]["model.onnx"] = "0" * 64
    (home / "recipe.json").write_text(json.dumps(noted))
    engine = partial(embed_on_cluster, cluster, here)
    with pytest.raises(EncoderRefused, match="another build of encoder") as refused:
        embed(tickets, source_of(tickets), tmp_path / "out", here, engine)
    assert "\n" not in str(refused.value)
    assert not stamps(tmp_path / "out")


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(("work", "where"), [("embed", "silent"), ("train", "nobody")])
def test_no_scheduler_is_one_line_in_ten_seconds(
    command: Command,
    request: pytest.FixtureRequest,
    tickets: Path,
    encoder_dir: Path,
    tmp_path: Path,
    work: str,
    where: str,
) -> None:
    """Where no scheduler answers, the command ends with 2 and one line, and writes nothing."""
    pytest.importorskip("distributed", reason="Dask is not installed; make setup-study installs it")
    address = str(request.getfixturevalue(where))
    options = ["--out", str(tmp_path / "out"), "--encoder", MINILM.name, "--encoder-dir", str(encoder_dir)]
    if work == "embed":
        options += ["--data", str(tickets)]
    began = time.monotonic()
    done = command(work, *options, "--engine", "dask", "--scheduler", address)
    assert time.monotonic() - began < 10
    assert done.returncode == 2
    assert f"scheduler at {address} cannot be used" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_without_dask_the_command_says_how_to_get_it(
    command: Command, monkeypatch: pytest.MonkeyPatch, tickets: Path, encoder_dir: Path, tmp_path: Path
) -> None:
    """In a base installation the dask engine is refused by naming what installs it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    options = ["--encoder", MINILM.name, "--encoder-dir", str(encoder_dir), "--out", str(tmp_path / "out")]
    done = command("embed", "--data", str(tickets), *options, "--engine", "dask")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--engine dask needs distributed; run: make setup-study\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "{data}", "--out", "{data}/in/it"], "in the data itself"),
        (["--data", "{data}", "--out", "{out}", "--text-column", "message"], "has no column message"),
        (["--data", "{data}", "--out", "{out}", "--key-column", "colour"], "has no column colour"),
        (["--data", "{data}/empty", "--out", "{out}"], "no .parquet file"),
        (["--data", "{data}/nowhere.parquet", "--out", "{out}"], "nowhere.parquet"),
        (["--data", "{data}/broken/broken.parquet", "--out", "{out}"], "not a whole Parquet file"),
        (["--data", "{data}/taken/taken.parquet", "--out", "{out}"], "column embedding would be there twice"),
    ],
)
def test_data_that_cannot_be_embedded_is_one_line(
    command: Command, tickets: Path, encoder_dir: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """What cannot be read, or would be read again as data, is refused in one line before anything is embedded."""
    data, out = tmp_path / "data", tmp_path / "out"
    for name in ("empty", "broken", "taken"):
        (data / name).mkdir(parents=True)
    (data / "broken" / "broken.parquet").write_bytes(tickets.read_bytes()[:-10])
    pq.write_table(pa.table({"text": ["a"], "embedding": [1.0]}), data / "taken" / "taken.parquet")
    if "{data}" in arguments:
        shutil.rmtree(data / "broken")
        shutil.rmtree(data / "taken")
        shutil.copy(tickets, data)
    filled = [argument.format(data=data, out=out) for argument in arguments]
    done = command("embed", *filled, "--encoder", MINILM.name, "--encoder-dir", str(encoder_dir))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert not list(tmp_path.rglob("part-*"))


def test_csv_is_embedded_too(command: Command, encoder_dir: Path, tmp_path: Path) -> None:
    """A CSV file gives the same vectors, and the command tells how many rows it made."""
    rows = [{"id": str(n), "text": f"my printer {n}"} for n in range(5)]
    write_rows(tmp_path / "rows.csv", ["id", "text"], rows)
    write_rows(tmp_path / "rows.parquet", ["id", "text"], rows)
    for kind in ("csv", "parquet"):
        options = ["--encoder", MINILM.name, "--encoder-dir", str(encoder_dir), "--rows-each", "2", "--json"]
        done = command(
            "embed", "--data", str(tmp_path / f"rows.{kind}"), "--out", str(tmp_path / kind), *options
        )
        told = json.loads(done.stdout)
        assert (told["rows"], told["partitions"], told["new_rows"]) == (5, 3, 5)
        assert told["rows_per_s"] > 0
    csv, parquet = (
        pa.concat_tables(map(pq.read_table, sorted((tmp_path / kind).glob("part-*"))))
        for kind in ("csv", "parquet")
    )
    assert csv.equals(parquet)


def columns_like_views(rows: int, labels: int, seed: int) -> tuple[Any, Any]:
    """Columns (rows, 40) in whole steps from -3 to 3 that speak for a label each, with noise; labels (rows,)."""
    draw = np.random.default_rng(seed)
    own = draw.integers(0, labels, rows)
    columns = draw.normal(size=(rows, 40)) + 2.0 * np.eye(labels, 40)[own]
    return np.clip(np.round(columns), -3, 3).astype(np.float32), own.astype(np.int64)


def probabilities(text: str, columns: Any) -> Any:
    return softmax(Booster(text).scores(columns), 1.0)


def test_trees_of_a_cluster_are_those_of_one_process_where_lightgbm_counts_alike(cluster: Any) -> None:
    """With the same bins, no sampling of rows and no rule about rows in a leaf, the trees are the same: weights too."""
    columns, labels = columns_like_views(3_000, 5, 0)
    unseen, _ = columns_like_views(1_000, 5, 1)
    weights = 1.0 + (labels == 2)
    # Small trees: in a small leaf two splits can gain alike, and then the order of a sum decides.
    alike = BoosterParams(rounds=15, num_leaves=7, bagging_fraction=1.0, lambda_l2=0.0, rows_in_leaf=1)
    for own in (None, weights):
        one = probabilities(train_booster(columns, labels, 5, alike, own), unseen)
        several = probabilities(train_booster_on_cluster(cluster, columns, labels, 5, alike, own), unseen)
        assert np.abs(one - several).max() < 1e-9
    unweighted = probabilities(train_booster(columns, labels, 5, alike), unseen)
    assert np.abs(unweighted - several).max() > 0.01


def test_trees_of_a_cluster_agree_with_those_of_one_process(cluster: Any) -> None:
    """With the parameters of training, where each worker samples and bins its own rows, nearly all rows get one label."""
    columns, labels = columns_like_views(3_000, 5, 2)
    unseen, truths = columns_like_views(1_000, 5, 3)
    text = train_booster_on_cluster(cluster, columns, labels, 5, BoosterParams())
    one, several = (
        probabilities(train_booster(columns, labels, 5, BoosterParams()), unseen),
        probabilities(text, unseen),
    )
    assert (one.argmax(axis=1) == several.argmax(axis=1)).mean() >= 0.97
    assert np.abs(one - several).mean() < 0.02
    assert abs((one.argmax(axis=1) == truths).mean() - (several.argmax(axis=1) == truths).mean()) < 0.02
    assert "127.0.0.1" not in text


def test_a_label_rarer_than_workers_is_learned(cluster: Any) -> None:
    """One row of a label is enough: the rows then stay on one worker, which sees all labels."""
    columns, labels = columns_like_views(300, 3, 4)
    labels[labels == 1] = 0
    labels[7] = 1
    booster = Booster(train_booster_on_cluster(cluster, columns, labels, 3, BoosterParams(rounds=2)))
    assert (booster.label_count, booster.width) == (3, 40)


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=60).map(lambda some: [0, 1, 2, 3, *some]),
    workers=st.integers(1, 6),
)
def test_rows_are_dealt_so_that_every_worker_sees_every_label(labels: list[int], workers: int) -> None:
    """Each row is dealt once, each hand holds all labels, and hands differ by a row at most."""
    own = np.array(labels, dtype=np.int64)
    hands = deal(own, 4, workers)
    assert sorted(np.concatenate(hands).tolist()) == list(range(len(labels)))
    assert all(set(own[hand]) == {0, 1, 2, 3} for hand in hands)
    assert max(map(len, hands)) - min(map(len, hands)) <= 1
    assert len(hands) == min(workers, np.bincount(own).min())


@pytest.fixture(scope="module")
def labelled(starter: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of the starter's rows as a file."""
    path = tmp_path_factory.mktemp("labelled") / "labelled.parquet"
    rows = [{"text": one.text, "category": one.category} for one in starter.examples[::3]]
    write_rows(path, ["text", "category"], rows)
    return path


@full_size_only
def test_a_model_is_trained_from_embeddings_on_a_cluster(
    command: Command,
    labelled: Path,
    packaged: Installed,
    encoder_dir: Path,
    dasked: EmbedJobs,
    scheduler: str,
    tmp_path: Path,
) -> None:
    """Embed, then train on the cluster: nothing is embedded twice, and the model serves as any other."""
    embed(labelled, source_of(labelled, 100), tmp_path / "embedded", packaged, dasked)
    options = ["--data", str(labelled), "--encoder", MINILM.name, "--encoder-dir", str(encoder_dir)]
    options += ["--embeddings", str(tmp_path / "embedded"), "--cache", str(tmp_path / "cache")]
    done = command(
        "train",
        *options,
        "--out",
        str(tmp_path / "model"),
        "--engine",
        "dask",
        "--scheduler",
        scheduler,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trained"]
    assert not (tmp_path / "cache").exists(), "rows were embedded again"
    assert read_model(tmp_path / "model").model.provenance["engine"] == "dask"
    decision = load(tmp_path / "model", encoder_dir).decide("I forgot my password, please reset it")
    assert decision.prediction is not None


def test_embeddings_by_another_encoder_are_refused(
    command: Command, tickets: Path, packaged: Installed, encoder_dir: Path, local: EmbedJobs, tmp_path: Path
) -> None:
    """Training on vectors of another build than the encoder's is refused in one line, as is a folder without any."""
    out = tmp_path / "embedded"
    embed(tickets, source_of(tickets), out, packaged, local)
    manifest = (out / "manifest.json").read_text()
    (out / "manifest.json").write_text(manifest.replace(packaged.fingerprint, "f" * 64))
    options = ["--encoder", MINILM.name, "--encoder-dir", str(encoder_dir), "--out", str(tmp_path / "model")]
    for folder, said in ((out, "embed again"), (tmp_path, "no embeddings")):
        done = command("train", *options, "--embeddings", str(folder), "--cache", str(tmp_path / "cache"))
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr.splitlines()[-1]
    assert not (tmp_path / "model").exists()


def test_only_wanted_rows_are_looked_up(
    tickets: Path, packaged: Installed, encoder: Encoder, local: EmbedJobs, tmp_path: Path
) -> None:
    """Of a folder of any size, only the vectors of the texts asked for come into memory."""
    embed(tickets, source_of(tickets), tmp_path / "out", packaged, local)
    words = clean(pq.read_table(tickets)["text"][3].as_py())
    found = look_up(tmp_path / "out", packaged, [words, "never embedded"])
    assert found.keys() == {text_key(MINILM.prefix, words)}
    assert np.array_equal(found[text_key(MINILM.prefix, words)], encoder.embed(words))


def test_a_scheduler_goes_with_the_dask_engine(command: Command, tickets: Path, tmp_path: Path) -> None:
    """An address that would not be used is refused."""
    done = command(
        "embed", "--data", str(tickets), "--out", str(tmp_path / "out"), "--scheduler", "127.0.0.1:1"
    )
    assert done.returncode == 2
    assert "--engine dask" in done.stderr
