"""Routing: waiting work and free people in, assignments with reasons out. Pure library; knows neither Slack nor a database."""

from routing.errors import InvalidAgent, InvalidParams, InvalidTable, InvalidTask, RoutingError
from routing.matching import match
from routing.model import (
    Agent,
    Assignment,
    Matching,
    RunnerUp,
    Similarity,
    Task,
    Term,
    Waiting,
    WaitReason,
)
from routing.params import MatchParams, Policy
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
    "Agent",
    "AgentComponents",
    "AgentWeights",
    "Assignment",
    "InvalidAgent",
    "InvalidParams",
    "InvalidTable",
    "InvalidTask",
    "MatchParams",
    "Matching",
    "Policy",
    "RoutingError",
    "RunnerUp",
    "Similarity",
    "Task",
    "TaskComponents",
    "TaskWeights",
    "Term",
    "WaitReason",
    "Waiting",
    "agent_score",
    "explain",
    "match",
    "task_score",
]
