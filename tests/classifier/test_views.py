"""The five views of a message: what they say, and that fit rows do not answer for themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier.serving.neighbours import Electorate, Neighbours
from classifier.serving.tfidf import Tfidf
from classifier.serving.views import Layers, ViewParams, Views, unit
from classifier.training.fit_views import FOLDS, FitRows, fit_svm, fit_views, left_out_columns, term_matrix

WORDS = (
    ("vpn", "tunnel", "wifi", "network", "slow"),
    ("printer", "paper", "toner", "jam", "scan"),
    ("password", "locked", "reset", "login", "account"),
)
PARAMS = ViewParams(meaning_dimensions=6, wording_dimensions=4, wording_neighbour_dimensions=3)


def some_rows(count: int = 150, labels: int = 3, seed: int = 0) -> FitRows:
    """Rows whose words and whose embedding both lean to their label; every fifth says what its neighbour says."""
    random = np.random.default_rng(seed)
    own = random.integers(0, labels, count)
    own[1::5] = own[::5]
    vectors = random.normal(size=(count, 8)) * 0.6 + np.eye(8)[own]
    texts = [" ".join(random.choice([*WORDS[label], "please", "help", "today"], 8)) for label in own]
    groups = np.arange(count)
    groups[1::5] = groups[::5]
    return FitRows(texts, unit(vectors), own.astype(np.int64), groups.astype(np.int64))


def fitted(rows: FitRows, labels: int = 3) -> Views:
    return fit_views(rows, labels, PARAMS, 0, lambda: None)


def test_terms_weigh_as_in_scikit_learn() -> None:
    """A text's row is that of TfidfVectorizer(sublinear_tf=True, min_df=2), whatever the order of the columns."""
    texts = [*some_rows().texts, "Vpn vpn VPN tunnel a b", "nothing known here"]
    for pairs, span in ((True, (1, 2)), (False, (1, 1))):
        ours = Tfidf.fit(texts, pairs=pairs, most_words=None, most_terms=10_000)
        theirs = TfidfVectorizer(ngram_range=span, min_df=2, sublinear_tf=True)
        wanted = theirs.fit_transform(texts)
        assert ours.width == wanted.shape[1]
        similar = (term_matrix(ours, texts) @ term_matrix(ours, texts).T).toarray()
        assert similar == pytest.approx((wanted @ wanted.T).toarray(), abs=1e-5)


def test_only_the_opening_is_read() -> None:
    """With a limit of words, what comes after it changes nothing."""
    tfidf = Tfidf.fit(
        ["one two three four", "one two three five"] * 2, pairs=True, most_words=2, most_terms=99
    )
    first, second = term_matrix(tfidf, ["one two three", "one two other words"]).toarray()
    assert np.array_equal(first, second)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_a_row(text: str) -> None:
    """A row is of length one, or of zeros where nothing is known."""
    tfidf = Tfidf.fit(
        ["one two", "one two three", "three ünïcode ünïcode"] * 2, pairs=True, most_words=None, most_terms=99
    )
    length = float(np.linalg.norm(term_matrix(tfidf, [text]).toarray()))
    assert length == pytest.approx(1.0, abs=1e-5) or length == 0.0


def brute_votes(
    rows: NDArray[np.float32], labels: NDArray[np.int64], query: NDArray[np.float32], count: int
) -> NDArray[np.float64]:
    near = np.argsort(-(rows @ query), kind="stable")[:count]
    weights = np.maximum(rows[near] @ query, 0).astype(float) ** 3
    return np.bincount(labels[near], weights, 3) / weights.sum()


def test_neighbours_vote_as_counted_by_hand() -> None:
    """Votes of one row, of many, and of more than a block, are those of a plain search."""
    rows = some_rows(2_600)
    neighbours = Neighbours(rows.embeddings, rows.labels, (Electorate(7, 3),), told=2)
    queries = some_rows(1_100, seed=5).embeddings
    votes = neighbours.columns(neighbours.nearest(queries), 3)
    for place in (0, 511, 1_099):
        wanted = brute_votes(rows.embeddings, rows.labels, queries[place], 7)
        assert votes[place, :3] == pytest.approx(wanted, abs=1e-4)
        alone = neighbours.columns(neighbours.nearest(queries[place : place + 1]), 3)
        assert alone[0] == pytest.approx(votes[place], abs=1e-4)
    nearest = np.sort(rows.embeddings @ queries[3])[::-1][:2]
    assert votes[3, 3:] == pytest.approx(nearest, abs=1e-5)


def test_rows_of_a_group_do_not_see_each_other() -> None:
    """The nearest of a learned row are of other groups: neither itself nor what says nearly the same."""
    rows = some_rows()
    neighbours = Neighbours(rows.embeddings, rows.labels, (Electorate(5, 1),), told=0)
    near = neighbours.nearest_of_own(rows.groups)
    assert not (rows.groups[near.places] == rows.groups[:, None]).any()


