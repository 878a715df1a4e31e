"""A history replayed: counted by threshold, category, language and week, and written as a report."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from classifier.data.dataset import Dataset, Split
from classifier.decision import (
    OUT_OF_SCOPE,
    Decision,
    DecisionKind,
    Prediction,
    Thresholds,
    apply_rule,
)
from classifier.evaluation.replay import PastMessage, Replayed, read_history
from classifier.evaluation.tallies import (
    by_category,
    by_language,
    by_threshold,
    by_week,
    disagreements,
    tally,
    under,
)
from classifier.study.markdown import plain, quoted
from classifier.study.replay_page import count, write_page

LABELS = ("mail", "vpn", "doors", OUT_OF_SCOPE)
LIMITS = Thresholds(show_one=0.8, least_mass=0.5, out_of_scope=0.4, reason="for these tests")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)  # a Monday


def replayed(
    probabilities: tuple[float, ...] | None,
    category: str | None = None,
    *,
    text: str = "words",
    language: str = "en",
    date: datetime | None = None,
) -> Replayed:
    """A message and what LIMITS make of these probabilities; without any it never reached the model."""
    message = PastMessage(text, category, None, date)
    if probabilities is None:
        return Replayed(message, Decision(DecisionKind.ABSTAIN, (), None, language, "Masked.", None, "m"))
    prediction = Prediction(LABELS, probabilities)
    shown = apply_rule(prediction, LIMITS)
    decision = Decision(
        shown.kind, shown.categories, prediction, language, shown.rule, shown.abstain_reason, "m"
    )
    return Replayed(message, decision)


@st.composite
def histories(draw: st.DrawFn) -> list[Replayed]:
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        cuts = sorted(draw(st.lists(st.integers(0, 20), min_size=3, max_size=3)))
        parts = [b - a for a, b in zip((0, *cuts), (*cuts, 20), strict=True)]
        is_masked = draw(st.integers(0, 9)) == 0
        category = draw(st.sampled_from((None, "mail", "vpn", "parking", OUT_OF_SCOPE)))
        date = draw(st.none() | st.integers(0, 40).map(lambda day: START + timedelta(days=day)))
        language = draw(st.sampled_from(("en", "de", "und")))
        said = None if is_masked else tuple(part / 20 for part in parts)
        rows.append(replayed(said, category, language=language, date=date))
    return rows


@given(histories())
def test_a_tally_is_what_a_loop_counts(rows: list[Replayed]) -> None:
    """One, two and person add up to all, and right ones are those whose recorded category is shown."""
    found = tally("all", rows)
    kinds = [len(row.decision.categories) for row in rows]
    assert [found.one, found.two, found.person] == [kinds.count(1), kinds.count(2), kinds.count(0)]
    assert found.n == len(rows)
    known = [row for row in rows if row.message.category is not None and row.decision.categories]
    right = [row for row in known if row.message.category in row.decision.categories]
    named = [row for row in rows if row.message.category not in (None, OUT_OF_SCOPE)]
    assert found.coverage == (len(right) / len(named) if named else None)
    assert found.right_among_shown == (len(right) / len(known) if known else None)
    alone = [len(row.decision.categories) == 1 for row in right]
    assert found.right_one == sum(alone)


@given(histories())
def test_every_part_counts_every_message_once(rows: list[Replayed]) -> None:
    """Languages add up to all messages, categories to those with one, weeks to those with a date."""
    assert sum(one.n for one in by_language(rows)) == len(rows)
    assert sum(one.n for one in by_category(rows)) == sum(row.message.category is not None for row in rows)
    weeks = by_week(rows)
    assert sum(one.n for one in weeks) == sum(row.message.date is not None for row in rows)
    assert [one.name for one in weeks] == sorted(one.name for one in weeks)
    assert all(datetime.fromisoformat(one.name).weekday() == 0 for one in weeks)


@given(histories())
def test_other_thresholds_go_through_the_serving_rule(rows: list[Replayed]) -> None:
    """The model's own threshold gives what was replayed; a higher one never shows one instead of two, and no other row."""
    told = {one.name: one for one in by_threshold(rows, LIMITS)}
    own = tally("0.80", rows)
    assert told["0.80"] == own
    rising = list(told.values())
    assert [float(one.name) for one in rising] == sorted(float(one.name) for one in rising)
    ones = [one.one for one in rising]
    assert ones == sorted(ones, reverse=True)
    assert {one.person for one in rising} == {own.person}


