"""From many raw categories to a few: what is merged, what it costs, and the mapping file that comes of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from classifier.data.mapping import apply, parse_mapping, read_mapping
from classifier.errors import DataRefused
from classifier.serving.views import unit
from classifier.study.confusion import Told, cross_validate, votes
from classifier.study.consolidate import Proposal, Reason, Sample, Unmapped, propose, sample
from classifier.study.mapping_draft import as_yaml
from classifier.study.merging import grouped, merges

Floats = NDArray[np.float64]


def close(*pairs: tuple[int, int], count: int, share: float = 0.4) -> Floats:
    """Votes of `count` categories that are right, but for `share` of the rows in each of these pairs."""
    joint = np.eye(count)
    for first, second in pairs:
        joint[first, first] = joint[second, second] = 1 - share
        joint[first, second] = joint[second, first] = share
    return joint


def test_merging_joins_what_is_near() -> None:
    """Where votes tell all apart alike, pairs of near centroids are joined until the wanted number is left."""
    centroids = np.array([[0, 0], [0, 0.1], [5, 5], [5, 5.1], [9, 0]], dtype=float)
    found = merges(np.eye(5), centroids, np.ones(5))
    assert grouped(5, found[:2]).tolist() == [0, 0, 2, 2, 4]
    assert grouped(5, found).tolist() == [0] * 5
    assert sum(merge.detail for merge in found) == pytest.approx(1)


def test_merging_joins_what_is_confused() -> None:
    """Of equally far centroids the pairs that votes take for each other are joined first."""
    found = merges(close((0, 3), (1, 2), count=5), np.eye(5), np.ones(5))
    assert grouped(5, found[:2]).tolist() == [0, 1, 1, 0, 4]


def test_merging_keeps_large_ones_apart() -> None:
    """Between equal distances and confusions the pair of small categories is merged, not the pair of large ones."""
    centroids = np.array([[0, 0], [1, 0], [5, 0], [6, 0]], dtype=float)
    joint = close((0, 1), (2, 3), count=4, share=0.2)
    found = merges(joint, centroids, np.array([900.0, 900.0, 3.0, 3.0]))
    assert grouped(4, found[:1]).tolist() == [0, 1, 2, 2]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10_000))
def test_all_detail_is_lost_in_the_end(count: int, seed: int) -> None:
    """Whatever the votes, no merge gains detail, all of them lose all there is, and each names two groups there are."""
    random = np.random.default_rng(seed)
    joint = random.dirichlet(np.ones(count), size=count)
    found = merges(joint, random.normal(size=(count, 3)), random.integers(1, 1_000, count).astype(float))
    assert sum(merge.detail for merge in found) == pytest.approx(1)
    assert min(merge.detail for merge in found) >= 0
    live = set(range(count))
    for merge in found:
        assert {merge.kept, merge.joined} <= live
        assert merge.kept < merge.joined
        live.remove(merge.joined)
    assert live == {0}


def test_what_all_say_alike_loses_nothing() -> None:
    """Categories that vote and mean the same are merged for nothing, without a division by zero."""
    assert [merge.detail for merge in merges(np.full((3, 3), 1 / 3), np.ones((3, 2)), np.ones(3))] == [0, 0]


def blobs(each: dict[str, int], axis: dict[str, int], seed: int = 0, spread: float = 0.5) -> Sample:
    """Rows of length one around an axis for each category; `each`: rows of it."""
    random = np.random.default_rng(seed)
    categories = [name for name, count in each.items() for _ in range(count)]
    vectors = np.eye(12)[[axis[name] for name in categories]]
    vectors = vectors + random.normal(size=vectors.shape) * spread / np.sqrt(12)
    texts = [f"{name} number {n}" for n, name in enumerate(categories)]
    return Sample(texts, unit(vectors.astype(np.float32)), categories, range(len(categories)))


AXES = {"a0": 0, "a1": 0, "b0": 1, "b1": 1, "c0": 2, "c1": 2, "rare": 3, "only": 4}


@pytest.fixture(scope="module")
def proposal() -> Proposal:
    """Three things under two names each, one with too few rows, and one whose rows hold no words."""
    rows = blobs({name: 40 for name in AXES if name < "d"} | {"rare": 3}, AXES)
    volumes = Counter({"a0": 500, "a1": 20, "b0": 300, "b1": 40, "c0": 40, "c1": 100, "rare": 3, "silent": 7})
    return propose(rows, volumes, count=3, least=5, seed=0)


def test_a_proposal_names_groups_by_their_largest(proposal: Proposal) -> None:
    """Raw categories of one meaning land in one group, largest first, and what is left is told with its reason."""
    assert proposal.groups == {"a0": ("a0", "a1"), "b0": ("b0", "b1"), "c1": ("c1", "c0")}
    assert list(proposal.groups) == ["a0", "b0", "c1"]
    told = [(one.name, one.rows, one.reason, one.nearest is None) for one in proposal.unmapped]
    assert told == [("silent", 7, Reason.NO_WORDS, True), ("rare", 3, Reason.TOO_FEW, False)]
    assert proposal.kept == 1_000
    assert sum(proposal.volumes.values()) == 1_010


def test_a_proposal_tells_the_price_of_every_step(proposal: Proposal) -> None:
    """The curve goes down to one group; grouping what is the same gains accuracy, and detail is lost bit by bit."""
    assert [step.groups for step in proposal.steps] == [5, 4, 3, 2, 1]
    assert proposal.grouped.accuracy > 0.95
    assert proposal.grouped.accuracy > proposal.raw.accuracy + 0.02
    assert proposal.raw.two_best > 0.95
    last = proposal.steps[-1]
    assert (last.told.accuracy, last.largest) == (1, 1)
    assert last.detail_lost == pytest.approx(1)
    first = proposal.steps[0]
    assert first.rows == proposal.volumes[first.kept] + proposal.volumes[first.joined]
    assert 0.1 < first.confused <= 0.5
    gains = sum(step.gained for step in proposal.steps)
    assert gains == pytest.approx(1 - proposal.raw.accuracy)
    assert proposal.steps[2].told == proposal.grouped
    assert proposal.steps[2].detail_lost < 0.1 < proposal.steps[3].detail_lost - 0.1


def test_too_few_categories_are_refused() -> None:
    """Nothing is proposed where there are not more categories, with rows enough, than groups."""
    rows = blobs({"a0": 10, "b0": 10, "rare": 3}, AXES)
    with pytest.raises(DataRefused, match="2 raw categories have 5 rows or more"):
        propose(rows, Counter(rows.categories), count=2, least=5, seed=0)


def test_votes_follow_meaning_and_volume() -> None:
    """Rows of an axis vote for its categories alone; between two that are the same, for the one with more rows."""
    rows = blobs({"a0": 40, "a1": 40, "b0": 40}, AXES)
    labels = np.repeat(np.arange(3), 40)
    voted = votes(rows.vectors, labels, np.array([900.0, 100.0, 500.0]), np.arange(120), seed=0)
    assert voted.sum(axis=1) == pytest.approx(1)
    assert voted[:80, 2].max() < 0.5 < voted[80:, 2].min()
    assert voted[:80, 0].mean() > voted[:80, 1].mean() + 0.1


def test_a_row_does_not_vote_for_its_twin() -> None:
    """What only one group of alike rows says cannot be told: its copies are all in the fold that asks."""
    rows = blobs({"a0": 30, "b0": 30, "only": 30}, AXES, spread=0.01)
    labels, twins = np.repeat(np.arange(3), 30), np.arange(90)
    assert votes(rows.vectors, labels, np.ones(3), twins, seed=0)[60:, 2].min() > 0.5
    twins[60:] = 60
    assert votes(rows.vectors, labels, np.ones(3), twins, seed=0)[60:, 2].max() < 0.1
    assert votes(rows.vectors, labels, np.ones(3), np.zeros(90, dtype=int), seed=0) == pytest.approx(1 / 3)


def test_figures_are_of_rows_that_chose_nothing() -> None:
    """On shuffled labels a vote is no better than chance, whatever was merged on the other half."""
    rows = blobs(dict.fromkeys(("a0", "a1", "b0", "b1", "c0", "c1"), 60), AXES)
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(6), 60))
    study = cross_validate(rows.vectors, labels, np.full(6, 60.0), np.arange(360), seed=0)
    assert study.told(np.arange(6)).accuracy < 0.3
    assert study.told(np.zeros(6, dtype=np.int64)).accuracy == 1


def test_a_stranger_is_left_out_or_moved() -> None:
    """A small category that was put to the wrong group moves to the one that votes and meaning agree on."""
    rows = blobs({"a0": 60, "b0": 60, "b1": 60}, AXES)
    labels = np.repeat(np.arange(3), 60)
    study = cross_validate(rows.vectors, labels, np.array([500.0, 400.0, 60.0]), np.arange(180), seed=0)
    assert study.settled(np.array([0, 1, 0])).tolist() == [0, 1, 1]
    assert study.settled(np.array([0, 1, 1])).tolist() == [0, 1, 1]


def test_what_votes_and_meaning_do_not_agree_on_is_in_no_group() -> None:
    """A category whose rows lie by one group and vote for another is left to a person."""
    rows = blobs({"a0": 60, "b0": 60, "c0": 60, "only": 60}, AXES)
    labels = np.repeat(np.arange(4), 60)
    study = cross_validate(rows.vectors, labels, np.array([500.0, 400.0, 300.0, 60.0]), np.arange(240), 0)
    study.joint[3] = [0.01, 0.04, 0.05, 0.9]
    study.centroids[3] = study.centroids[1]
    assert study.settled(np.array([0, 1, 2, 0])).tolist() == [0, 1, 2, -1]


def test_the_sample_takes_from_every_category() -> None:
    """At most so many of each category, all of the rare ones, the same for the same seed."""
    categories = ["many"] * 50 + ["few"] * 3
    places = sample(categories, 10, seed=1)
    assert Counter(categories[place] for place in places) == {"many": 10, "few": 3}
    assert places == sample(categories, 10, seed=1)


NAMES = st.text(min_size=1, max_size=12).map(str.strip).filter(lambda name: name and name != "out_of_scope")


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=4, max_size=4, unique=True), st.text(max_size=40), st.booleans())
def test_the_mapping_is_read_as_it_is_written(names: list[str], text: str, has_outside: bool) -> None:
    """Whatever categories are called and people write, the reader finds the groups, and what is unmapped, as proposed."""
    first, second, third, fourth = names
    proposal = Proposal(
        groups={first: (first, second), third: (third,)},
        unmapped=(Unmapped(fourth, 5, Reason.NEAR_NONE, third),),
        volumes=dict.fromkeys(names, 5),
        examples={first: text},
        steps=(),
        raw=Told(0.5, 0.6),
        grouped=Told(0.7, 0.8),
        measured=1,
    )
    mapping = parse_mapping(as_yaml(proposal, text, has_outside=has_outside).encode(), Path("m.yml"))
    expected = {first: first, second: first, third: third}
    assert dict(mapping.group_of) == expected | ({"out_of_scope": "out_of_scope"} if has_outside else {})
    assert (mapping.version, mapping.unmapped) == (1, (fourth,))


def test_the_mapping_tells_volumes_reasons_and_examples(proposal: Proposal) -> None:
    """Beside each raw category stand its rows and an example; without examples no text is in it; unmapped ones are listed."""
    content = as_yaml(proposal, "tickets.csv", has_outside=True)
    assert "8 raw categories of tickets.csv (1010 rows) in 3 groups" in content
    assert '  "a0":  # 520 rows, 51.5%, 2 raw\n    - "a0"  # 500 rows; a0 number ' in content
    assert '  - "silent"  # 7 rows: no row has words\n' in content
    assert '  - "rare"  # 3 rows: too few rows to say, nearest: ' in content
    mapping = parse_mapping(content.encode(), Path("m.yml"))
    assert mapping.unmapped == ("silent", "rare")
    assert dict(mapping.group_of) == {
        "a0": "a0",
        "a1": "a0",
        "b0": "b0",
        "b1": "b0",
        "c1": "c1",
        "c0": "c1",
        "out_of_scope": "out_of_scope",
    }
    assert "number" not in as_yaml(proposal, "tickets.csv", has_outside=True, with_examples=False)


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three kinds of tickets, each under two raw names, with a rare one, one without words, and one out of scope."""
    path = tmp_path_factory.mktemp("consolidate") / "tickets.csv"
    lines = ["text,category"]
    for n in range(20):
        lines.append(f"printer {n} on floor {n % 5} is jammed,print {n % 2}")
        lines.append(f"vpn tunnel drops every {n} minutes,vpn {n % 2}")
        lines.append(
            f"forgot my password {n} times and am locked out mail me at x{n}@example.com,password {n % 2}"
        )
    lines += ["the badge reader is broken,badge", "???,shouting", "lunch please,out_of_scope", "no category,"]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def consolidate(command: Any, tickets: Path, encoder_dir: Path, cache_dir: Path) -> Any:
    """Runs the command on that file with the packaged encoder."""

    def run(*options: str | Path) -> Any:
        where = ("--encoder", "all-MiniLM-L6-v2", "--encoder-dir", str(encoder_dir))
        cache = ("--cache", str(cache_dir / "embeddings"))
        return command("consolidate", "--data", str(tickets), *where, *cache, *map(str, options))

    return run


