"""Personal data becomes placeholders: how much is found, and what is left alone."""

import csv
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.data.dataset import STARTER
from classifier.personal_data import Kind, find, redact
from classifier.text import clean, has_words, mask_ratio

LABELLED = Path(__file__).with_name("personal_data.csv")
MARK = re.compile("⟦([A-Z]+) (.*?)⟧")


@dataclass(frozen=True)
class Line:
    """A message and its marked spans: (start, end, kind)."""

    text: str
    spans: frozenset[tuple[int, int, str]]


def lines(half: str) -> Iterator[Line]:
    """The labelled lines of `development` or `held_out`."""
    with LABELLED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["half"] != half:
                continue
            text, spans, place = "", set(), 0
            for mark in MARK.finditer(row["text"]):
                text += row["text"][place : mark.start()]
                spans.add((len(text), len(text) + len(mark[2]), mark[1]))
                text, place = text + mark[2], mark.end()
            yield Line(text + row["text"][place:], frozenset(spans))


def halves() -> list[str]:
    with LABELLED.open(encoding="utf-8", newline="") as file:
        return sorted({row["half"] for row in csv.DictReader(file)})


def measured(half: str) -> tuple[float, float, list[str]]:
    """Recall and precision over spans of the right kind that overlap, and what was missed or found in vain."""
    hits = wanted = hit_found = found_all = 0
    wrong = []
    for line in lines(half):
        found = [(one.start, one.end, str(one.kind)) for one in find(line.text)]
        for span in line.spans:
            hit = any(f[0] < span[1] and span[0] < f[1] and f[2] == span[2] for f in found)
            hits += hit
            if not hit:
                wrong.append(f"missed {span[2]}: {line.text[span[0] : span[1]]} | {line.text}")
        for f in found:
            hit = any(f[0] < s[1] and s[0] < f[1] and f[2] == s[2] for s in line.spans)
            hit_found += hit
            if not hit:
                wrong.append(f"in vain {f[2]}: {line.text[f[0] : f[1]]} | {line.text}")
        wanted, found_all = wanted + len(line.spans), found_all + len(found)
    return hits / wanted, hit_found / found_all, wrong


def test_the_labelled_set_is_large_and_mixed() -> None:
    """Over 300 lines in two halves, at least a third of them without anything personal, every kind twenty times."""
    every = [line for half in halves() for line in lines(half)]
    assert len(halves()) == 2
    assert len(every) >= 300
    assert sum(not line.spans for line in every) >= len(every) / 3
    for kind in Kind:
        assert sum(span[2] == kind for line in every for span in line.spans) >= 20, kind


@pytest.mark.parametrize("half", halves())
def test_what_is_personal_is_found_and_nothing_else(half: str) -> None:
    """Recall at least .95 and precision at least .90 on each half of the labelled set."""
    recall, precision, wrong = measured(half)
    assert recall >= 0.95, "\n".join(wrong)
    assert precision >= 0.90, "\n".join(wrong)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab1.@:/-_ +<>=#XYZ09\\()")), max_size=80))
def test_twice_is_once(text: str) -> None:
    """What was made a placeholder is not found again."""
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "piece", ["a@", "1.2.3.", "+49 ", "AB12", "x" * 50 + ".", "password is ", "\\\\srv", "4111 ", "a-1-"]
)
def test_long_texts_take_no_longer_than_they_are(piece: str) -> None:
    """Eight thousand characters that look like something all the way are read in well under a second."""
    text = (piece * 8_000)[:8_000]
    began = time.thread_time()
    redact(text)
    assert time.thread_time() - began < 1.0


def test_training_and_serving_see_placeholders() -> None:
    """`clean`, the one preparation of text, has them; they count as words, not as masked."""
    words = clean(
        "please call <tel:+493012345678|+49 30 12345678> or <mailto:ana@example.com|ana@example.com>"
    )
    assert words == "please call <PHONE> or <EMAIL>"
    assert mask_ratio(words) == 0
    assert has_words(clean("ana@example.com"))


def test_starter_messages_are_hardly_touched() -> None:
    """Messages written without personal data keep their words: under 2 % are changed at all."""
    with STARTER.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    changed = [text for text in texts if redact(text) != text]
    assert len(changed) < len(texts) * 0.02, "\n".join(changed)
