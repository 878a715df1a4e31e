"""Raw categories that become groups: the mapping file, training through it, and what a model keeps of it."""

import csv
import hashlib
import io
import json
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from classifier.__main__ import main
from classifier.data.dataset import read_dataset
from classifier.data.mapping import apply, are_raw, parse_mapping, read_mapping
from classifier.encoders.store import Installed
from classifier.errors import DataRefused
from classifier.evaluation.labels import own_mapping
from classifier.serving.artefact import MAPPING, read_model
from classifier.serving.serve import load
from classifier.training.train import TrainParams, is_current

YAML = """\
version: 3
groups:
  hardware: [print 0, print 1]
  network: [vpn 0, vpn 1]
out_of_scope: [canteen]
unmapped: [misc]
"""


def read(content: str) -> Any:
    return parse_mapping(content.encode(), Path("mapping.yml"))


def test_a_mapping_file_is_read(tmp_path: Path) -> None:
    """Groups, out-of-scope and unmapped raw categories are told apart; the hash is that of the file."""
    path = tmp_path / "mapping.yml"
    path.write_bytes(b"\xef\xbb\xbf" + YAML.encode())
    mapping = read_mapping(path)
    assert dict(mapping.group_of) == {
        "print 0": "hardware",
        "print 1": "hardware",
        "vpn 0": "network",
        "vpn 1": "network",
        "canteen": "out_of_scope",
    }
    assert (mapping.version, mapping.unmapped) == (3, ("misc",))
    assert mapping.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "must have version and groups"),
        ("- a\n", "must have version and groups"),
        ("version: 1\ngroups: {a: [x\n", "line 3: not YAML"),
        ("version: 1\ngroups:\n  a: [x]\n  a: [y]\n", "'a' is there twice"),
        ("version: 1\ngroups: {a: [x], b: [x]}\n", "'x' is in a and in b"),
        ("version: 1\ngroups: {a: [x, x]}\n", "'x' is twice in a"),
        ("version: 1\ngroups: {a: [2026-13-45]}\n", "put quotes around"),
        ("version: 1\ngroups: {a: [x]}\nunmapped: [x]\n", "'x' is in a and in unmapped"),
        ("version: 1\ngroups: {a: [x]}\nunmapped: x\n", "unmapped must be a list"),
        ("version: 1\ngroups: {a: x}\n", "a must list at least one raw category"),
        ("version: 1\ngroups: {a: []}\n", "a must list at least one raw category"),
        ("version: 1\ngroups: {a: [404]}\n", "404 in a must be text"),
        ("version: 1\ngroups: {404: [a]}\n", "the name of each group must be text"),
        ("version: 1\ngroups: {}\n", "groups must be lists"),
        ("version: true\ngroups: {a: [x]}\n", "version must be a whole number"),
        ("version: 0\ngroups: {a: [x]}\n", "version must be a whole number"),
        ("groups: {a: [x]}\n", "version must be a whole number"),
        ("version: 1\ngroups: {out_of_scope: [x]}\n", "out_of_scope is no group"),
        ("version: 1\ngroups: {unmapped: [x]}\n", "unmapped is no group"),
        ("version: 1\ngroup: {a: [x]}\n", "unknown field 'group'"),
        ("[" * 3_000, "nested too deeply"),
    ],
)
def test_a_malformed_mapping_is_refused_by_name(content: str, complaint: str) -> None:
    """What is wrong with a mapping is said in one line with the file's name."""
    with pytest.raises(DataRefused, match=complaint) as refused:
        read(content)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("mapping.yml")


def test_raw_categories_without_a_group_are_listed(tmp_path: Path) -> None:
    """The refusal names the ten largest with their rows, counts the rest, and says both ways out."""
    rows = [{"category": f"raw {n:02d}"} for n in range(13) for _ in range(14 - n)]
    with pytest.raises(DataRefused) as refused:
        apply(rows, read(YAML))
    line = str(refused.value)
    assert line.startswith("mapping.yml has no group for 13 categories with 104 rows (raw 00 (14), ")
    assert "raw 09 (5) and 3 more)" in line
    assert "raw 10" not in line
    assert line.endswith("add them to it, or leave their rows out with --leave-out-unmapped")


def test_left_out_rows_are_counted_and_the_rest_is_mapped() -> None:
    """Rows of what the file lists as unmapped and of what it does not know go, each counted; a row without one stays."""
    rows = [{"category": name} for name in ("print 1", " vpn 0 ", "misc", "new", "new", "", "canteen")]
    mapped = apply(rows, read(YAML), leave_out_unmapped=True)
    assert [row["category"] for row in mapped.rows] == ["hardware", "network", "", "out_of_scope"]
    assert mapped.left_out == {"new": 2, "misc": 1}


