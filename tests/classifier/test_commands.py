"""The commands, as someone at a terminal meets them."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from classifier.data.dataset import STARTER, Dataset
from classifier.encoders.session import Encoder
from classifier.encoders.store import Installed
from classifier.evaluation.bench import texts_of
from classifier.serving.artefact import read_model
from classifier.training.provenance import held_out


@pytest.fixture
def where(model_dir: Path, encoder_dir: Path) -> tuple[str, ...]:
    return ("--model", str(model_dir), "--encoder-dir", str(encoder_dir))


def result(done: Any) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_help_lists_the_commands(command: Any) -> None:
    """`--help` names every command."""
    shown = command("--help")
    assert shown.returncode == 0
    assert all(
        name in shown.stdout
        for name in ("fetch", "train", "evaluate", "thresholds", "predict", "replay", "bench")
    )


def test_predict_shows_and_explains(command: Any, where: tuple[str, ...]) -> None:
    """`predict` says what would be shown, by which rule, and with which probabilities."""
    told = result(command("predict", "outlook will not open my inbox", *where, "--json"))
    assert told["shown"][0] == "email_calendar"
    assert sum(told["probabilities"].values()) == pytest.approx(1)
    assert told["rule"]


def test_replay_counts_what_would_have_been_shown(
    command: Any, where: tuple[str, ...], tmp_path: Path
) -> None:
    """`replay` decides each row of a JSONL history and adds up, right ones only where a category is given."""
    history = tmp_path / "history.jsonl"
    rows = [
        {"text": "the printer on floor 3 is jammed [again]", "category": "hardware_printing"},
        {"text": "vpn keeps dropping at home", "category": "doors"},
        {"text": "****"},
    ]
    history.write_text("\n".join(map(json.dumps, rows)))
    told = result(command("replay", "--history", str(history), *where, "--json"))
    assert told["sum"]["messages"] == 3
    assert told["sum"]["abstain_reasons"] == {"over_masked": 1}
    assert told["sum"]["labelled_and_suggested"] == 2
    assert told["sum"]["right_among_shown"] == 1
    assert [row["kind"] for row in told["rows"]][2] == "abstain"
    printed = command("replay", "--history", str(history), *where, "--rows", "1").stdout
    assert "[again]" in printed
    assert "labelled and suggested" in printed


def test_evaluate_prints_the_figures_of_the_model(
    command: Any, where: tuple[str, ...], model_dir: Path
) -> None:
    """`evaluate` on the test rows finds the figures that training wrote into the model folder."""
    told = result(command("evaluate", *where, "--json"))
    written = json.loads((model_dir / "metrics.json").read_text())
    about = {"model_id", "encoder", "data", "split", "warning"}
    assert {k: v for k, v in told.items() if k not in about} == {
        k: v for k, v in written.items() if k not in about
    }
    assert told["warning"] is None


def test_evaluate_measures_a_file_of_one_row(command: Any, where: tuple[str, ...], tmp_path: Path) -> None:
    """One labelled row is measured, with every figure at the top of the document; asked for a part it leaves empty, it is refused."""
    own = tmp_path / "own.csv"
    own.write_text("text,category\nthe printer on floor 3 is jammed,hardware_printing\n")
    told = result(command("evaluate", *where, "--data", str(own), "--json"))
    names = ("weighted_precision", "accuracy", "macro_f1", "top2")
    assert [told[name] for name in names] == [1.0] * 4
    assert (told["n"], told["rows"], told["split"]) == (1, 1, "all")
    assert 0 < told["log_loss"] < 1
    assert 0 < told["ece"] < 1
    assert told["coverage_at"] == dict.fromkeys(("0.79", "0.85", "0.90", "0.95", "0.98"), 1.0)
    assert told["mean_buttons_at"] == {"0.90": 1.0, "0.95": 1.0}
    parts = [
        command("evaluate", *where, "--data", str(own), "--split", split)
        for split in ("fit", "calibration", "test")
    ]
    assert sorted(done.returncode for done in parts) == [0, 2, 2]
    own.write_text("text,category\nthe printer is jammed,\n")
    done = command("evaluate", *where, "--data", str(own))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no row with a text and a category" in done.stderr


def test_evaluate_counts_unknown_labels_as_wrong(
    command: Any, where: tuple[str, ...], tmp_path: Path
) -> None:
    """Rows whose label the model does not know are told of and lower the figures; messages without words are not asked about."""
    own = tmp_path / "own.csv"
    rows = ["the printer on floor 3 is jammed,hardware_printing"] * 3 + ["my badge is lost,doors"]
    own.write_text("\n".join(["text,category", *rows, "????,hardware_printing"]))
    done = command("evaluate", *where, "--data", str(own), "--json")
    told = result(done)
    assert (told["n"], told["rows"], told["accuracy"]) == (4, 5, 0.75)
    assert told["coverage_at"]["0.98"] == 0.75
    assert told["mean_buttons_at"] == {"0.90": None, "0.95": None}
    line = "The model does not know 1 category with 1 row (doors (1)): they count as wrong."
    assert line in " ".join(done.stderr.split())


def test_evaluate_refuses_another_split(command: Any, where: tuple[str, ...], tmp_path: Path) -> None:
    """The training rows split otherwise are refused in one line: their test rows were learned from."""
    moved = tmp_path / "moved.csv"
    with STARTER.open(encoding="utf-8", newline="") as file, moved.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerows(row[:3] for row in csv.reader(file))
    done = command("evaluate", *where, "--data", str(moved))
    assert done.returncode == 2
    assert "split otherwise than in training" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_evaluate_says_when_rows_may_be_known(command: Any, where: tuple[str, ...], tmp_path: Path) -> None:
    """Rows of another file are measured with a warning that the model may have seen them."""
    own = tmp_path / "own.csv"
    own_words = {"printer": "hardware_printing", "vpn": "network_vpn"}
    rows = [f"{word} {n} is broken,{category}" for word, category in own_words.items() for n in range(20)]
    own.write_text("\n".join(["text,category", *rows]))
    done = command("evaluate", *where, "--data", str(own), "--json")
    assert "not the file the model was trained on" in result(done)["warning"]
    assert "not the file the model was trained on" in " ".join(done.stderr.split())


def test_evaluate_refuses_labels_that_the_model_does_not_know(
    command: Any, where: tuple[str, ...], tmp_path: Path
) -> None:
    """A file with none of the model's categories is refused; where some are known, the others are told of."""
    own = tmp_path / "own.csv"
    rows = [f"{word} {n} is broken,{word}" for word in ("printer", "network_vpn") for n in range(20)]
    own.write_text("\n".join(["text,category", *rows]))
    done = command("evaluate", *where, "--data", str(own))
    assert done.returncode == 0
    assert "does not know 1 category with 20 rows (printer (20))" in " ".join(done.stderr.split())
    own.write_text("\n".join(["text,category", *rows]).replace("network_", ""))
    done = command("evaluate", *where, "--data", str(own))
    assert done.returncode == 2
    assert "knows none of its 2 categories with 40 rows (printer (20), vpn (20)); it knows" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_only_the_test_rows_are_honest(model_dir: Path, starter: Dataset) -> None:
    """Of the training file the test rows need no warning; those that the model was made with do."""
    made = read_model(model_dir).model.provenance
    assert held_out(made, starter, "test") is None
    for split in ("fit", "calibration", "all"):
        assert f"made with {split} rows" in str(held_out(made, starter, split))


