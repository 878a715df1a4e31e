"""The plain JSON form of tasks and agents."""

import json
from pathlib import Path
from typing import Any

import pytest

from routing import InvalidTable
from routing.plain_files import read_plain_agents, read_plain_tasks

TASK = {
    "id": "t1",
    "score": 0.5,
    "created_at": "2025-03-03T09:00:00+01:00",
    "deadline_at": "2025-03-03T09:00:00+00:00",
}
AGENT = {"id": "a1", "score": 0.5, "capacity": 2, "load": 0}


def written(folder: Path, content: Any) -> Path:
    path = folder / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    """A task bars nobody and an agent can do anything unless the file says otherwise."""
    (task,) = read_plain_tasks(written(tmp_path, [TASK]))
    assert (task.category, task.language, task.market, task.declined_by) == (None, None, None, frozenset())
    assert (task.deadline_at - task.created_at).total_seconds() == 3600
    (agent,) = read_plain_agents(written(tmp_path, [AGENT]))
    assert agent.on
    assert agent.skill_level("network") == 1.0


def test_every_field_is_read(tmp_path: Path) -> None:
    """Lists become sets and times aware."""
    full = AGENT | {"skills": {"vpn": 0.5}, "languages": ["en"], "markets": ["DE"], "on": False}
    (agent,) = read_plain_agents(written(tmp_path, [full | {"idle_since": "2025-03-03T09:00:00+00:00"}]))
    assert agent.skills == {"vpn": 0.5}
    assert (agent.languages, agent.markets) == (frozenset({"en"}), frozenset({"DE"}))
    assert not agent.on
    assert agent.idle_since is not None
    said = {"declined_by": ["a1"], "requester": "a2", "handling_minutes": 5}
    (task,) = read_plain_tasks(written(tmp_path, [TASK | said]))
    assert (task.declined_by, task.requester) == (frozenset({"a1"}), "a2")
    assert task.handling_minutes == 5


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "cannot read"),
        ("[1]", "must be a JSON list of objects"),
        ([TASK | {"colour": "red"}], "entry 1: unknown field colour"),
        ([{"id": "t1"}], "entry 1: created_at, deadline_at, score is missing"),
        ([TASK, TASK | {"score": 2}], "entry 2: task t1: score must be a number from 0 to 1, not 2"),
        (
            '[{"id": "t", "score": NaN, "created_at": "2025-03-03T09:00:00Z", "deadline_at": "2025-03-03T09:00:00Z"}]',
            "nan",
        ),
        ([TASK | {"created_at": "2025-03-03T09:00:00"}], "needs an offset"),
        ([TASK | {"created_at": 5}], "created_at must be a datetime with a time zone"),
        ([TASK | {"declined_by": "a1"}], "declined_by must be a list of texts"),
        ([TASK | {"category": 7}], "category must be a text"),
        ([TASK | {"requester": ["a1"]}], "requester must be a text"),
        ([TASK | {"id": 7}], "id must be a text"),
    ],
)
def test_a_task_that_is_wrong_is_refused_with_its_entry(content: Any, complaint: str, tmp_path: Path) -> None:
    """One line says which entry and what is wrong."""
    with pytest.raises(InvalidTable) as caught:
        read_plain_tasks(written(tmp_path, content))
    assert complaint in str(caught.value)
    assert "file.json" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("skills", ["vpn"], "skills must be an object"),
        ("skills", {"vpn": "much"}, "skill level for vpn"),
        ("on", "yes", "on must be true or false"),
        ("load", -1, "load must be a whole number"),
    ],
)
def test_an_agent_that_is_wrong_is_refused(field: str, value: Any, complaint: str, tmp_path: Path) -> None:
    """Wrong types are refused as well as wrong values."""
    with pytest.raises(InvalidTable) as caught:
        read_plain_agents(written(tmp_path, [AGENT | {field: value}]))
    assert complaint in str(caught.value)