def test_a_message_the_model_never_saw_stays_with_a_person() -> None:
    """Other thresholds change nothing for a masked message."""
    row = replayed(None, "mail")
    assert under(row, replace(LIMITS, show_one=0.1)) == row


def test_disagreements_come_with_the_most_confident_first() -> None:
    """Listed are suggestions without the recorded category; not those of messages that nobody sorted or a person got."""
    rows = [
        replayed((0.6, 0.3, 0.1, 0.0), "doors"),
        replayed((0.9, 0.1, 0.0, 0.0), "vpn"),
        replayed((0.9, 0.1, 0.0, 0.0), "mail"),
        replayed((0.9, 0.1, 0.0, 0.0), None),
        replayed((0.2, 0.2, 0.0, 0.6), "vpn"),
        replayed((0.1, 0.85, 0.05, 0.0), OUT_OF_SCOPE),
    ]
    assert [row.message.category for row in disagreements(rows)] == ["vpn", OUT_OF_SCOPE, "doors"]


def test_a_history_is_read_with_its_dates(tmp_path: Path) -> None:
    """Dates and languages are taken where the file has them; what does not read is no date."""
    path = tmp_path / "history.csv"
    path.write_text(
        "text,created_at,language\nhi,2026-01-05T23:30:00-02:00,de\nho,soon,\nhu,,\nha,999999999999999,\n"
    )
    first, *others = read_history(path)
    assert (first.date, first.language) == (datetime(2026, 1, 6, 1, 30, tzinfo=UTC), "de")
    assert [one.date for one in others] == [None] * 3
    assert {one.language for one in others} == {None}


def rows_of_three_weeks() -> list[Replayed]:
    said = [(0.9, 0.1, 0.0, 0.0), (0.5, 0.4, 0.1, 0.0), (0.1, 0.2, 0.0, 0.7)]
    return [
        replayed(
            said[n % 3],
            ("mail", "vpn", OUT_OF_SCOPE)[n % 3] if n else "doors",
            text="*Please* mail jane@example.com | `now`",
            date=START + timedelta(days=n),
        )
        for n in range(20)
    ]


def test_the_report_holds_charts_and_no_personal_data(tmp_path: Path) -> None:
    """Every part has its table and chart, and a message is quoted with placeholders."""
    write_page(tmp_path / "report", "history.csv", count(rows_of_three_weeks(), LIMITS))
    page = (tmp_path / "report" / "report.md").read_text()
    for chart in ("thresholds.png", "weeks.png", "categories.png"):
        assert f"({chart})" in page
        assert (tmp_path / "report" / chart).read_bytes().startswith(b"\x89PNG")
    assert "| `Please mail <EMAIL> \\| now` | mail | doors | 0.90 |" in page
    assert "| 2026-01-05 | 7 |" in page
    told = (tmp_path / "report" / "report.json").read_text()
    assert "jane" not in page + told
    assert json.loads(told)["weeks"][0]["n"] == 7


def test_a_report_of_bare_messages(tmp_path: Path) -> None:
    """Without categories and dates those parts are left out, and so is what an earlier report had of them."""
    folder = tmp_path / "report"
    write_page(folder, "history.csv", count(rows_of_three_weeks(), LIMITS))
    bare = [replace(row, message=PastMessage("hello", None)) for row in rows_of_three_weeks()]
    write_page(folder, "history.csv", count(bare, LIMITS))
    assert sorted(path.name for path in folder.iterdir()) == ["report.json", "report.md", "thresholds.png"]
    page = (folder / "report.md").read_text()
    assert "By week" not in page
    assert "Other than recorded" not in page


