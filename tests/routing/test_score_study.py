"""Scores taken apart: against the published scores, under rules that must hold, and through the command."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from routing import InvalidParams
from routing.originals.scoring import score_agents, score_tasks
from routing.originals.tables import AgentTable, TaskTable, read_agents, read_tasks
from routing.study.charts import draw_histograms
from routing.study.score_figures import describe, rank_correlation, study
from routing.study.score_parts import Recipe, Scale, agent_parts, choose_scale, task_parts
from routing.study.score_weights import ScoreWeights, parse_weights
from tests.routing.front_door import AGENT_HEAD, TASK_HEAD, is_png, refused, run_routing, write_published

DEFAULT = ScoreWeights()


@pytest.fixture
def tables(tmp_path: Path) -> tuple[TaskTable, AgentTable]:
    write_published(tmp_path)
    return read_tasks(tmp_path / "tasks.csv"), read_agents(tmp_path / "agents.csv")


def test_the_published_recipe_gives_the_published_scores(tables: tuple[TaskTable, AgentTable]) -> None:
    """Taken apart and put together again, tasks and agents have the scores that matching 1 and 2 use."""
    tasks, agents = tables
    assert task_parts(tasks, DEFAULT, Recipe.PUBLISHED).score == pytest.approx(score_tasks(tasks))
    assert agent_parts(agents, DEFAULT, Recipe.PUBLISHED).score == pytest.approx(score_agents(agents))


@pytest.mark.parametrize("nothing", [math.nan, 0.0])
def test_a_missing_handling_time_is_never_the_best(nothing: float) -> None:
    """Nobody without a measured handling time scores above the fastest of those who are alike in everything else."""
    agents = AgentTable(
        markets=(("DE",),) * 4,
        productivity=np.full(4, 300.0),
        utilisation=np.full(4, 0.5),
        handling_time=np.array([50.0, 100.0, 200.0, nothing]),
        accuracy=np.full(4, 0.9),
    )
    careful = agent_parts(agents, DEFAULT, Recipe.CAREFUL).score
    assert careful[0] > careful[3] == pytest.approx(careful[1])
    if nothing == 0.0:
        assert agent_parts(agents, DEFAULT, Recipe.PUBLISHED).score.argmax() == 3


def test_a_start_that_is_a_stand_in_counts_as_unknown(tables: tuple[TaskTable, AgentTable]) -> None:
    """Its task is as urgent as the median task, whatever number stands there."""
    tasks, _ = tables
    flagged = replace(
        tasks,
        days_to_start=np.r_[0.0, tasks.days_to_start[1:]],
        start_time_missing=np.r_[1.0, np.zeros(len(tasks.country) - 1)],
    )
    column = task_parts(flagged, DEFAULT, Recipe.CAREFUL).columns["days_to_start"]
    assert math.isnan(column.measured[0])
    assert column.filled[0] == np.median(tasks.days_to_start[1:])


def test_a_models_risk_moves_the_score_only_where_the_file_has_it(
    tables: tuple[TaskTable, AgentTable],
) -> None:
    """One more input of risk: more of it raises the score, no weight takes it out, no column changes nothing."""
    tasks, _ = tables
    alike = replace(tasks, **{
        name: np.ones(120)
        for name in ("punish_num", "days_to_latest_punish", "avg_revenue", "revenue", "days_to_start", "baseline_st_min")
    })  # fmt: skip
    modelled = replace(alike, model_risk=np.linspace(0.0, 1.0, 120))
    rising = task_parts(modelled, DEFAULT, Recipe.CAREFUL).score
    assert (np.diff(rising) >= 0.0).all()
    assert rising[-1] > rising[0]
    without = task_parts(modelled, replace(DEFAULT, model_risk=0.0), Recipe.CAREFUL).score
    assert without == pytest.approx(task_parts(alike, DEFAULT, Recipe.CAREFUL).score)


def test_careful_components_are_all_of_one_size(tables: tuple[TaskTable, AgentTable]) -> None:
    """Mean 0 and deviation 1, so that weights speak about comparable values; the score stays in [0, 1]."""
    for parts in (
        task_parts(tables[0], DEFAULT, Recipe.CAREFUL),
        agent_parts(tables[1], DEFAULT, Recipe.CAREFUL),
    ):
        for values in parts.components.values():
            assert (values.mean(), values.std()) == pytest.approx((0.0, 1.0))
        assert parts.score.min() == 0.0
        assert parts.score.max() == 1.0


def test_skewed_columns_are_counted_by_their_logarithm() -> None:
    """A long tail to the right or to the left is drawn in; what is even, or two heaps, stays as it is."""
    tail = np.random.default_rng(0).lognormal(3.0, 1.5, 500)
    assert choose_scale(tail) is Scale.LOG
    assert choose_scale(tail.max() - tail) is Scale.MIRRORED_LOG
    assert choose_scale(np.arange(500.0)) is Scale.PLAIN
    assert choose_scale(np.repeat([0.0, 8600.0], [470, 30])) is Scale.PLAIN
    assert choose_scale(np.full(9, 7.0)) is Scale.PLAIN


values = st.lists(st.integers(0, 20), min_size=3, max_size=40)


@given(values, st.integers(0, 999))
def test_rank_correlation_is_spearmans(one: list[int], seed: int) -> None:
    """Equal to SciPy's, ties and all; None where nothing varies."""
    other = np.random.default_rng(seed).integers(0, 9, len(one)).astype(float)
    found = rank_correlation(np.array(one, float), other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(one, other).statistic, abs=1e-9)


