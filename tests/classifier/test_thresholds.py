"""The command that compares rules for one suggestion or two, and its page."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.data.dataset import Dataset, Split
from classifier.evaluation.asked import Asked
from classifier.evaluation.conformal import is_installed
from classifier.study.rules import compare_rules
from classifier.study.rules_page import write_page

RULES = ["top threshold", "gap threshold", "second-probability threshold"]
needs_mapie = pytest.mark.skipif(not is_installed(), reason="needs mapie (make setup-study)")


@pytest.fixture
def where(model_dir: Path, encoder_dir: Path) -> tuple[str, ...]:
    return ("--model", str(model_dir), "--encoder-dir", str(encoder_dir))


@pytest.fixture(scope="module")
def own_file(starter: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some test rows of the starter data as a file of one's own, without a split."""
    path = tmp_path_factory.mktemp("own") / "own.jsonl"
    rows = [one for one in starter.of(Split.TEST) if one.language == "en"][:60]
    path.write_text("\n".join(json.dumps({"text": one.text, "category": one.category}) for one in rows))
    return path


def result(done: Any) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_thresholds_compares_the_rules(
    command: Any, where: tuple[str, ...], own_file: Path, tmp_path: Path
) -> None:
    """The rules are side by side with the coverage that evaluate tells, and the page names them and shows its charts."""
    arguments = (*where, "--data", str(own_file), "--json")
    told = result(command("thresholds", *arguments, "--report", str(tmp_path / "page")))
    measured = result(command("evaluate", *arguments))
    assert [own["rule"] for own in told["rules"]][:3] == RULES
    assert (told["n"], told["rows"]) == (measured["n"], measured["rows"])
    top = told["rules"][0]
    assert {f"{own['parameter']:.2f}": own["coverage"] for own in told["top"]} == measured["coverage_at"]
    fewest = {target: own and own["mean_buttons"] for target, own in top["operating"].items()}
    assert fewest == measured["mean_buttons_at"]
    page = (tmp_path / "page" / "report.md").read_text()
    assert told["claim"] in page
    assert all(rule in page for rule in RULES)
    for chart in ("coverage_buttons.png", "top_threshold.png"):
        assert f"({chart})" in page
        assert (tmp_path / "page" / chart).read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "page" / "report.json").read_text())["rules"] == told["rules"]


@needs_mapie
def test_thresholds_calibrates_conformal_sets_on_rows_it_says(
    command: Any, where: tuple[str, ...], own_file: Path
) -> None:
    """Of the file it was trained on, the calibration rows are taken; of another one half of the rows, which is told."""
    other = command("thresholds", *where, "--data", str(own_file), "--seed", "5", "--json")
    told = result(other)
    conformal = told["rules"][3]
    assert conformal["n"] == told["n"] - told["n"] // 2
    line = f"calibrated on {told['n'] // 2} of these {told['n']} rows, split by group with seed 5"
    assert line in " ".join(other.stderr.split())
    assert line in told["about_conformal"]


@needs_mapie
def test_calibration_rows_are_used_where_they_are_at_hand() -> None:
    """With calibration rows the sets are measured on all rows; with too few of them they are left out, in a sentence."""
    random = np.random.default_rng(0)
    probabilities = random.dirichlet((1, 1, 1), 400)
    asked = Asked(probabilities, probabilities.argmax(axis=1), ("a", "b", "c"), 3, np.arange(400))
    first = np.arange(400) < 300
    compared = compare_rules(asked.of(first), asked.of(~first), 0)
    assert compared.about_conformal == "Conformal sets are calibrated on the file's 100 calibration rows."
    assert [curve.n for curve in compared.curves] == [300] * 4
    compared = compare_rules(asked.of(first), asked.of(np.arange(400) == 0), 0)
    assert compared.about_conformal == "Conformal sets are left out: 1 rows are too few to calibrate on."
    assert len(compared.curves) == 3


def test_thresholds_without_mapie(
    command: Any, where: tuple[str, ...], own_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conformal row is left out with one line on how to have it, and the other rules are compared."""
    monkeypatch.setitem(sys.modules, "mapie", None)
    done = command("thresholds", *where, "--data", str(own_file), "--json")
    assert [own["rule"] for own in result(done)["rules"]] == RULES
    assert "Conformal sets are left out: they need mapie; run: make setup-study" in done.stderr
    printed = command("thresholds", *where, "--data", str(own_file)).stdout
    assert "The original project" in printed
    assert "second-probability threshold" in printed


def test_thresholds_needs_rows_with_words(command: Any, where: tuple[str, ...], tmp_path: Path) -> None:
    """A file whose only known rows never reach the model is refused in one line."""
    own = tmp_path / "own.csv"
    own.write_text("text,category\n????,hardware_printing\n")
    done = command("thresholds", *where, "--data", str(own))
    assert (done.returncode, done.stdout) == (2, "")
    assert "can be asked about none of its 1 rows" in done.stderr


def test_a_page_of_a_single_row(tmp_path: Path) -> None:
    """One row is enough for a page, and a coverage that no parameter reaches is said never to be."""
    asked = Asked(np.array([[0.6, 0.3, 0.1]]), np.array([2]), ("a", "b", "c"), 3, np.zeros(1, dtype=np.int64))
    write_page(tmp_path / "page", "A model | of_mine", "Mind this.", compare_rules(asked, None, 0))
    page = (tmp_path / "page" / "report.md").read_text()
    assert "| top threshold | 90% | never |" in page
    assert "**Mind this.**" in page
    assert "A model \\| of_mine: 1 rows" in page
