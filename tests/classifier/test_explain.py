"""Explanations of a decision: what they say can be checked against the model itself."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.decision import AbstainReason, Prediction
from classifier.serving.artefact import unpack_examples
from classifier.serving.explain import MOST_PREDICTIONS, Grounds, explain, log_odds
from classifier.serving.serve import Classifier
from classifier.serving.views import View

TEXT = "the VPN will not connect from my hotel"


@pytest.fixture(scope="module")
def grounds(classifier: Classifier) -> Grounds:
    found = explain(classifier, TEXT).grounds
    assert found is not None
    return found


def test_log_odds_compare_a_label_with_all_others() -> None:
    """Log-odds are 0 at one half, take the others' sum, and stay finite at certainty."""
    assert log_odds(Prediction(("a", "b", "c"), (0.5, 0.2, 0.3)), "a") == pytest.approx(0)
    assert log_odds(Prediction(("a", "b", "c"), (0.5, 0.2, 0.3)), "b") == pytest.approx(np.log(0.2 / 0.8))
    assert np.isfinite(log_odds(Prediction(("a", "b"), (1.0, 0.0)), "a"))


def test_a_word_moves_what_is_said(classifier: Classifier, grounds: Grounds) -> None:
    """Asked again without the named word, the whole model's log-odds differ by just what was said of it."""
    assert grounds.label == "network_vpn"
    assert grounds.log_odds == pytest.approx(log_odds(classifier.predict(TEXT), grounds.label))
    for moved in (grounds.moved[0], grounds.moved[-1]):
        words = TEXT.split()
        assert words.pop(moved.place) == moved.words
        without = log_odds(classifier.predict(" ".join(words)), grounds.label)
        assert grounds.log_odds - without == pytest.approx(moved.change, abs=1e-6)


def test_the_strongest_words_come_first(grounds: Grounds) -> None:
    """Every word is weighed once, strongest first; what the message is about speaks for its category."""
    assert sorted(moved.place for moved in grounds.moved) == list(range(len(TEXT.split())))
    strengths = [abs(moved.change) for moved in grounds.moved]
    assert strengths == sorted(strengths, reverse=True)
    assert grounds.moved[0].words == "VPN"
    assert grounds.moved[0].change > 0


def test_long_messages_are_weighed_in_runs(classifier: Classifier) -> None:
    """A message of many words is left out run by run, none twice and none forgotten, in a bounded number of predictions."""
    text = " ".join([TEXT] * 10)
    found = explain(classifier, text).grounds
    assert found is not None
    assert 1 < len(found.moved) <= MOST_PREDICTIONS
    assert " ".join(moved.words for moved in sorted(found.moved, key=lambda moved: moved.place)) == text


def test_one_word_is_not_left_out(classifier: Classifier) -> None:
    """Of a message of one word nothing would be left: no word is weighed, the rest is explained."""
    decided = explain(classifier, "vpn")
    assert decided.grounds is not None
    assert decided.grounds.moved == ()
    assert decided.grounds.nearest


def test_a_training_text_is_nearest_to_itself(classifier: Classifier) -> None:
    """The nearest example of a text that was learned is that text, under its own category, and as similar as can be."""
    model = classifier.model
    texts = unpack_examples(model.packed_examples)
    once = [place for place, text in enumerate(texts) if Counter(texts)[text] == 1]
    asked = 0
    for place in once[::40]:
        found = explain(classifier, texts[place]).grounds
        if found is None:  # a detector may take a few words of a learned text for another language
            continue
        asked += 1
        assert found.nearest[0].text == texts[place]
        assert found.nearest[0].category == model.labels[model.views.alike.labels[place]]
        assert found.nearest[0].similarity == pytest.approx(1, abs=0.02)
    assert asked >= 3


def test_shares_of_the_vote_are_the_models_own(classifier: Classifier, grounds: Grounds) -> None:
    """The listed shares add up to 1, and by category to the votes that the trees are given."""
    model = classifier.model
    views = model.views
    columns = views.columns([TEXT], classifier.embed(TEXT)[None, :])[0]
    votes = columns[3 * len(model.labels) :][: len(model.labels)]
    by_category: Counter[str] = Counter()
    for near in grounds.nearest:
        by_category[near.category] += near.share  # type: ignore[assignment]
    assert sum(by_category.values()) == pytest.approx(1)
    assert [by_category[label] for label in model.labels] == pytest.approx(votes.tolist(), abs=1e-4)


def test_every_view_has_its_say(classifier: Classifier, grounds: Grounds) -> None:
    """Each of the five views names its best label and the value it gives it."""
    assert [one.view for one in grounds.views] == list(View)
    values = {one.view: one.value for one in grounds.views}
    assert all(one.label in classifier.model.labels for one in grounds.views)
    assert {one.label for one in grounds.views} >= {"network_vpn"}
    assert all(0 < values[view] <= 1 for view in (View.NETWORK, View.ALIKE, View.ALIKE_WORDED))
    margins = classifier.model.views.words
    assert values[View.WORDS] == pytest.approx(margins.columns([TEXT]).max(), abs=1e-5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("?!", AbstainReason.EMPTY),
        ("my **** is **** and ****", AbstainReason.OVER_MASKED),
        ("Hoe reset ik mijn wachtwoord?", AbstainReason.UNSUPPORTED_LANGUAGE),
    ],
)
def test_what_never_reached_the_model_is_explained_by_its_rule(
    classifier: Classifier, text: str, reason: AbstainReason
) -> None:
    """A message refused before the model has its reason and no grounds."""
    explanation = explain(classifier, text)
    assert explanation.decision.abstain_reason is reason
    assert explanation.grounds is None
    assert explanation.as_dict()["nearest"] == []


def test_predict_tells_why(command: Any, model_dir: Path, encoder_dir: Path) -> None:
    """`predict` prints words, examples and views; --json has all of them beside the decision."""
    where = ("--model", str(model_dir), "--encoder-dir", str(encoder_dir))
    told = json.loads(command("predict", TEXT, *where, "--json").stdout)
    assert told["shown"][0] == "network_vpn"
    assert told["text"] == TEXT
    why = told["explanation"]
    assert why["label"] == "network_vpn"
    assert why["moved"][0]["words"] == "VPN"
    assert {"text", "category", "similarity", "share"} == set(why["nearest"][0])
    assert [one["view"] for one in why["views"]] == [view.value for view in View]
    printed = command("predict", TEXT, *where).stdout
    assert all(words in printed for words in ("Words that moved it", "Nearest in meaning", "alike worded"))
    refused = command("predict", "****", *where).stdout
    assert "masked" in refused
    assert "Nearest" not in refused
