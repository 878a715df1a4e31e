"""The starter data and answers, and reading other people's files."""

import csv
import gzip
import io
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from classifier.answers import load_answers
from classifier.data.dataset import STARTER, Dataset, Shares, Split, read_dataset
from classifier.decision import OUT_OF_SCOPE
from classifier.errors import AnswersRefused, DataRefused

CATEGORIES = (
    "access_permissions",
    "account_password",
    "email_calendar",
    "hardware_printing",
    "joiners_leavers",
    "network_vpn",
    "security",
    "software_licences",
)


def test_the_starter_data_is_large_enough(starter: Dataset) -> None:
    """1,900 rows in all; per category 150 English and 15 in each of five languages; 100 out of scope."""
    assert len(starter.examples) >= 1_900
    assert tuple(sorted(set(starter.counts()) - {OUT_OF_SCOPE})) == CATEGORIES
    counts = Counter((example.category, example.language) for example in starter.examples)
    for category in CATEGORIES:
        assert counts[category, "en"] >= 150, category
        for language in ("de", "fr", "es", "pt", "nl"):
            assert counts[category, language] >= 15, (category, language)
    assert starter.counts()[OUT_OF_SCOPE] >= 100


def test_no_starter_message_is_a_near_duplicate(starter: Dataset) -> None:
    """No two messages share more than 80 % of their words (word-set Jaccard)."""
    sets = [frozenset(re.findall(r"\w+", example.text.lower())) for example in starter.examples]
    where: dict[str, list[int]] = defaultdict(list)
    for place, words in enumerate(sets):
        for word in words:
            where[word].append(place)
    # Two sets that overlap by .8 share nearly all words, so also one of each set's rarest fifth (prefix filtering).
    alike = []
    for place, words in enumerate(sets):
        rarest = sorted(words, key=lambda word: (len(where[word]), word))[: len(words) // 5 + 1]
        for other in {other for word in rarest for other in where[word] if other < place}:
            if len(words & sets[other]) / len(words | sets[other]) > 0.8:
                alike.append((starter.examples[place].text, starter.examples[other].text))
    assert alike == []


def test_the_starter_split_is_fixed_and_stratified() -> None:
    """Every row of the file names its split, and each category and language has about 60/20/20; of English requests
    that have a category more are for calibration: what is shown alone must be proven on them."""
    with STARTER.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shares: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        shares[row["category"], row["language"]][row["split"]] += 1
    for group, counts in shares.items():
        more = 10 if group[1] == "en" and group[0] != OUT_OF_SCOPE else 0
        total = sum(counts.values())
        assert set(counts) <= {"fit", "calibration", "test"}, group
        assert counts["fit"] == pytest.approx(0.6 * total - more, abs=1.5), group
        assert counts["calibration"] == pytest.approx(0.2 * total + more, abs=1.0), group
        assert counts["test"] == pytest.approx(0.2 * total, abs=1.0), group


def test_starter_rows_are_clean() -> None:
    """No row is empty, padded, or holds a placeholder for a line break."""
    with STARTER.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows if row["text"] != row["text"].strip() or not row["text"]] == []
    assert [
        row["text"] for row in rows if re.search(r"<br|\\n|\[newline\]|⏎|↵", row["text"], re.IGNORECASE)
    ] == []
    assert len({row["text"] for row in rows}) == len(rows)


def test_starter_rows_name_no_real_host() -> None:
    """No pasted error names a package index."""
    text = STARTER.read_text(encoding="utf-8")
    assert re.findall(r"(?:pypi|npmjs|pythonhosted|rubygems|crates)\.\w+", text) == []


