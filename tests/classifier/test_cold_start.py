"""A category given to a trained model later, from a few examples."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classifier import load
from classifier.data.dataset import STARTER
from classifier.data.tables import write_rows
from classifier.decision import Prediction
from classifier.serving.added import AddedCategory, with_added
from classifier.serving.artefact import read_model
from classifier.serving.explain import explain
from tests.sizes import full_size_only

from .conftest import Command, Done

Add = Callable[..., Done]

LUNCH = [
    "what is for lunch in the canteen today",
    "is there a vegan lunch in the canteen tomorrow",
    "the canteen menu for next week please",
    "can I pay for lunch with my badge",
    "when does the canteen close on fridays",
    "lunch vouchers for two guests next tuesday please",
    "the soup at lunch was cold again",
    "please tell the canteen that I am allergic to nuts",
    "how do I top up my lunch card",
    "can we book a table in the canteen for our team lunch",
    "does the canteen have gluten free bread",
    "is the canteen open on the holiday",
]
UNSEEN = ["is there soup in the canteen today", "where do I see the lunch menu", "a vegan lunch for a guest"]
OTHERS = ["I forgot my password", "the vpn drops every few minutes", "the printer is out of toner"]


def lunch_file(folder: Path, texts: list[str]) -> Path:
    write_rows(folder / "lunch.csv", ["text"], [{"text": text} for text in texts])
    return folder / "lunch.csv"


@pytest.fixture
def add(command: Command, model_dir: Path, encoder_dir: Path, tmp_path: Path) -> Add:
    """Runs add-category on the starter model (or another) with these examples."""

    def run(
        texts: list[str], *more: str, name: str = "canteen", model: Path = model_dir, out: str = "new"
    ) -> Done:
        options = ["--examples", str(lunch_file(tmp_path, texts)), "--out", str(tmp_path / out)]
        options += ["--model", str(model), "--encoder-dir", str(encoder_dir)]
        return command("add-category", "--name", name, *options, *more)

    return run


def test_a_category_is_known_from_a_few_examples(
    add: Add, model_dir: Path, encoder_dir: Path, tmp_path: Path
) -> None:
    """Unseen messages of the new kind are taken for it, others as before, and the old model's folder is untouched."""
    before = {path.name: path.read_bytes() for path in model_dir.iterdir()}
    done = add(LUNCH, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["examples"], told["name"]) == (12, "canteen")
    assert told["recognised"] >= 9
    assert told["taken"] / told["background"] < 0.02
    assert before == {path.name: path.read_bytes() for path in model_dir.iterdir()}
    old, new = load(model_dir, encoder_dir), load(tmp_path / "new", encoder_dir)
    assert set(new.categories) - set(old.categories) == {"canteen"}
    for text in UNSEEN:
        assert new.predict(text).ranked()[0][0] == "canteen"
    for text in OTHERS:
        first, probability = old.predict(text).ranked()[0]
        assert new.predict(text).ranked()[0][0] == first
        assert new.predict(text).probability(first) == pytest.approx(probability, abs=0.1)


def test_an_added_category_explains_itself(add: Add, encoder_dir: Path, tmp_path: Path) -> None:
    """Its examples are among the nearest, its head's probability is told, and card and provenance say where it came from."""
    add(LUNCH)
    grounds = explain(load(tmp_path / "new", encoder_dir), UNSEEN[0]).grounds
    assert grounds is not None
    assert grounds.label == "canteen"
    assert grounds.nearest[0].category == "canteen"
    assert grounds.nearest[0].text in LUNCH
    assert [head.category for head in grounds.heads] == ["canteen"]
    assert grounds.heads[0].probability > 0.5
    saved = read_model(tmp_path / "new")
    assert "## Added: canteen" in saved.card
    assert [one["name"] for one in saved.model.provenance["added"]] == ["canteen"]


def test_two_can_be_added_and_one_replaced(add: Add, encoder_dir: Path, tmp_path: Path) -> None:
    """A second category keeps the first; added again, a category has its new examples alone."""
    plants = [
        f"the plant {where} needs water"
        for where in (
            "by the window",
            "in the hall",
            "on my desk",
            "at reception",
            "in room 4",
            "near the stairs",
            "by the lift",
            "on the second floor",
            "in the kitchen",
            "next to the sofa",
        )
    ]
    add(LUNCH)
    assert add(plants, name="plants", model=tmp_path / "new", out="both").returncode == 0
    both = load(tmp_path / "both", encoder_dir)
    assert both.predict(UNSEEN[0]).ranked()[0][0] == "canteen"
    assert both.predict("the plant in the meeting room is dry").ranked()[0][0] == "plants"
    assert add(LUNCH[:10], model=tmp_path / "both", out="again").returncode == 0
    saved = read_model(tmp_path / "again")
    again = saved.model
    assert saved.card.count("## Added: canteen") == 1
    assert [(one.name, len(one.examples)) for one in again.added] == [("plants", 10), ("canteen", 10)]
    grounds = explain(load(tmp_path / "again", encoder_dir), LUNCH[0]).grounds
    assert grounds is not None
    assert grounds.nearest[0].text == LUNCH[0]