def test_shares_of_variance_add_up_and_a_weight_is_not_an_influence() -> None:
    """A component with half the weight that hardly varies does hardly anything; the shares add up to 1 all the same."""
    rng = np.random.default_rng(1)
    tasks = TaskTable(
        country=("DE",) * 400,
        punish_num=np.r_[np.full(398, np.nan), 5.0, 9.0],
        days_to_latest_punish=np.zeros(400),
        avg_revenue=rng.random(400),
        revenue=rng.random(400),
        days_to_start=rng.random(400),
        baseline_st_min=rng.random(400),
    )
    rows = study(task_parts(tasks, parse_weights("risk=.5,profitability=.3"), Recipe.CAREFUL)).influences
    assert sum(row.variance_share or 0.0 for row in rows) == pytest.approx(1.0)
    found = {row.component: row.rank_correlation or 0.0 for row in rows}
    assert rows[0].weight == pytest.approx(0.5 / 1.1)
    assert abs(found["risk"]) < 0.2 < found["urgency"] < found["profitability"]


def test_a_column_that_works_against_its_purpose_is_named(tmp_path: Path) -> None:
    """The slow are the accurate ones here: they score higher, and the command says that this was not meant."""
    options = write_published(tmp_path)
    rows = [f"DE,300,0.5,{100 + at * 50},{0.5 + at / 40}" for at in range(12)]
    (tmp_path / "agents.csv").write_text("\n".join([AGENT_HEAD, *rows, ""]))
    done = run_routing("scores", *options)
    assert "Against its purpose: the score moves with handling_time" in done.out
    assert "By weight: accuracy 0.60, efficiency 0.40." in done.out
    assert "moves with accuracy" not in done.out


def test_columns_are_compared_where_both_are_known() -> None:
    """Gaps are left out pair by pair; columns that are never known together have no correlation."""
    agents = AgentTable(
        markets=(("DE",),) * 4,
        productivity=np.array([1.0, 2.0, 3.0, math.nan]),
        utilisation=np.array([0.9, 0.5, 0.1, 0.9]),
        handling_time=np.array([math.nan, math.nan, math.nan, 5.0]),
        accuracy=np.array([0.1, 0.3, 0.2, math.nan]),
    )
    square = study(agent_parts(agents, DEFAULT, Recipe.CAREFUL)).between_columns
    assert square[1][2] == square[2][1] == pytest.approx(-1.0)  # productivity and utilisation
    assert square[0][1] == pytest.approx(0.5)  # accuracy and productivity
    assert square[1][3] is None  # productivity and handling time


def test_a_distribution_tells_what_is_known_and_what_is_missing() -> None:
    """Gaps are counted, not averaged; a column of gaps has no figures; no spread has no skewness."""
    seen = describe("x", "column", np.array([1.0, math.nan, 3.0, 8.0]))
    assert (seen.count, seen.missing, seen.mean, seen.minimum, seen.maximum) == (3, 1, 4.0, 1.0, 8.0)
    assert seen.quantiles is not None
    assert seen.quantiles[2] == 3.0
    assert seen.skewness == pytest.approx(0.4703, abs=1e-4)
    assert describe("x", "column", np.full(2, math.nan)).mean is None
    assert describe("x", "column", np.ones(2)).skewness is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("risk", "weights are written name=number"),
        ("luck=1", "no weight is called 'luck'"),
        ("risk=much", "the weight of risk is not a number: 'much'"),
        ("risk=-1", "weight of risk must be a finite number of at least 0, not -1.0"),
        ("risk=nan", "weight of risk must be a finite number"),
        ("risk=1,risk=2", "the weight of risk is given twice"),
        ("risk=0,profitability=0,urgency=0,complexity=0", "the task score: at least one weight must be above 0"),
        ("accuracy=0,efficiency=0", "the agent score: at least one weight must be above 0"),
        ("avg_revenue=0,revenue=0", "profitability: at least one weight must be above 0"),
    ],
)  # fmt: skip
def test_weights_that_make_no_sense_are_refused(text: str, complaint: str, tmp_path: Path) -> None:
    """In the library by InvalidParams, at the command by one line and exit code 2."""
    with pytest.raises(InvalidParams):
        parse_weights(text)
    assert complaint in refused("scores", *write_published(tmp_path), f"--weights={text}")


