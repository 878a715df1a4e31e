"""Routing: waiting work and free people in, assignments with reasons out. Pure library; knows neither Slack nor a database."""

from routing.adaptive.ranking import Candidate, rank
from routing.adaptive.roster import Roster
from routing.errors import InvalidAgent, InvalidParams, InvalidTable, InvalidTask, RoutingError
from routing.hours import WeeklyHours, Window, working_week
from routing.matching import match
from routing.model import (
    Agent,
    Assignment,
    Hold,
    Matching,
    RunnerUp,
    Similarity,
    Task,
    Term,
    Waiting,
    WaitReason,
)
from routing.params import AdaptiveParams, MatchParams, Policy
from routing.scores import (
    AgentComponents,
    AgentWeights,
    TaskComponents,
    TaskWeights,
    agent_score,
    task_score,
)
from routing.wording import explain

__all__ = [
    "AdaptiveParams",
    "Agent",
    "AgentComponents",
    "AgentWeights",
    "Assignment",
    "Candidate",
    "Hold",
    "InvalidAgent",
    "InvalidParams",
    "InvalidTable",
    "InvalidTask",
    "MatchParams",
    "Matching",
    "Policy",
    "Roster",
    "RoutingError",
    "RunnerUp",
    "Similarity",
    "Task",
    "TaskComponents",
    "TaskWeights",
    "Term",
    "WaitReason",
    "Waiting",
    "WeeklyHours",
    "Window",
    "agent_score",
    "explain",
    "match",
    "rank",
    "task_score",
    "working_week",
]
