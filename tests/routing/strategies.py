"""Drawn tasks and agents for rules that hold whatever comes in."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from routing import Agent, Task, working_week

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
"""A Monday morning: shifts in UTC have just begun, those in Tokyo are over."""

SCORES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0.0, 1.0)
AGENT_IDS = [f"a{i}" for i in range(5)]


@st.composite
def task_lists(draw: st.DrawFn, most: int = 7) -> list[Task]:
    """Tasks of any kind at NOW, some with their deadline passed or not even created yet."""
    return [
        Task(
            id=f"t{i}",
            score=draw(SCORES),
            category=draw(st.sampled_from([None, "network", "printing"])),
            language=draw(st.sampled_from([None, "en", "nl"])),
            market=draw(st.sampled_from([None, "DE", "FR"])),
            created_at=(created := NOW - timedelta(minutes=draw(st.integers(-5, 120)))),
            deadline_at=created + timedelta(minutes=draw(st.integers(0, 120))),
            handling_minutes=draw(st.none() | st.floats(0.0, 240.0)),
            previous_agent=draw(st.none() | st.sampled_from(AGENT_IDS)),
            declined_by=draw(st.frozensets(st.sampled_from(AGENT_IDS), max_size=3)),
            requester=draw(st.none() | st.sampled_from([*AGENT_IDS, "somebody else"])),
        )
        for i in range(draw(st.integers(0, most)))
    ]


@st.composite
def agent_lists(draw: st.DrawFn) -> list[Agent]:
    """Agents of any kind, some away, full, or about to be free."""
    return [
        Agent(
            id=AGENT_IDS[i],
            score=draw(SCORES),
            capacity=draw(st.integers(0, 3)),
            load=(load := draw(st.integers(0, 4))),
            skills=draw(st.dictionaries(st.sampled_from(["network", "printing"]), SCORES, max_size=2)),
            languages=draw(st.frozensets(st.sampled_from(["en", "nl"]), max_size=2)),
            markets=draw(st.frozensets(st.sampled_from(["DE", "FR"]), max_size=2)),
            on=draw(st.sampled_from([True, True, True, False])),
            idle_since=draw(st.none() | st.just(NOW) | st.just(NOW - timedelta(hours=1))),
            hours=draw(st.sampled_from([None, None, working_week("UTC"), working_week("Asia/Tokyo")])),
            pace=draw(st.sampled_from([0.5, 1.0, 1.7])),
            busy_share=draw(SCORES),
            free_at=tuple(
                NOW + timedelta(minutes=m) for m in draw(st.lists(st.integers(-1, 6), max_size=load))
            ),
        )
        for i in range(draw(st.integers(0, 5)))
    ]
