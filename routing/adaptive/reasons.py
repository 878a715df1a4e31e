"""Why this agent, and why nobody: the terms of a pair and the first filter that left nobody."""

import math
from collections.abc import Callable, Iterable

import numpy as np

from routing.adaptive import words
from routing.adaptive.filters import Filter
from routing.adaptive.moment import Moment
from routing.adaptive.roster import Flags
from routing.model import Hold, Term, Waiting, WaitReason
from routing.wording import people, say_full, say_nobody_left

_REASON = {
    Filter.SKILL: WaitReason.NO_SKILL,
    Filter.LANGUAGE: WaitReason.NO_LANGUAGE,
    Filter.MARKET: WaitReason.NO_MARKET,
    Filter.SCORE: WaitReason.NO_SCORE,
    Filter.SHIFT: WaitReason.SHIFT_ENDS,
}


def total(terms: Iterable[Term]) -> float:
    """The cost that the terms add up to."""
    return math.fsum(term.value for term in terms)


def pair_terms(moment: Moment, row: int, column: int, in_hand: int) -> tuple[Term, ...]:
    """The reasons behind one pair's cost; those that add nothing and say nothing are left out."""
    agent = moment.roster.agents[column]
    terms = []
    for name, value in moment.prices.terms(row, column).items():
        if value or name in _ALWAYS_SAID:
            meaning = _MEANING[name](moment, row, column)
            if value or meaning:
                terms.append(Term(name, value, meaning))
        if name == "work":
            share = moment.params.in_hand * in_hand / max(1, agent.capacity)
            terms.append(Term("in_hand", share, words.say_in_hand(agent, in_hand)))
    return tuple(terms)


def say_hold(moment: Moment, row: int, at: int) -> Waiting:
    """The task waits for somebody who is about to be free: who, and until when."""
    agent = moment.roster.agents[int(moment.slots.owner[at])]
    in_hand = int(moment.slots.in_hand[at])
    until = sorted(agent.free_at)[agent.load - in_hand - 1]
    detail = words.say_hold(agent.id, float(moment.slots.minutes[at]), bool(moment.open[row].any()))
    return Waiting(moment.line.tasks[row].id, WaitReason.HOLD, detail, Hold(agent.id, until))


class Obstacles:
    """For every waiting task the first filter that leaves nobody; past all of them it was outbid."""

    def __init__(self, moment: Moment) -> None:
        pairs, has_room = moment.pairs, moment.free > 0
        self._moment = moment
        self._n_on = int(pairs.at_work.sum())
        so_far = pairs.base
        self._stages: list[tuple[Filter | None, list[int], list[int]]] = [
            (None, _by_row(so_far), _by_row(so_far[:, has_room]))
        ]
        for name in Filter:
            so_far = so_far & moment.may_pass(name)
            self._stages.append((name, _by_row(so_far), _by_row(so_far[:, has_room])))

    def of(self, row: int) -> Waiting:
        """Why the task in this row was given to nobody."""
        task = self._moment.line.tasks[row]
        reason, detail = self._first(row)
        return Waiting(task.id, reason, detail)

    def _first(self, row: int) -> tuple[WaitReason, str]:
        n_on = self._n_on
        if n_on == 0:
            return WaitReason.NOBODY_ON, f"none of {people(len(self._moment.roster.agents))} is at work"
        task = self._moment.line.tasks[row]
        n_declined = sum(map(self._is_at_work, task.declined_by))
        wrote_it = task.requester not in task.declined_by and self._is_at_work(task.requester)
        if n_declined + wrote_it == n_on:
            return say_nobody_left(n_declined, wrote_it)
        for name, able, able_and_free in self._stages:
            if able_and_free[row] == 0:
                if name is None:
                    n_asked = n_on - n_declined - wrote_it
                    return WaitReason.EVERYBODY_FULL, say_full(n_asked, n_declined, wrote_it)
                return _REASON[name], words.say_obstacle(task, name, able[row])
        return WaitReason.OUTBID, words.say_outbid(self._stages[-1][2][row])

    def _is_at_work(self, agent_id: str | None) -> bool:
        column = None if agent_id is None else self._moment.roster.column_of.get(agent_id)
        return column is not None and bool(self._moment.pairs.at_work[column])


def _by_row(flags: Flags) -> list[int]:
    counts: list[int] = np.count_nonzero(flags, axis=1).tolist()
    return counts


def _say_similarity(moment: Moment, row: int, column: int) -> str:
    task = moment.line.tasks[row]
    if task.market is None or not moment.roster.agents[column].markets:
        return ""
    return words.say_similarity(task, moment.facts.alike.value(row, column))


def _say_work(moment: Moment, row: int, column: int) -> str:
    is_known = moment.line.tasks[row].handling_minutes is not None
    return words.say_work(moment.prices.minutes(row, column), is_known)


def _say_skill(moment: Moment, row: int, column: int) -> str:
    task, level = moment.line.tasks[row], moment.facts.skill_level.value(row, column)
    if level == 0.0:
        return _say_gave_way(moment, row, Filter.SKILL)
    return (
        words.say_skill(task, level)
        if task.category is not None and moment.roster.agents[column].skills
        else ""
    )


def _say_overflow(moment: Moment, row: int, column: int) -> str:
    if not moment.pairs.broken[row, column]:
        return ""
    passes = moment.facts.passes.items()
    failed = (name for name, passing in passes if not passing[row % len(passing), column])
    return "; ".join(_say_gave_way(moment, row, name) for name in failed if name != Filter.SKILL)


def _say_gave_way(moment: Moment, row: int, name: Filter) -> str:
    nobody, rung = bool(moment.pairs.nobody[name][row]), int(moment.line.rung[row])
    turned_down = bool(moment.pairs.turned_down[row])
    return words.say_overflow(moment.line.tasks[row], name, nobody, rung, turned_down, moment.params)


def _say_waiting(moment: Moment, row: int, column: int) -> str:
    line = moment.line
    left_minutes = float(line.deadline_s[row] - line.now_s) / 60.0
    waited_minutes = max(0.0, float(line.now_s - line.deadline_s[row] + line.allowed_s[row])) / 60.0
    return words.say_waiting(waited_minutes, left_minutes)


_MEANING: dict[str, Callable[[Moment, int, int], str]] = {
    "gap": lambda moment, row, column: words.say_gap(moment.line.tasks[row], moment.roster.agents[column]),
    "similarity": _say_similarity,
    "work": _say_work,
    "skill": _say_skill,
    "fairness": lambda moment, row, column: words.say_busy(moment.roster.agents[column]),
    "overflow": _say_overflow,
    "sticky": lambda moment, row, column: "had it before",
    "waiting": _say_waiting,
}
_ALWAYS_SAID = frozenset({"gap", "similarity", "work", "skill", "waiting"})
"""Also when they add nothing: a perfect fit is a reason."""