def test_consolidate_writes_a_mapping_to_edit(consolidate: Any, tmp_path: Path, tickets: Path) -> None:
    """With --out the file is written once, tables go to standard output, and nothing is dropped without being listed."""
    out = tmp_path / "new" / "mapping.yml"
    done = consolidate("--groups", 3, "--out", out)
    assert done.returncode == 0, done.stderr
    mapping = read_mapping(out)
    members: dict[str, list[str]] = {}
    for raw, group in mapping.group_of.items():
        members.setdefault(group, []).append(raw)
    assert sorted(map(sorted, members.values())) == [
        ["out_of_scope"],
        ["password 0", "password 1"],
        ["print 0", "print 1"],
        ["vpn 0", "vpn 1"],
    ]
    assert sorted(mapping.unmapped) == ["badge", "shouting"]
    rows = [{"category": line.rpartition(",")[2]} for line in tickets.read_text().splitlines()[1:]]
    assert apply(rows, mapping, leave_out_unmapped=True).left_out == {"badge": 1, "shouting": 1}
    content = out.read_text()
    assert "@example.com" not in content
    assert "<EMAIL>" in content
    assert "1 rows have no category" in done.stderr
    for told in ("The last merges", "All merges", "In no group", "60 of 62 rows (96.8%) are in a group"):
        assert told in done.stdout
    again = consolidate("--groups", 3, "--out", out)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert out.read_text() == content


def test_consolidate_prints_yaml_or_json(consolidate: Any) -> None:
    """Without --out standard output is the mapping alone; --json has every step; more groups than categories are refused."""
    done = consolidate("--groups", 3, "--no-examples")
    assert parse_mapping(done.stdout.encode(), Path("stdout")).version == 1
    assert "jammed" not in done.stdout
    assert "The last merges" in done.stderr
    told = json.loads(consolidate("--groups", 3, "--json").stdout)
    assert [step["groups"] for step in told["steps"]] == [5, 4, 3, 2, 1]
    assert {one["name"]: one["reason"] for one in told["unmapped"]} == {
        "badge": "too_few",
        "shouting": "no_words",
    }
    assert told["coverage"] == pytest.approx(60 / 62)
    refused = consolidate("--groups", 6)
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines()[-1].startswith("6 raw categories have 5 rows or more")