def test_a_weight_on_a_column_that_is_not_there_alone_is_refused(tmp_path: Path) -> None:
    """Risk made of the model's risk only needs the column model_risk."""
    said = refused("scores", *write_published(tmp_path), "--weights=punish_num=0,days_to_latest_punish=0")
    assert "risk: no column that the file has, has a weight above 0" in said


def test_unnamed_weights_keep_their_defaults() -> None:
    """Spaces are allowed, nothing at all is allowed, and names reach columns as well as components."""
    assert parse_weights("") == DEFAULT
    assert parse_weights(" risk = .5 , handling_time=0 ") == ScoreWeights(risk=0.5, handling_time=0.0)


def test_the_command_reports_as_json(tmp_path: Path) -> None:
    """Weights, recipe, distributions, correlations and influences, for tasks and for agents."""
    done = run_routing("scores", *write_published(tmp_path), "--weights=risk=.7", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert (answer["recipe"], answer["weights"]["risk"]) == ("careful", 0.7)
    assert [row["component"] for row in answer["tasks"]["influences"]] == [
        "risk", "profitability", "urgency", "complexity",
    ]  # fmt: skip
    missing = {row["name"]: (row["missing"], row["gaps_get"]) for row in answer["agents"]["distributions"]}
    assert missing["handling_time"][0] > 0
    assert missing["handling_time"][1] == "median"
    assert [row[place] for place, row in enumerate(answer["tasks"]["correlations"])] == pytest.approx(
        [1.0] * 4
    )


def test_the_command_writes_a_page_with_its_charts(tmp_path: Path) -> None:
    """The page shows every chart that is there, and says both recipes' influences; the tables are printed, too."""
    folder = tmp_path / "new" / "report"
    done = run_routing("scores", *write_published(tmp_path), "--as-published", f"--report={folder}")
    assert done.code == 0, done.err
    assert "tasks: weight and influence" in done.out
    page = (folder / "report.md").read_text()
    charts = {path.name for path in folder.glob("*.png")}
    assert charts == {
        "tasks-distributions.png",
        "agents-distributions.png",
        "correlations.png",
        "columns.png",
        "influence.png",
    }
    assert all(f"({name})" in page and is_png(folder / name) for name in charts)
    assert "A weight is not an influence" in page
    assert "The same weights, careful recipe:" in page
    assert "counts as the fastest" in page


def test_a_report_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file stands where the folder should be: one line, exit code 2."""
    options = write_published(tmp_path)
    assert "cannot write a report into" in refused("scores", *options, f"--report={tmp_path / 'tasks.csv'}")


def test_a_column_of_gaps_is_told(tmp_path: Path) -> None:
    """Nothing known about accuracy: every agent gets the prior, it has no influence, and nothing fails."""
    options = write_published(tmp_path)
    (tmp_path / "agents.csv").write_text(f"{AGENT_HEAD}\nDE,300,0.5,9,\nFR,200,0.6,8,\n")
    done = run_routing("scores", *options, "--json")
    assert done.code == 0, done.err
    draw_histograms(tmp_path / "gaps.png", "Gaps", [("accuracy", np.full(2, math.nan), "red")], 1)
    assert is_png(tmp_path / "gaps.png")
    (accuracy, _) = json.loads(done.out)["agents"]["influences"]
    assert (accuracy["rank_correlation"], accuracy["variance_share"]) == (None, 0.0)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("tasks", "country,revenue\nDE,1\n", "tasks.csv lacks the column punish_num"),
        ("tasks", f"{TASK_HEAD}\n", "tasks.csv has no rows"),
        ("tasks", f"{TASK_HEAD}\nDE,1,2,nan,4,5,6\n", "line 2: avg_revenue must be a finite number"),
        ("tasks", f"{TASK_HEAD}\nDE,1,2,-3,4,5,6\n", "line 2: avg_revenue must be a finite number of at least 0, not -3"),
        ("tasks", f"{TASK_HEAD},model_risk\nDE,1,2,3,4,5,6,7\n", "line 2: model_risk must be from 0 to 1, not 7"),
        ("agents", f"{AGENT_HEAD}\nDE,1,x,3,4\n", "line 2: utilisation is not a number: 'x'"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_in_one_line(
    name: str, text: str, complaint: str, tmp_path: Path
) -> None:
    """Exit code 2, the file, the line and what is wrong with it."""
    options = write_published(tmp_path)
    (tmp_path / f"{name}.csv").write_text(text)
    assert complaint in refused("scores", *options)


def test_gaps_of_a_models_risk_are_allowed(tmp_path: Path) -> None:
    """They get the median, like other gaps."""
    (tmp_path / "tasks.csv").write_text(
        f"{TASK_HEAD},model_risk\nDE,1,2,3,4,5,6,0.2\nFR,1,2,3,4,5,6,\nUS,1,2,3,4,5,6,0.4\n"
    )
    column = task_parts(read_tasks(tmp_path / "tasks.csv"), DEFAULT, Recipe.CAREFUL).columns["model_risk"]
    assert column.filled == pytest.approx([0.2, 0.3, 0.4])