def test_names_in_a_report_are_read_as_written() -> None:
    """Markup, HTML and pipes of other people's words do not change the page; names in snake case stay as they are."""
    assert plain("a|b <i> *c* snake_case _d_\ne") == "a\\|b \\<i\\> \\*c\\* snake_case \\_d\\_ e"
    assert quoted("a|`b` <EMAIL>\n") == "`a\\|'b' <EMAIL>`"


def test_strange_names_can_be_drawn(tmp_path: Path) -> None:
    """A category's name may look like mathematics, be very long, or be one of very many."""
    names = ["$x$ $", "cost $5^", "long " * 30, *(f"c{n}" for n in range(40))]
    rows = [replayed((0.9, 0.1, 0.0, 0.0), name) for name in names]
    write_page(tmp_path / "report", "history.csv", count(rows, LIMITS))
    assert (tmp_path / "report" / "categories.png").stat().st_size > 1_000


def test_replay_tells_all_parts(command: Any, model_dir: Path, encoder_dir: Path, tmp_path: Path) -> None:
    """The command reads a history with dates, tells what cannot be judged, prints every part, and writes the report."""
    history, report = tmp_path / "history.csv", tmp_path / "report"
    with history.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "category", "date"])
        writer.writerow(["the printer on floor 3 is jammed", "hardware_printing", "2026-01-07"])
        writer.writerow(["outlook will not open my inbox, I am bob@example.com", "doors", "2026-01-14"])
        writer.writerow(["****", "", "later"])
    where = ("--model", str(model_dir), "--encoder-dir", str(encoder_dir))
    done = command("replay", "--history", str(history), *where, "--json", "--report", str(report))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(one["name"], one["n"]) for one in told["weeks"]] == [("2026-01-05", 1), ("2026-01-12", 1)]
    assert {one["name"] for one in told["categories"]} == {"doors", "hardware_printing"}
    assert [one["text"] for one in told["disagreements"]] == ["outlook will not open my inbox, I am <EMAIL>"]
    own = next(one for one in told["thresholds"] if one["name"] == told["top_threshold"])
    assert [own["one"], own["two"], own["person"]] == [told["sum"][kind] for kind in ("one", "two", "person")]
    noted = " ".join(done.stderr.split())
    assert "1 of 3 messages have no date that reads: they are in no week." in noted
    assert "does not know 1 category with 1 row (doors (1)): they count as wrong." in noted
    assert "bob@example.com" not in (report / "report.md").read_text()
    printed = command("replay", "--history", str(history), *where).stdout
    for title in ("By top threshold", "By category", "By language", "By week", "Other than recorded"):
        assert title in printed


def test_replay_says_what_the_model_learned_from(
    command: Any, model_dir: Path, encoder_dir: Path, starter: Dataset, tmp_path: Path
) -> None:
    """Messages that are among what the model learned from are counted, on the page too."""
    history, report = tmp_path / "history.jsonl", tmp_path / "report"
    seen = next(one for one in starter.of(Split.FIT) if one.language == "en")
    texts = (f" {seen.text}  ", "a message that nobody has written before, about vpn")
    history.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    where = ("--model", str(model_dir), "--encoder-dir", str(encoder_dir))
    done = command("replay", "--history", str(history), *where, "--json", "--report", str(report))
    line = "1 of 2 messages are ones that the model learned from"
    assert line in " ".join(done.stderr.split())
    assert json.loads(done.stdout)["learned_from"] == 1
    assert line in (report / "report.md").read_text()


def test_replay_takes_a_history_of_unknown_categories(
    command: Any, model_dir: Path, encoder_dir: Path, tmp_path: Path
) -> None:
    """Categories that the model knows none of are told of in one line, and what would be shown is told all the same."""
    history = tmp_path / "history.csv"
    history.write_text("text,category\nthe printer on floor 3 is jammed,Team 7\n")
    where = ("--model", str(model_dir), "--encoder-dir", str(encoder_dir))
    done = command("replay", "--history", str(history), *where, "--json")
    assert done.returncode == 0
    assert "knows none of its 1 category with 1 row (Team 7 (1))" in " ".join(done.stderr.split())
    assert json.loads(done.stdout)["sum"]["messages"] == 1