def test_train_on_ones_own_file_and_not_twice(command: Any, encoder_dir: Path, tmp_path: Path) -> None:
    """`train` takes other column names; with --if-missing a second run does nothing until the data changes."""
    lines = ["Body,Team"]
    lines += [f"printer number {n} is jammed on floor {n},print" for n in range(20)]
    lines += [f"vpn tunnel {n} drops after {n} minutes,net" for n in range(20)]
    data = tmp_path / "own.csv"
    data.write_text("\n".join(lines))
    arguments = (
        *(
            "train",
            "--data",
            str(data),
            "--text-column",
            "Body",
            "--category-column",
            "Team",
            "--if-missing",
            "--json",
        ),
        *("--out", str(tmp_path / "own"), "--encoder", "all-MiniLM-L6-v2", "--encoder-dir", str(encoder_dir)),
        *("--cache", str(tmp_path / "cache")),
    )
    assert result(command(*arguments))["trained"] is True
    assert result(command(*arguments))["trained"] is False
    data.write_text("\n".join([*lines, "printer out of toner,print", "Out of TONER printer,print"]))
    retrained = command(*arguments)
    assert result(retrained)["trained"] is True
    assert "1 of 42 rows say nearly the same as an earlier one" in retrained.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("predict", "hi", "--model", "nowhere"), "there is no model in nowhere"),
        (("train", "--data", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("replay", "--history", "nowhere.csv", "--model", "nowhere"), "nowhere.csv cannot be read"),
        (("fetch", "--encoder", "word2vec"), "no encoder is called 'word2vec'"),
    ],
)
def test_what_is_refused_is_one_line(command: Any, arguments: tuple[str, ...], complaint: str) -> None:
    """A refusal is one line on standard error, nothing on standard output, and exit code 2."""
    done = command(*arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_a_wrong_split_is_a_usage_error(command: Any, where: tuple[str, ...]) -> None:
    """An unknown split ends with 2 and names the ones there are."""
    done = command("evaluate", *where, "--split", "training")
    assert done.returncode == 2
    assert "all or auto" in " ".join(done.stderr.split())


def test_python_m_classifier_ends_with_two(tmp_path: Path) -> None:
    """Started as a process, a refusal ends with exit code 2 and one line, without a traceback."""
    arguments = [sys.executable, "-m", "classifier", "predict", "hi", "--model", str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().startswith("there is no model in")
    assert len(done.stderr.strip().splitlines()) == 1


def test_bench_times_one_decision(command: Any, where: tuple[str, ...]) -> None:
    """`bench` reports what a decision takes for short and long messages, in milliseconds, and the memory held."""
    told = result(command("bench", *where, "--calls", "20", "--json"))
    short, long = told["timings"]
    assert (short["n"], long["n"]) == (20, 20)
    assert 0 < short["p50_ms"] <= short["p95_ms"]
    assert 0 < short["cpu_p50_ms"] < long["cpu_p50_ms"]
    assert told["load_s"] < told["first_answer_s"]
    assert 50 < told["resident_mb"] <= told["peak_resident_mb"]
    assert 50 < told["serving_resident_mb"] < told["peak_resident_mb"]


def test_bench_texts_have_the_length_asked_for(encoder: Encoder, packaged: Installed) -> None:
    """Texts for timing are as long in tokens as they are said to be, within two."""
    for tokens in (27, 111):
        texts = texts_of(tokens, packaged.tokenizer)
        assert len(texts) >= 10
        assert all(abs(len(encoder.token_ids(text)) - tokens) <= 2 for text in texts)


def test_fetch_verifies_what_is_there(command: Any, encoder_dir: Path) -> None:
    """`fetch --verify` hashes an installed encoder and compares its published vector."""
    arguments = ("fetch", "--encoder", "all-MiniLM-L6-v2", "--dir", str(encoder_dir), "--verify")
    assert result(command(*arguments, "--json"))["published_vectors_agreed"] == 1
    assert "1 published vectors agree" in command(*arguments).stdout
