"""Whatever is wrong with what a command is given: one line on standard error, exit code 2, and nothing else changes."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classifier.encoders.recipes import MINILM
from classifier.serving.serve import load

HEADER = "text,category\n"
GOOD = HEADER + "".join(
    f"printer {n} is jammed again,print\nvpn number {n} drops often,net\n" for n in range(12)
)
Make = Callable[[Path], Path]


def file(name: str, content: str | bytes) -> Make:
    """Makes a file of this content, in UTF-8 unless it is bytes."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return folder / name

    return make


def folder(name: str) -> Make:
    def make(within: Path) -> Path:
        (within / name).mkdir()
        return within / name

    return make


def parquet_of(rows: list[dict[str, Any]]) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


PARQUET = parquet_of([{"text": "printer jams", "category": "print"}] * 50)

UNREADABLE: dict[str, tuple[Make, str]] = {
    "nothing there": (lambda within: within / "nowhere" / "data.csv", "cannot be read"),
    "folder": (folder("data.csv"), "cannot be read"),
    "folder without ending": (folder("data"), "ends neither in .csv"),
    "other ending": (file("data.xlsx", GOOD), "ends neither in .csv"),
    "empty": (file("data.csv", ""), "is empty"),
    "header alone": (file("data.csv", HEADER), "holds no rows"),
    "no such columns": (file("data.csv", "body,label\nhello,a\n"), "has no column text"),
    "latin-1": (file("data.csv", GOOD.replace("jammed", "bl\xf6d").encode("latin-1")), "line 2: not UTF-8"),
    "utf-16": (file("data.csv", GOOD.encode("utf-16")), "not UTF-8"),
    "utf-16 without mark": (file("data.csv", GOOD.encode("utf-16-le")), "not UTF-8"),
    "cells too many": (file("data.csv", HEADER + "a, b,c\n"), "line 2: 3 cells under 2 columns"),
    "no gzip": (file("data.csv.gz", GOOD), "cannot be read"),
    "truncated gzip": (file("data.csv.gz", gzip.compress(GOOD.encode())[:-20]), "cannot be read"),
    "damaged gzip": (file("data.csv.gz", gzip.compress(GOOD.encode())[:30] + b"\xff" * 90), "cannot be read"),
    "no parquet": (file("data.parquet", GOOD), "not a whole Parquet file"),
    "truncated parquet": (file("data.parquet", PARQUET[: len(PARQUET) // 2]), "not a whole Parquet file"),
    "damaged parquet": (
        file("data.parquet", PARQUET[:40] + b"\xff" * 40 + PARQUET[80:]),
        "not a whole Parquet file",
    ),
    "empty parquet": (file("data.parquet", b""), "empty"),
    "no json": (file("data.jsonl", '{"text": "a", "category": "b"}\n{"text": '), "line 2: not JSON"),
    "json list": (file("data.jsonl", "[1, 2]\n"), "line 1: not an object"),
}

UNTRAINABLE: dict[str, tuple[Make, str]] = {
    "three rows": (file("data.csv", HEADER + "a b,x\nc d,y\ne f,x\n"), "fewer than 10 rows for x, y"),
    "one class": (file("data.csv", HEADER + "some words,x\n" * 40), "at least two categories"),
    "no labels": (file("data.csv", HEADER + "some words,\nothers,nan\n" * 20), "at least two categories"),
    "no texts": (file("data.csv", HEADER + ",x\nNaN,y\n  ,y\n" * 20), "fewer than 10 rows for x, y"),
    "null cells": (
        file("data.jsonl", '{"text": null, "category": "x"}\n{"text": NaN, "category": null}\n' * 20),
        "fewer than 10 rows for x",
    ),
    "empty class": (file("data.csv", GOOD + ",doors\n" * 12), "fewer than 10 rows for doors"),
    "class without words": (
        file("data.csv", GOOD + "".join(f"{'?' * n},doors\n" for n in range(1, 30))),
        "fewer than 3 rows to learn doors",
    ),
    "masked class": (file("data.csv", GOOD + "**** **** vpn,doors\n" * 20), "too many rows are alike|doors"),
    "all alike": (file("data.csv", HEADER + "the same,x\nThe SAME,y\n" * 30), "too many rows are alike"),
    "no such split": (
        file("data.csv", "text,category,split\n" + "a b,x,training\n" * 30),
        "split must be fit",
    ),
}

MAPPINGS: dict[str, tuple[str | None, str]] = {
    "no file": (None, "cannot be read"),
    "not YAML": ("version: 1\ngroups: {a: [", "not YAML"),
    "no groups": ("version: 1\n", "groups must be lists"),
    "raw category twice": ("version: 1\ngroups: {a: [print], b: [print, net]}\n", "'print' is in a and in b"),
    "raw category missing": (
        "version: 1\ngroups: {a: [print]}\n",
        "no group for 1 category with 12 rows (net (12))",
    ),
    "group without rows": ("version: 1\ngroups: {a: [print], b: [net], c: [doors]}\n", "no row is in c"),
    "not UTF-8": ("version: 1\ngroups: {b\udcf6: [print]}\n", "not UTF-8"),
}


def refused(done: Any, complaint: str) -> None:
    """One line that says it, at most after one that notes what else was found; nothing on standard output, exit code 2."""
    assert (done.returncode, done.stdout) == (2, ""), done
    *notes, line = filter(str.strip, done.stderr.splitlines())
    assert len(notes) <= 1, notes
    assert all("an earlier one" in note or "through mapping.yml" in note for note in notes), notes
    assert any(part in line for part in complaint.split("|")), line
    assert "Traceback" not in line
    assert len(line) < 600
    assert line.isprintable()


def contents(where: Path) -> dict[str, bytes]:
    return {str(path.relative_to(where)): path.read_bytes() for path in where.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def kept_model(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was there before: every refusal must leave it as it is."""
    kept = tmp_path_factory.mktemp("kept") / "model"
    shutil.copytree(model_dir, kept)
    return kept


@pytest.fixture
def train(command: Any, encoder_dir: Path, cache_dir: Path, kept_model: Path) -> Any:
    """Runs `train` onto the model that was there before."""

    def run(*options: str | Path) -> Any:
        before = contents(kept_model)
        where = ("--encoder", MINILM.name, "--encoder-dir", encoder_dir, "--cache", cache_dir / "embeddings")
        done = command("train", "--out", str(kept_model), *map(str, (*where, *options)))
        assert contents(kept_model) == before
        assert [path.name for path in kept_model.parent.iterdir()] == [kept_model.name]
        return done

    return run


@pytest.mark.parametrize("case", [*UNREADABLE, *UNTRAINABLE])
def test_training_refuses_and_leaves_the_model(train: Any, tmp_path: Path, case: str) -> None:
    """A file that cannot be learned from is refused, and the model that was there is byte for byte the same."""
    make, complaint = (UNREADABLE | UNTRAINABLE)[case]
    refused(train("--data", make(tmp_path)), complaint)


@pytest.mark.parametrize("case", MAPPINGS)
def test_training_refuses_a_mapping_and_leaves_the_model(train: Any, tmp_path: Path, case: str) -> None:
    """A mapping that is malformed or does not fit the file is refused before anything is trained."""
    content, complaint = MAPPINGS[case]
    mapping = tmp_path / "mapping.yml"
    if content is not None:
        mapping.write_bytes(content.encode("utf-8", "surrogateescape"))
    refused(train("--data", file("data.csv", GOOD)(tmp_path), "--mapping", mapping), complaint)


def test_the_model_that_was_there_still_serves(
    train: Any, kept_model: Path, encoder_dir: Path, tmp_path: Path
) -> None:
    """After a refused training the old model loads and decides."""
    refused(train("--data", tmp_path / "nothing.csv"), "cannot be read")
    decision = load(kept_model, encoder_dir).decide("outlook will not open my inbox")
    assert decision.categories[0] == "email_calendar"


OTHER_COMMANDS = {
    "compare": "--data",
    "consolidate": "--data",
    "cues": "--history",
    "data": "--history",
    "embed": "--data",
    "cold-start": "--data",
    "learning-curve": "--data",
    "add-category": "--examples",
    "replay": "--history",
}


@pytest.mark.parametrize("name", OTHER_COMMANDS)
@pytest.mark.parametrize(
    "case",
    ["nothing there", "latin-1", "truncated gzip", "truncated parquet", "other ending", "empty"],
)
def test_every_command_refuses_what_cannot_be_read(
    command: Any, encoder_dir: Path, kept_model: Path, tmp_path: Path, name: str, case: str
) -> None:
    """Every command that reads a file says in one line what is wrong with it, and writes nothing."""
    make, complaint = UNREADABLE[case]
    options: dict[str, tuple[str | Path, ...]] = {
        "data": ("--out", tmp_path / "out.csv"),
        "embed": ("--out", tmp_path / "out"),
        "add-category": ("--name", "doors", "--out", tmp_path / "out"),
    }
    where = () if name == "data" else ("--encoder-dir", encoder_dir)
    model = ("--model", kept_model) if name in ("add-category", "replay") else ()
    own = () if name in ("data", "add-category", "replay") else ("--encoder", MINILM.name)
    arguments = (OTHER_COMMANDS[name], make(tmp_path), *options.get(name, ()), *where, *model, *own)
    refused(command(name, *map(str, arguments)), complaint)
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "out").exists()


@pytest.fixture
def damaged(model_dir: Path, tmp_path: Path) -> Path:
    """A copy of the model, to be damaged."""
    shutil.copytree(model_dir, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def predict(command: Any, damaged: Path, encoder_dir: Path) -> Any:
    def run(encoders: Path = encoder_dir) -> Any:
        return command("predict", "hello vpn", "--model", str(damaged), "--encoder-dir", str(encoders))

    return run


FILES = (
    "model.txt",
    "views.safetensors",
    "examples.txt.gz",
    "model.json",
    "metrics.json",
    "MODEL_CARD.md",
    "manifest.json",
)


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "flipped bit": flip,
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [*DAMAGE, "missing", "folder"])
def test_a_damaged_model_is_refused(predict: Any, damaged: Path, name: str, damage: str) -> None:
    """Any file of a model that is altered, cut short or gone is noticed, before anything of it is opened."""
    path = damaged / name
    content = path.read_bytes()
    path.unlink()
    if damage in DAMAGE:
        path.write_bytes(DAMAGE[damage](content))
    elif damage == "folder":
        path.mkdir()
    refused(predict(), "train again|cannot be read|there is no model in")


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change model.json as somebody with an editor could, its hash with it."""
    described = json.loads((folder / "model.json").read_text())
    change(described)
    (folder / "model.json").write_text(json.dumps(described))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["model.json"] = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


REWRITTEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "fewer labels": (lambda d: d["labels"].pop(), "train again|does not read"),
    "more labels": (lambda d: d["labels"].append("doors"), "train again|does not read"),
    "no labels": (lambda d: d.pop("labels"), "does not read"),
    "thresholds out of range": (lambda d: d["thresholds"].update(show_one=7), "does not read"),
    "another build of the encoder": (
        lambda d: d["encoder"].update(fingerprint="0" * 64),
        "was trained with another build of encoder",
    ),
    "another encoder": (
        lambda d: d["encoder"].update(name="multilingual-e5-small"),
        "cannot run",
    ),
    "no such encoder": (lambda d: d["encoder"].update(name="word2vec"), "cannot run|no encoder is called"),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_a_model_that_does_not_fit_is_refused(predict: Any, damaged: Path, case: str) -> None:
    """Labels that do not fit the trees, thresholds that are none, and another encoder than the one installed are refused."""
    change, complaint = REWRITTEN[case]
    rewrite(damaged, change)
    refused(predict(), complaint)


def test_a_model_of_another_format_is_refused(predict: Any, damaged: Path) -> None:
    """A model of another version of this program says so instead of being misread."""
    manifest = json.loads((damaged / "manifest.json").read_text())
    (damaged / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    refused(predict(), "has format 1, this version reads")


def test_an_encoder_that_is_gone_or_damaged_is_refused(
    predict: Any, encoder_dir: Path, tmp_path: Path
) -> None:
    """Without its encoder, or with an altered file of it, a model does not run."""
    refused(predict(tmp_path / "nowhere"), "cannot run")
    encoders = tmp_path / "encoders"
    shutil.copytree(encoder_dir, encoders)
    graph = next((encoders / MINILM.name).glob("*.onnx"))
    graph.write_bytes(flip(graph.read_bytes()))
    refused(predict(encoders), "cannot run")


@pytest.mark.parametrize(
    ("name", "data", "mapping", "complaint"),
    [
        ("evaluate", "data.csv", "auto", "the model knows none of its 2 categories"),
        ("evaluate", "data.csv", "no.yml", "no.yml cannot be read"),
        ("thresholds", "no.csv", "auto", "no.csv cannot be read"),
    ],
)
def test_measuring_refuses_other_labels_and_files(
    command: Any,
    kept_model: Path,
    encoder_dir: Path,
    tmp_path: Path,
    name: str,
    data: str,
    mapping: str,
    complaint: str,
) -> None:
    """A file with none of the model's labels cannot be measured on, and one that cannot be read neither."""
    file("data.csv", GOOD)(tmp_path)
    where = ("--model", str(kept_model), "--encoder-dir", str(encoder_dir))
    named = mapping if mapping == "auto" else str(tmp_path / mapping)
    refused(command(name, *where, "--data", str(tmp_path / data), "--mapping", named), complaint)


def test_training_does_not_replace_what_is_no_model(command: Any, encoder_dir: Path, tmp_path: Path) -> None:
    """A folder that holds other things, or a file, is refused as a place for a model before anything is trained."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "thesis.txt").write_text("years of work")
    where = ("--encoder", MINILM.name, "--encoder-dir", str(encoder_dir))
    for out in (tmp_path / "project", tmp_path / "project" / "thesis.txt"):
        done = command("train", *where, "--out", str(out))
        refused(done, f"{out} holds what is no model (thesis.txt): name another folder")
    assert contents(tmp_path) == {"project/thesis.txt": b"years of work"}