@pytest.mark.parametrize(
    ("texts", "name", "said"),
    [
        (LUNCH[:9], "canteen", "9 different messages are too few"),
        (LUNCH[:5] * 3, "canteen", "5 different messages are too few"),
        ([f"{text} please" for text in LUNCH[:9]] + LUNCH[:9], "canteen", "9 different messages are too few"),
        (LUNCH, "network_vpn", "has learned network_vpn already"),
        (LUNCH, "out_of_scope", "is no category"),
        (LUNCH, " ", "printable characters"),
        (LUNCH, " canteen", "none of them a space at its ends"),
    ],
)
def test_what_cannot_be_added_is_one_line(
    add: Add, tmp_path: Path, texts: list[str], name: str, said: str
) -> None:
    """Too few examples and impossible names are refused, and nothing is written."""
    done = add(texts, name=name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert not (tmp_path / "new").exists()


def test_the_model_itself_is_not_overwritten(
    command: Command, model_dir: Path, encoder_dir: Path, tmp_path: Path
) -> None:
    """The new model goes into another folder, so that one can go back."""
    options = [
        "--examples",
        str(lunch_file(tmp_path, LUNCH)),
        "--out",
        str(model_dir),
        "--model",
        str(model_dir),
    ]
    done = command("add-category", "--name", "canteen", *options, "--encoder-dir", str(encoder_dir))
    assert done.returncode == 2
    assert "give another folder" in done.stderr


@given(
    said=arrays(np.float64, (4, 3), elements=st.floats(0.01, 1)),
    biases=st.lists(st.floats(-60, 60), min_size=1, max_size=3),
)
def test_probabilities_with_heads_add_up(said: np.ndarray, biases: list[float]) -> None:
    """They sum to 1, and the trained labels keep their proportions to each other."""
    said = said / said.sum(axis=1, keepdims=True)
    rows = np.zeros((4, 2), dtype=np.float32)
    heads = [
        AddedCategory("x", np.zeros(5, np.float32), bias, np.zeros((0, 5), np.float32)) for bias in biases
    ]
    joint = with_added(said, rows, heads)
    assert joint.shape == (4, 3 + len(heads))
    assert np.allclose(joint.sum(axis=1), 1)
    kept = joint[:, :3].sum(axis=1, keepdims=True)
    assert np.allclose(joint[:, :3] / kept, said, atol=1e-6)
    Prediction(
        ("a", "b", "c", *"xyz"[: len(heads)]), tuple(joint[0].tolist())
    )  # what it refuses would be a crash


@full_size_only
def test_the_study_measures_each_number_of_examples(
    command: Command, encoder_dir: Path, cache_dir: Path
) -> None:
    """Added from examples a category is found, and more right than without it; counts there are not are left out."""
    options = ["--data", str(STARTER), "--encoder", "all-MiniLM-L6-v2", "--encoder-dir", str(encoder_dir)]
    options += [
        "--cache",
        str(cache_dir / "embeddings"),
        "--category",
        "hardware_printing",
        "--draws",
        "1",
        "--most-rows",
        "500",
    ]
    done = command("cold-start", *options, "--examples", "20", "--examples", "9999", "--json")
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["rows"]
    assert row["recall"] > 0.2
    assert row["accuracy"] > row["without"]


@full_size_only
def test_more_rows_teach_more(command: Command, encoder_dir: Path, cache_dir: Path) -> None:
    """Models trained on more rows are more often right on the same test rows; more than there are is refused."""
    options = ["--data", str(STARTER), "--encoder", "all-MiniLM-L6-v2", "--encoder-dir", str(encoder_dir)]
    options += ["--cache", str(cache_dir / "embeddings"), "--json"]
    done = command("learning-curve", *options, "--rows", "900", "--rows", "300")
    assert done.returncode == 0, done.stderr
    few, many = json.loads(done.stdout)["points"]
    assert (few["rows"], many["rows"]) == (300, 900)
    assert few["measured_on"] == many["measured_on"]
    assert 0.5 < few["accuracy"] < many["accuracy"]
    refused = command("learning-curve", *options, "--rows", "99999")
    assert refused.returncode == 2
    assert "not 99999" in refused.stderr.splitlines()[-1]