def test_labels_are_raw_when_one_is_no_group() -> None:
    """Groups are not read as raw categories, even where a group is called like one of its own."""
    mapping = read("version: 1\ngroups: {vpn: [vpn, wifi], print: [print, toner]}\n")
    assert not are_raw({"vpn", "print"}, mapping)
    assert are_raw({"vpn", "toner"}, mapping)
    assert not are_raw({"canteen"}, mapping)


def write_rows(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "category"), *rows])
    return path


@pytest.fixture(scope="module")
def raw_rows() -> list[tuple[str, str]]:
    """Two things under two raw names each, and a few rows of two others."""
    rows = [(f"printer {n} on floor {n % 5} is jammed", f"print {n % 2}") for n in range(30)]
    rows += [(f"vpn tunnel drops every {n} minutes", f"vpn {n % 2}") for n in range(30)]
    return [*rows, ("hello there", "misc"), ("some other thing", "new"), ("one more thing", "new")]


@pytest.fixture(scope="module")
def raw_file(tmp_path_factory: pytest.TempPathFactory, raw_rows: list[tuple[str, str]]) -> Path:
    return write_rows(tmp_path_factory.mktemp("mapping") / "raw.csv", raw_rows)


@pytest.fixture(scope="module")
def mapping_file(raw_file: Path) -> Path:
    path = raw_file.with_name("groups.yml")
    path.write_text(YAML)
    return path


@pytest.fixture
def train(command: Any, encoder_dir: Path, cache_dir: Path) -> Any:
    """Runs `train` with the packaged encoder."""

    def run(*options: str | Path) -> Any:
        where = ("--encoder", "all-MiniLM-L6-v2", "--encoder-dir", str(encoder_dir))
        return command("train", *where, "--cache", str(cache_dir / "embeddings"), *map(str, options))

    return run


