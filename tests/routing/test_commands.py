"""The commands as somebody types them."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from routing import Policy
from routing.__main__ import main

CSV = {
    "tasks.csv": "country,punish_num,days_to_latest_punish,avg_revenue,revenue,days_to_start,baseline_st_min\n"
    "DE,,0,10,,3,1\nUS,2,5,20,30,1,2\nFR,1,9,0,1,4,1.5\n",
    "agents.csv": "markets,productivity,utilisation,handling_time,accuracy\nDE,100,0.5,999,0.9\nFR|US,,,9,\n",
    "similarity.csv": "country_a,country_b,similarity\nDE,DE,1\nFR,FR,1\nUS,US,1\nDE,FR,0.6\n",
}
TASKS = [
    {
        "id": "t1",
        "score": 0.5,
        "category": "network",
        "created_at": "2025-03-03T08:50:00+00:00",
        "deadline_at": "2025-03-03T09:50:00+00:00",
        "declined_by": ["a1"],
    }
]
AGENTS: list[dict[str, Any]] = [
    {"id": "a1", "score": 0.9, "capacity": 2, "load": 0},
    {"id": "a2", "score": 0.4, "capacity": 2, "load": 1, "skills": {"network": 0.7}, "languages": ["en"]},
]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, as `python -m routing` would."""

    def run_here(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["routing", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        left = capsys.readouterr()
        return Done(int(stopped.value.code or 0), left.out, left.err)

    return run_here


def test_the_module_is_a_command() -> None:
    """`python -m routing --help` lists the commands."""
    command = [sys.executable, "-m", "routing", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "match" in done.stdout


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a small example of both forms."""
    for name, text in CSV.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "tasks.json").write_text(json.dumps(TASKS))
    (tmp_path / "agents.json").write_text(json.dumps(AGENTS))
    return tmp_path


def options(files: Path, suffix: str) -> list[str]:
    named = [f"--{name}={files / f'{name}.{suffix}'}" for name in ("tasks", "agents")]
    return ["match", *named, *([f"--similarity={files / 'similarity.csv'}"] if suffix == "csv" else [])]


def test_plain_files_are_matched_at_a_given_moment(files: Path, run: Run) -> None:
    """The JSON answer has the assignment, its terms and its cost."""
    done = run(*options(files, "json"), "--now=2025-03-03T09:00:00+00:00", "--json")
    assert done.code == 0, done.err
    (given,) = json.loads(done.out)["assignments"]
    assert (given["task_id"], given["agent_id"]) == ("t1", "a2")
    assert sum(term["value"] for term in given["terms"]) == pytest.approx(given["cost"], abs=1e-9)
    assert "waiting 10 min, due in 50 min" in [term["meaning"] for term in given["terms"]]


def test_published_files_are_matched_tier_by_tier(files: Path, run: Run) -> None:
    """The JSON answer has three tiers, the merged row and random dealing; nothing falls out."""
    done = run(*options(files, "csv"), "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert [tier["tier"] for tier in answer["tiers"]] == ["good", "medium", "bad"]
    assert sum(tier["tasks"] for tier in answer["tiers"]) == 3
    assert 0.0 <= answer["merged"]["similarity"] <= 1.0
    assert not answer["score_0_left_out"]


def test_tables_are_for_people(files: Path, run: Run) -> None:
    """Without --json both forms print a table that names what it shows."""
    plain, published = (
        run(*options(files, "json")),
        run(*options(files, "csv"), "--reproduce", "--policy=hungarian"),
    )
    assert "Assigned" in plain.out
    assert "merged" in published.out
    assert "left out, as published" in published.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--tasks=none.csv", "--agents=none.csv", "--similarity=none.csv"],
            "cannot read none.csv: No such file",
        ),
        (["--tasks=none.csv", "--agents=none.csv"], "--similarity is needed"),
        (["--tasks=none.json", "--agents=none.csv"], "must both be .json, or both CSV"),
        (["--tasks=none.json", "--agents=none.json", "--reproduce"], "--reproduce is for"),
        (["--tasks=none.csv", "--agents=none.csv", "--now=2025-03-03T09:00:00+00:00"], "--now is for"),
        (
            ["--tasks=none.json", "--agents=none.json", "--now=yesterday"],
            "not a time (ISO 8601): 'yesterday'",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: list[str], complaint: str, run: Run) -> None:
    """Exit code 2, nothing on standard output, one line on standard error."""
    done = run("match", *arguments)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err
    assert done.err.count("\n") == 1


def test_a_simulated_day_is_reported_with_its_scenario(run: Run) -> None:
    """The JSON answer has what was assumed and what came of it; without --json there is a table."""
    arguments = ["simulate", "--agents=3", "--offices=1", "--hours=2", "--policy=longest_idle", "--seed=4"]
    answer = json.loads(run(*arguments, "--json").out)
    assert (answer["scenario"]["agents"], answer["day"]["policy"], answer["day"]["seed"]) == (
        3,
        "longest_idle",
        4,
    )
    assert "p95 first response" in run(*arguments).out


def test_a_comparison_has_a_row_for_each_policy_and_interval(run: Run) -> None:
    """Policies and re-rank intervals can be repeated; every policy is taken when none is named."""
    arguments = ["compare", "--agents=3", "--offices=1", "--hours=1", "--seeds=2"]
    every = json.loads(run(*arguments, "--json").out)["rows"]
    assert {row["policy"] for row in every} == set(Policy)
    some = ["--policy=random", "--policy=hungarian", "--rerank-s=0", "--rerank-s=60"]
    rows = json.loads(run(*arguments, *some, "--json").out)["rows"]
    assert [(row["policy"], row["rerank_s"]) for row in rows[:2]] == [("random", 0.0), ("random", 60.0)]
    assert len(rows) == 4
    assert "Difference from" in run(*arguments, *some).out


def test_a_comparison_can_be_a_page_with_its_chart(run: Run, tmp_path: Path) -> None:
    """Each interval has its own column and its word; how often the policy was asked falls with the interval."""
    arguments = ["compare", "--agents=6", "--offices=1", "--hours=1", "--seeds=2", "--policy=adaptive"]
    rows = json.loads(
        run(*arguments, "--rerank-s=0", "--rerank-s=600", f"--report={tmp_path / 'page'}", "--json").out
    )["rows"]
    often, seldom = (row["metrics"] for row in rows)
    assert often["matchings"]["mean"] > 3 * seldom["matchings"]["mean"] > 0
    assert often["mean_first_response"]["mean"] < seldom["mean_first_response"]["mean"]
    page = (tmp_path / "page" / "report.md").read_text(encoding="utf-8")
    assert "adaptive, on demand" in page
    assert "| adaptive, every 10 min |" in page
    assert (tmp_path / "page" / "policies.png").read_bytes().startswith(b"\x89PNG")


def test_a_reason_of_adaptive_can_be_switched_off(run: Run) -> None:
    """Without holds nobody waits for somebody better, so the first response comes sooner."""
    arguments = ["compare", "--agents=12", "--hours=2", "--seeds=2", "--policy=adaptive", "--json"]
    waits = [
        json.loads(run(*arguments, *without).out)["rows"][0]["metrics"]["mean_first_response"]["mean"]
        for without in ((), ("--without=hold",))
    ]
    assert waits[1] < waits[0]
    assert run(*arguments, "--without=fairness").out != run(*arguments).out


def test_an_experiment_is_planned_from_either_side(run: Run) -> None:
    """The power gives the arms; the arms give the power."""
    means = ["design", "means", "--difference=0.5", "--sd=1"]
    assert json.loads(run(*means, "--json").out)["per_arm"] == 64
    assert json.loads(run(*means, "--per-arm=64", "--json").out)["power"] == pytest.approx(0.8015, abs=1e-4)
    proportions = ["design", "proportions", "--before=.1", "--after=.05"]
    assert json.loads(run(*proportions, "--json").out)["per_arm"] == 435
    assert "if the observations are independent" in run(*proportions, "--per-arm=100").out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["simulate", "--load=nan"], "load must be a finite number above 0"),
        (["simulate", "--rerank-s=0.1"], "rerank_s must be 0"),
        (["compare", "--hours=-1"], "hours must be a finite number above 0"),
        (["design", "means", "--difference=0", "--sd=1"], "difference must be a finite number above 0"),
        (["design", "proportions", "--before=.1", "--after=.1"], "there is no difference to find"),
    ],
)
def test_impossible_numbers_are_said_in_one_line(arguments: list[str], complaint: str, run: Run) -> None:
    """Exit code 2 and one line on standard error."""
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err
    assert done.err.count("\n") == 1
