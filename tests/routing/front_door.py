"""The commands as somebody types them, in this process, and made-up files in the published form."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from routing.__main__ import main

TASK_HEAD = "country,punish_num,days_to_latest_punish,avg_revenue,revenue,days_to_start,baseline_st_min"
AGENT_HEAD = "markets,productivity,utilisation,handling_time,accuracy"


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


def run_routing(*arguments: str) -> Done:
    """As `python -m routing ARGUMENTS`."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    return Done(int(stopped.value.code or 0), out.getvalue(), err.getvalue())


def refused(*arguments: str) -> str:
    """The one line that a refused command says; fails unless it is one line with exit code 2 and nothing printed."""
    done = run_routing(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    return done.err


def write_published(folder: Path, n_tasks: int = 120, n_agents: int = 20, seed: int = 0) -> list[str]:
    """Write tasks.csv, agents.csv and similarity.csv with gaps and long tails; returns the options --tasks, --agents."""
    rng = np.random.default_rng(seed)
    countries = rng.choice(["DE", "FR", "US", ""], n_tasks)
    tasks = [
        f"{country},{'' if rng.random() < 0.7 else rng.integers(1, 9)},{rng.integers(0, 90)},{rng.lognormal(1, 2):.4f},"
        f"{'' if rng.random() < 0.3 else f'{rng.lognormal(2, 2):.4f}'},{rng.integers(0, 30)},{rng.gamma(3, 1):.3f}"
        for country in countries
    ]
    agents = [
        f"{'|'.join(rng.choice(['DE', 'FR', 'US'], rng.integers(1, 3), replace=False))},"
        f"{'' if rng.random() < 0.1 else f'{rng.normal(300, 50):.1f}'},{rng.random():.3f},"
        f"{0 if rng.random() < 0.1 else f'{rng.lognormal(10, 1):.0f}'},{'' if rng.random() < 0.1 else f'{rng.random():.3f}'}"
        for _ in range(n_agents)
    ]
    pairs = ["DE,DE,1", "FR,FR,1", "US,US,1", "DE,FR,0.6", "DE,US,0.2", "FR,US,0.3"]
    for name, head, rows in (
        ("tasks", TASK_HEAD, tasks),
        ("agents", AGENT_HEAD, agents),
        ("similarity", "country_a,country_b,similarity", pairs),
    ):
        (folder / f"{name}.csv").write_text("\n".join([head, *rows, ""]))
    return [f"--tasks={folder / 'tasks.csv'}", f"--agents={folder / 'agents.csv'}"]


def is_png(path: Path) -> bool:
    """Whether the file is there and is a picture of some size."""
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 5_000
