"""Studying a file of requests: comparing models, proposing groups, finding topics."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.data.dataset import Dataset
from classifier.serving.views import unit
from classifier.study.compare import compare
from classifier.study.comparison_page import write_page
from classifier.study.contenders import CONTENDERS
from classifier.study.cues import topics
from classifier.training.balancing import Balance, balance
from classifier.training.fit_views import FitRows


def blobs(count: int, labels: int, seed: int, spread: float = 0.5) -> FitRows:
    """Rows of length one around `labels` axes of a 12-dimensional space, with a word for each label among others."""
    random = np.random.default_rng(seed)
    own = np.arange(count) % labels
    vectors = np.eye(12)[own] + random.normal(size=(count, 12)) * spread / np.sqrt(12)
    words = np.array(["vpn", "printer", "password", "outlook"])
    texts = [f"{words[label]} {random.choice(['please', 'today', 'help'])} again" for label in own]
    return FitRows(texts, unit(vectors), own.astype(np.int64), np.arange(count))


@pytest.mark.parametrize("way", list(Balance))
def test_every_contender_learns_what_is_easy(way: Balance) -> None:
    """On well separated groups every contender is right nearly always, however its fit rows are balanced."""
    parts = (blobs(200, 4, 1), blobs(80, 4, 2), blobs(80, 4, 3))
    found = list(compare(*parts, ("a", "b", "c", "d"), (way,)))
    assert [contender.name for contender in found] == list(CONTENDERS)
    for contender in found:
        assert contender.figures.accuracy >= 0.95, contender.name
        low, high = contender.accuracy_interval
        assert low <= contender.figures.accuracy <= high
        assert contender.balance is way


def test_contenders_learn_nothing_from_noise() -> None:
    """On shuffled labels no contender is better than chance allows: nobody sees the test rows' labels."""
    random = np.random.default_rng(0)
    parts = [
        replace(part, labels=random.permutation(part.labels))
        for part in (blobs(200, 4, 1), blobs(80, 4, 2), blobs(400, 4, 3))
    ]
    for contender in compare(*parts, ("a", "b", "c", "d")):
        assert contender.figures.accuracy < 0.4, contender.name


def test_the_comparison_is_a_page_with_charts(tmp_path: Path, starter: Dataset) -> None:
    """The report folder holds a page that names every contender, three pictures, and the figures."""
    test = blobs(80, 4, 3)
    found = list(compare(blobs(200, 4, 1), blobs(80, 4, 2), test, ("a", "b", "c", "d")))
    write_page(tmp_path, starter, "some-encoder", ("a", "b", "c", "d"), found, test.labels)
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert all(name in page for name in CONTENDERS)
    assert all(
        (tmp_path / name).stat().st_size > 5_000
        for name in ("models.png", "calibration.png", "confusion.png")
    )
    assert len(json.loads((tmp_path / "report.json").read_text())["models"]) == len(CONTENDERS)


@pytest.mark.parametrize("way", [Balance.WEIGHTS, Balance.OVER, Balance.UNDER, Balance.SMOTE])
def test_balancing_makes_rare_labels_count_alike(way: Balance) -> None:
    """After it every label has the same weight in sum, and the same seed does the same."""
    labels = np.array([0] * 60 + [1] * 12, dtype=np.int64)
    columns = np.random.default_rng(0).normal(size=(72, 3)).astype(np.float32)
    first, again = (balance(columns, labels, way, seed=4) for _ in range(2))
    weights = np.ones(len(first.labels)) if first.weights is None else first.weights
    sums = np.bincount(first.labels, weights)
    assert sums[0] == pytest.approx(sums[1])
    assert np.array_equal(first.columns, again.columns)


def vectors_of(*groups: int) -> NDArray[np.float32]:
    return np.eye(12, dtype=np.float32)[list(groups)]


def test_topics_are_groups_named_by_their_words() -> None:
    """Texts that are alike form a topic with count, telling words and examples; loners form none."""
    texts = [
        "password locked help",
        "locked, password!",
        "my password is locked",
        "locked password",
        "printer jam",
        "the printer jam",
        "hello you",
    ]
    found = topics(texts, vectors_of(0, 0, 0, 0, 1, 1, 2), least=2, examples=2)
    assert [(topic.words[:2], topic.count) for topic in found] == [
        (("locked", "password"), 4),
        (("jam", "printer"), 2),
    ]
    assert all(example in texts for topic in found for example in topic.examples)
    assert [len(topic.examples) for topic in found] == [2, 2]
    assert topics(texts, vectors_of(0, 0, 0, 0, 1, 1, 2), least=5) == []


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_texts_have_no_topics(count: int) -> None:
    """Nothing, or a single text, is no topic and no error."""
    assert topics(["vpn"] * count, vectors_of(*[0] * count).reshape(count, 12), least=1) == []


@pytest.fixture
def study(command: Any, tickets: Path, encoder_dir: Path, cache_dir: Path) -> Callable[..., Any]:
    """Runs one of the commands on the small file with the packaged encoder."""
    where = (
        "--encoder",
        "all-MiniLM-L6-v2",
        "--encoder-dir",
        str(encoder_dir),
        "--cache",
        str(cache_dir / "embeddings"),
    )

    def run(name: str, *options: str) -> Any:
        return command(name, "--history" if name == "cues" else "--data", str(tickets), *where, *options)

    return run


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file of three kinds of tickets, each under two raw names."""
    path = tmp_path_factory.mktemp("study") / "tickets.csv"
    lines = ["text,category"]
    for n in range(20):
        lines.append(f"printer {n} on floor {n % 5} is jammed,print {n % 2}")
        lines.append(f"vpn tunnel drops every {n} minutes,vpn {n % 2}")
        lines.append(f"forgot my password {n} times and am locked out,password {n % 2}")
    path.write_text("\n".join(lines))
    return path


def test_compare_prints_all_models(study: Callable[..., Any]) -> None:
    """`compare` measures every contender on one split."""
    told = json.loads(study("compare", "--json").stdout)
    assert [model["name"] for model in told["models"]] == list(CONTENDERS)
    assert told["rows"] == {"fit": 48, "calibration": 8, "test": 4}


def test_cues_prints_topics(study: Callable[..., Any]) -> None:
    """`cues` finds the three things people write about."""
    told = json.loads(study("cues", "--json").stdout)
    assert told["messages"] == 60
    assert [topic["count"] for topic in told["topics"]] == [20, 20, 20]