@pytest.fixture(scope="module")
def mapped_model(
    raw_file: Path,
    mapping_file: Path,
    encoder_dir: Path,
    cache_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A model of the two groups, trained by the command."""
    out, told = tmp_path_factory.mktemp("mapped") / "model", io.StringIO()
    where = (
        "--encoder",
        "all-MiniLM-L6-v2",
        "--encoder-dir",
        encoder_dir,
        "--cache",
        cache_dir / "embeddings",
    )
    what = (
        "--data",
        raw_file,
        "--mapping",
        mapping_file,
        "--leave-out-unmapped",
        "--no-refill",
        "--out",
        out,
    )
    with redirect_stderr(told), redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as ended:
        main(["train", *map(str, (*what, *where))])
    assert ended.value.code == 0, told.getvalue()
    note = "Raw categories are read through groups.yml, version 3; it has no group for 2 categories with 3 rows (new (2), misc (1)): left out."
    assert note in told.getvalue()
    return out


def test_training_refuses_what_the_mapping_does_not_name(
    train: Any, raw_file: Path, mapping_file: Path, tmp_path: Path
) -> None:
    """Without the flag one line lists them, nothing is written; the flag alone, without a mapping, is a usage error."""
    done = train("--data", raw_file, "--mapping", mapping_file, "--out", tmp_path / "model")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no group for 2 categories with 3 rows (new (2), misc (1))" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "model").exists()
    assert train("--data", raw_file, "--leave-out-unmapped").returncode == 2


def test_a_model_keeps_its_mapping(
    mapped_model: Path, mapping_file: Path, encoder_dir: Path, command: Any, raw_file: Path
) -> None:
    """The file is in the model folder under its hash, provenance and card tell of it, and of what was left out.

    `evaluate` and `replay` read raw categories through it; another mapping, or none, can be asked for.
    """
    content = mapping_file.read_bytes()
    manifest = json.loads((mapped_model / "manifest.json").read_text())
    assert (mapped_model / MAPPING).read_bytes() == content
    assert manifest["files"][MAPPING] == hashlib.sha256(content).hexdigest()
    model = read_model(mapped_model).model
    assert model.labels == ("hardware", "network")
    data = model.provenance["data"]
    assert data["mapping"] == {
        "file": "groups.yml",
        "version": 3,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert (data["unmapped"], data["left_out"]) == ({"new": 2, "misc": 1}, {"unmapped": 3})
    card = (mapped_model / "MODEL_CARD.md").read_text()
    assert "by `groups.yml`, version 3" in card
    assert "no group for 2 categories with 3 rows (new (2), misc (1)): left out" in card
    assert own_mapping(model) == read_mapping(mapping_file)
    assert load(mapped_model, encoder_dir).categories == ("hardware", "network")

    where = ("--model", str(mapped_model), "--encoder-dir", str(encoder_dir))
    done = command("evaluate", *where, "--data", str(raw_file), "--json")
    told = json.loads(done.stdout)
    written = json.loads((mapped_model / "metrics.json").read_text())
    assert (told["split"], told["n"], told["warning"]) == ("test", written["n"], None)
    assert {name: told[name] for name in ("accuracy", "labels")} == {
        name: written[name] for name in ("accuracy", "labels")
    }
    refused = command("evaluate", *where, "--data", str(raw_file), "--mapping", "none")
    assert refused.returncode == 2
    told = json.loads(command("replay", *where, "--history", str(raw_file), "--json").stdout)
    categories = Counter(row["category"] for row in told["rows"])
    assert categories == {"hardware": 30, "network": 30, None: 3}
    assert told["sum"]["right_among_shown"] > 40


def test_compare_reads_raw_categories_through_a_models_mapping(
    mapped_model: Path, raw_file: Path, encoder_dir: Path, command: Any
) -> None:
    """The file in a model's folder is a mapping like any other, and what it has no group for is refused alike."""
    where = ("--encoder", "all-MiniLM-L6-v2", "--encoder-dir", str(encoder_dir))
    done = command("compare", *where, "--data", str(raw_file), "--mapping", str(mapped_model / MAPPING))
    assert (done.returncode, done.stdout) == (2, "")
    assert "mapping.yml has no group for 2 categories with 3 rows (new (2), misc (1))" in done.stderr


def test_groups_are_evaluated_as_they_are(
    mapped_model: Path, encoder_dir: Path, command: Any, tmp_path: Path, raw_rows: list[tuple[str, str]]
) -> None:
    """A file that has the groups already needs no mapping, and a mapping file given by name is used."""
    where = ("--model", str(mapped_model), "--encoder-dir", str(encoder_dir), "--json")
    groups = {"p": "hardware", "v": "network"}
    mapped = write_rows(tmp_path / "mapped.csv", [(text, groups[raw[0]]) for text, raw in raw_rows[:60]])
    done = command("evaluate", *where, "--data", str(mapped), "--split", "all")
    assert json.loads(done.stdout)["accuracy"] > 0.9
    assert "Raw categories" not in done.stderr
    other = tmp_path / "other.yml"
    other.write_text("version: 1\ngroups: {network: [print 0, print 1], hardware: [vpn 0, vpn 1]}\n")
    raw = write_rows(tmp_path / "raw.csv", raw_rows[:60])
    done = command("evaluate", *where, "--data", str(raw), "--mapping", str(other), "--split", "all")
    assert json.loads(done.stdout)["accuracy"] < 0.1


def test_a_changed_mapping_makes_a_model_stale(
    mapped_model: Path, raw_file: Path, mapping_file: Path, packaged: Installed, tmp_path: Path
) -> None:
    """A new version of the mapping trains anew, even where no row changes its group; the same one does not."""
    own = tmp_path / "own.yml"
    own.write_text(YAML.replace("version: 3", "version: 4"))
    same, changed = (
        read_dataset(raw_file, mapping=read_mapping(path), leave_out_unmapped=True)
        for path in (mapping_file, own)
    )
    assert same.fingerprint == changed.fingerprint
    assert is_current(mapped_model, same, packaged, TrainParams(refill=False))
    assert not is_current(mapped_model, changed, packaged, TrainParams(refill=False))


def test_a_group_without_rows_is_refused(train: Any, raw_file: Path, tmp_path: Path) -> None:
    """A model cannot learn a group that the mapping names and the file has no row of."""
    own = tmp_path / "own.yml"
    own.write_text(YAML.replace("groups:", "groups:\n  doors: [badge]"))
    done = train("--data", raw_file, "--mapping", own, "--leave-out-unmapped", "--out", tmp_path / "m")
    assert done.returncode == 2
    assert "no row is in doors" in done.stderr


def test_labels_named_on_empty_rows_alone_are_refused(tmp_path: Path) -> None:
    """A category that has rows but no words is too small, not gone."""
    rows = [(f"words {n}", "ab"[n % 2]) for n in range(40)] + [("", "c"), ("nan", "c")]
    with pytest.raises(DataRefused, match="fewer than 10 rows for c"):
        read_dataset(write_rows(tmp_path / "empty.csv", rows))
