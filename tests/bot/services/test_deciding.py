"""Asking the model never fails: without an answer there is a person."""

from typing import Any

import pytest

from bot.services.deciding import MODEL_FAILED, NO_MODEL, NO_WORDS, Decider, NoDecision
from tests.fakes import WordClassifier


class Broken:
    """A classifier that fails on everything, and whose error quotes the text."""

    model_id = "broken-1"

    def decide(self, text: str) -> Any:
        """Fail."""
        raise MemoryError(f"no memory for {text}")


@pytest.mark.parametrize(
    ("classifier", "text", "rule"),
    [(None, "help", NO_MODEL), (Broken(), "help", MODEL_FAILED), (WordClassifier(), "  \n", NO_WORDS)],
)
def test_a_person_is_asked(classifier: Any, text: str, rule: str) -> None:
    """No model, a failing one, or no words: no decision, with the reason."""
    assert Decider(classifier).decide(text) == NoDecision(rule)


def test_a_decision_is_passed_on() -> None:
    """What the model decides is what comes back, and whoever listens is told what came of it."""
    heard: list[str] = []
    decider = Decider(WordClassifier(), on_decided=lambda seconds, kind: heard.append(kind))  # type: ignore[arg-type]
    assert decider.decide("the vpn drops") == WordClassifier().decide("the vpn drops")
    decider.decide("")
    assert heard == ["show_one", "none"]


def test_a_failing_model_leaves_no_words_in_the_log(capsys: Any, caplog: Any) -> None:
    """The log names the error's class, not its message, which may quote a person."""
    Decider(Broken()).decide("my password is hunter2")  # type: ignore[arg-type]
    written = "".join(capsys.readouterr()) + caplog.text
    assert "MemoryError" in written
    assert "hunter2" not in written