def test_a_recovery_key_has_one_label(starter: Dataset) -> None:
    """Requests for a disk's recovery key are security everywhere, so that they get the step for it."""
    asked = [e for e in starter.examples if re.search(r"bitlocker|filevault", e.text, re.IGNORECASE)]
    labels = Counter(e.category for e in asked if "last time" not in e.text)
    assert set(labels) == {"security"}
    assert any("recovery key" in step for step in load_answers()["security"].steps)


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_rows_that_say_the_same_stay_on_one_side(tmp_path: Path) -> None:
    """Rows with the same words go into one split together and are counted; the shares stay 60/30/10."""
    rows = [{"text": f"message {n // 2}" + "!" * (n % 2), "category": "ab"[n // 2 % 2]} for n in range(400)]
    dataset = read_dataset(write_csv(tmp_path / "twins.csv", rows))
    sides = defaultdict(set)
    for example in dataset.examples:
        sides[example.text.rstrip("!")].add(example.split)
    assert {len(splits) for splits in sides.values()} == {1}
    assert Counter(example.split for example in dataset.examples) == {
        Split.FIT: 240,
        Split.CALIBRATION: 120,
        Split.TEST: 40,
    }
    assert (dataset.twins, dataset.leaks) == (200, 0)


def test_a_files_own_split_may_leak_and_that_is_counted(tmp_path: Path) -> None:
    """Where the file brings its split, held-out rows that say what a fit row says are counted."""
    rows = [{"text": f"message {n}", "category": "ab"[n % 2], "split": "fit"} for n in range(20)]
    rows += [
        {"text": "MESSAGE 3", "category": "b", "split": "test"},
        {"text": "new", "category": "b", "split": "test"},
    ]
    dataset = read_dataset(write_csv(tmp_path / "leak.csv", rows))
    assert (dataset.twins, dataset.leaks) == (1, 1)


def test_rows_without_text_or_category_are_counted(tmp_path: Path) -> None:
    """Rows that lack a text or a category are left out, and how many is known."""
    rows = [*rows_of(40), {"Text": " ", "Group": "a"}, {"Text": "no group", "Group": ""}]
    dataset = read_dataset(
        write_csv(tmp_path / "gaps.csv", rows), text_column="Text", category_column="Group"
    )
    assert (len(dataset.examples), dataset.unlabelled) == (40, 2)


def test_the_fingerprint_is_of_what_is_read(tmp_path: Path) -> None:
    """Another seed or column is other data; a column nobody reads is not."""
    rows = [row | {"Other": "ba"[n % 2], "Note": "x"} for n, row in enumerate(rows_of(40))]
    path = write_csv(tmp_path / "a.csv", rows)
    first = read_dataset(path, text_column="Text", category_column="Group")
    assert (
        read_dataset(path, text_column="Text", category_column="Group", seed=1).fingerprint
        != first.fingerprint
    )
    assert read_dataset(path, text_column="Text", category_column="Other").fingerprint != first.fingerprint
    noted = write_csv(tmp_path / "b.csv", [row | {"Note": "y"} for row in rows])
    assert read_dataset(noted, text_column="Text", category_column="Group").fingerprint == first.fingerprint


def rows_of(count: int) -> list[dict[str, str]]:
    return [{"Text": f"message {n}", "Group": "ab"[n % 2]} for n in range(count)]


def test_a_file_without_a_split_is_split_by_a_seed(tmp_path: Path) -> None:
    """Each category is split 60/30/10, the same way for the same seed and another way for another."""
    path = write_csv(tmp_path / "history.csv.gz", rows_of(400))
    first = read_dataset(path, text_column="Text", category_column="Group", seed=1)
    again = read_dataset(path, text_column="Text", category_column="Group", seed=1)
    other = read_dataset(path, text_column="Text", category_column="Group", seed=2)
    assert first == again
    assert first.examples != other.examples
    for category in "ab":
        splits = Counter(example.split for example in first.examples if example.category == category)
        assert splits == {Split.FIT: 120, Split.CALIBRATION: 60, Split.TEST: 20}


@pytest.mark.parametrize(("rows", "calibration"), [(60, 0.1), (500, 0.3), (2_500, 0.2), (40_000, 0.1)])
def test_of_few_rows_more_are_kept_to_prove_a_promise(rows: int, calibration: float) -> None:
    """A tenth calibrates, of few rows up to three tenths, but a tenth again where even those could prove nothing."""
    assert Shares.for_rows(rows) == Shares(calibration, 0.1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"text,label\nhello,a\n", "has no column category"),
        (b"", "is empty"),
        (b"text,category\n", "holds no rows"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"text,category,split\n" + b"hi,a,train\n" * 20, "split must be fit, calibration or test"),
        (b"text,category\n" + b"hi,a\n" * 20 + b"ho,b\n" * 3, "fewer than 10 rows for b"),
        (b"text,category\n" + b"hi,a\n" * 20, "at least two categories"),
    ],
)
def test_a_useless_file_is_refused_in_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    """What is wrong with a file is said in one line with its name."""
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(DataRefused, match=complaint) as refused:
        read_dataset(path)
    assert "\n" not in str(refused.value)
    assert "data.csv" in str(refused.value)


def test_a_missing_file_and_a_broken_gzip_are_refused(tmp_path: Path) -> None:
    """No file, or a .gz that is none, is refused like any other."""
    with pytest.raises(DataRefused, match="cannot be read"):
        read_dataset(tmp_path / "nothing.csv")
    whole = gzip.compress(b"text,category\n" + b"some words,a\n" * 200)
    for broken in (b"no gzip", whole[:-12], whole[:12] + b"\xff" * 20 + whole[32:]):
        (tmp_path / "broken.csv.gz").write_bytes(broken)
        with pytest.raises(DataRefused, match="cannot be read") as refused:
            read_dataset(tmp_path / "broken.csv.gz")
        assert "\n" not in str(refused.value)


def test_every_category_has_an_answer_that_helps() -> None:
    """Each of the eight categories has a name, a title and three to six short steps; the link is the admin's to set.

    No step names a button by a label that the card has with two suggestions alone.
    """
    answers = load_answers()
    assert tuple(sorted(answers)) == CATEGORIES
    for answer in answers.values():
        assert 3 <= len(answer.steps) <= 6, answer.category
        assert all(20 <= len(step) <= 160 for step in answer.steps), answer.category
        assert answer.title
        assert answer.name
        assert answer.link == ""
    assert not any("None of these" in step for answer in answers.values() for step in answer.steps)
    assert {answer.automatable for answer in answers.values()} == {True, False}


def test_what_is_dangerous_goes_to_a_person_first() -> None:
    """The first step of security and the one about a swollen battery send people to the button, not to self-help."""
    answers = load_answers()
    assert "Ask a person at once" in answers["security"].steps[0]
    assert not any("isconnect" in step for step in answers["security"].steps)
    battery = answers["hardware_printing"].steps[0]
    assert "do not charge" in battery
    assert "ask a person" in battery


GOOD = "vpn: {name: VPN, title: Connect, steps: [Try again], link: '', automatable: false}\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("vpn: [", "not YAML"),
        ("- a\n", "must map"),
        ("", "must map"),
        (GOOD.replace("title: Connect, ", ""), r"vpn\.title"),
        (GOOD.replace("[Try again]", "Try again"), r"vpn\.steps"),
        (GOOD.replace("[Try again]", "[]"), "at least one step"),
        (GOOD.replace("false", "perhaps"), r"vpn\.automatable"),
        (GOOD.replace("''", "javascript:alert(1)"), r"vpn\.link"),
        (GOOD.replace("name:", "colour: red, name:"), "unknown field 'colour'"),
        (GOOD.replace("vpn:", "out_of_scope:"), "out_of_scope has no answer"),
    ],
)
def test_wrong_answers_are_refused_by_name(tmp_path: Path, content: str, complaint: str) -> None:
    """A mistake in answers.yml is named with its category and field."""
    path = tmp_path / "answers.yml"
    path.write_text(content)
    with pytest.raises(AnswersRefused, match=complaint):
        load_answers(path)


def test_own_answers_are_read(tmp_path: Path) -> None:
    """An admin's own file is read as it stands."""
    path = tmp_path / "answers.yml"
    path.write_text(GOOD.replace("''", "https://intranet.example.com/vpn"))
    answer = load_answers(path)["vpn"]
    assert (answer.name, answer.steps, answer.link) == (
        "VPN",
        ("Try again",),
        "https://intranet.example.com/vpn",
    )
