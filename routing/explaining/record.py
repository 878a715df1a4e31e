"""A decision as plain JSON: everything that went in, under which rules, and what came out; and the same decision again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from routing.adaptive.roster import Roster
from routing.checks import refuse_naive
from routing.errors import InvalidParams, InvalidTable
from routing.matching import match
from routing.model import Agent, Matching, Similarity, Task
from routing.params import MatchParams
from routing.plain import (
    parse_time,
    plain_similarity,
    read_agent,
    read_params,
    read_similarity,
    read_task,
    to_plain,
)

RULES = 1
"""Goes up whenever the same input may be matched or priced differently: a record of other rules is not replayed."""


def decision_record(
    tasks: Iterable[Task],
    agents: Iterable[Agent] | Roster,
    now: datetime,
    params: MatchParams,
    similarity: Similarity | None,
    outcome: Matching,
) -> dict[str, Any]:
    """What `json.dumps` can write of a matching. Raises InvalidParams for a time without a zone."""
    refuse_naive(InvalidParams, "now", now)
    roster = agents if isinstance(agents, Roster) else Roster(agents, similarity)
    return {
        "rules": RULES,
        "now": now.isoformat(),
        "params": to_plain(params),
        "tasks": [to_plain(task) for task in tasks],
        "agents": [to_plain(agent) for agent in roster.agents],
        "similarity": plain_similarity(roster.similarity),
        "outcome": to_plain(outcome),
    }


def replay(record: Mapping[str, Any]) -> Matching:
    """Match what the record holds once more: the same answer, reasons and costs included.

    Raises InvalidTable for what is no record, or one of other rules.
    """
    missing = {"rules", "now", "params", "tasks", "agents", "similarity"} - record.keys()
    if missing:
        raise InvalidTable(f"this is no decision record: {', '.join(sorted(missing))} is missing")
    if record["rules"] != RULES:
        raise InvalidTable(f"the record was made by rules {record['rules']!r}, these are rules {RULES}")
    return match(
        [read_task(entry) for entry in record["tasks"]],
        [read_agent(entry) for entry in record["agents"]],
        parse_time(record["now"]),
        read_params(record["params"]),
        read_similarity(record["similarity"]),
    )