def test_packed_neighbours_vote_nearly_alike() -> None:
    """Rows kept as int8 move no vote by more than a hundredth."""
    rows = some_rows()
    neighbours = Neighbours(rows.embeddings, rows.labels, (Electorate(20, 2),), told=1)
    again = Neighbours.from_arrays(neighbours.arrays(), neighbours.electorates, 1)
    queries = some_rows(40, seed=3).embeddings
    before, after = (n.columns(n.nearest(queries), 3) for n in (neighbours, again))
    assert np.abs(before - after).mean() < 0.01


def test_every_view_learns_what_is_easy() -> None:
    """On new rows each view's best label is right far more often than chance, and so is it on left-out fit rows."""
    rows, new = some_rows(), some_rows(seed=9)
    views = fitted(rows)
    for columns, labels in (
        (views.columns(new.texts, new.embeddings), new.labels),
        (left_out_columns(views, rows, 0, lambda: None), rows.labels),
    ):
        assert columns.shape == (len(labels), views.width)
        for start in (0, 3, 6, 9, 12, 15, 23):
            right = (columns[:, start : start + 3].argmax(axis=1) == labels).mean()
            assert right > 0.6, start


def test_fit_rows_are_left_out_of_their_own_columns() -> None:
    """On shuffled labels the left-out columns know nothing, where columns of the plain views would know all."""
    rows = some_rows(300)
    shuffled = FitRows(
        rows.texts,
        rows.embeddings,
        np.random.default_rng(1).integers(0, 3, 300).astype(np.int64),
        np.arange(300),
    )
    views = fitted(shuffled)
    own = left_out_columns(views, shuffled, 0, lambda: None)
    plain = views.columns(shuffled.texts, shuffled.embeddings)
    for start in (0, 6, 9):
        assert (own[:, start : start + 3].argmax(axis=1) == shuffled.labels).mean() < 0.45
    assert (plain[:, 0:3].argmax(axis=1) == shuffled.labels).mean() > 0.6


def test_folds_keep_groups_together_and_hold_every_label() -> None:
    """No group is cut, and each fold has rows of each label."""
    rows = some_rows()
    folds = rows.folds(0)
    assert len({(group, fold) for group, fold in zip(rows.groups, folds, strict=True)}) == len(
        set(rows.groups)
    )
    for fold in range(FOLDS):
        assert set(rows.labels[folds == fold]) == {0, 1, 2}


def test_views_read_back_say_the_same() -> None:
    """Views saved and read back give the same columns to the byte."""
    rows = some_rows()
    views = fitted(rows)
    again = Views.from_arrays(views.arrays(), 3, PARAMS)
    assert np.array_equal(
        again.columns(rows.texts, rows.embeddings), views.columns(rows.texts, rows.embeddings)
    )


def test_arrays_of_different_sizes_are_refused() -> None:
    """Arrays that do not fit each other are refused when they are read."""
    arrays = fitted(some_rows()).arrays()
    for name in ("words/weights", "alike/rows", "network0/output", "spaces/wording"):
        with pytest.raises(ValueError, match=r"fit each other|differ"):
            Views.from_arrays(arrays | {name: arrays[name][:-1]}, 3, PARAMS)


@pytest.mark.parametrize("labels", [2, 3])
def test_margins_and_network_are_scikit_learns(labels: int) -> None:
    """With two labels as with more, there is one column a label, and the larger is the predicted one."""
    rows = some_rows(120, labels)
    views = fitted(rows, labels)
    columns = views.columns(rows.texts, rows.embeddings)
    assert (columns[:, :labels].argmax(axis=1) == rows.labels).mean() > 0.8
    assert np.exp(columns[:, 2 * labels : 3 * labels]).sum(axis=1) == pytest.approx(np.ones(120), abs=0.1)


def test_a_label_that_a_fold_lacks_is_never_its_answer() -> None:
    """A linear margin fitted without rows of a label gives it the lowest score."""
    rows = some_rows()
    tfidf = Tfidf.fit(rows.texts, pairs=False, most_words=None, most_terms=99)
    there = rows.labels != 1
    weights, bias = fit_svm(term_matrix(tfidf, rows.texts)[there], rows.labels[there], 3, 0)
    assert (weights[:, 1] == 0).all()
    assert bias[1] == -1


def test_logarithms_have_a_floor() -> None:
    """A network's certainty ends at 1e-4: a tree needs no larger numbers."""
    layers = Layers(
        np.eye(2, dtype=np.float32),
        np.zeros(2, np.float32),
        np.eye(2, dtype=np.float32) * 99,
        np.zeros(2, np.float32),
    )
    assert layers.columns(np.array([[1.0, 0.0]], dtype=np.float32))[0] == pytest.approx(
        [0, np.log(1e-4)], abs=1e-5
    )


def test_texts_without_a_common_word_are_survived() -> None:
    """Where no two texts share a word the views of words are silent and finite."""
    rows = some_rows(30)
    alone = FitRows([f"word{place}" for place in range(30)], rows.embeddings, rows.labels, rows.groups)
    views = fitted(alone)
    assert np.isfinite(views.columns(["word1", "else"], rows.embeddings[:2])).all()


@pytest.mark.parametrize("wrong", [(0, 4), (5, 0)])
def test_electorates_refuse_nonsense(wrong: tuple[int, int]) -> None:
    """Nobody to vote, or no weight, cannot be built."""
    with pytest.raises(ValueError, match="at least"):
        Electorate(*wrong)
