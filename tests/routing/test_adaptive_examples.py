"""The adaptive policy as a lead of a help desk would expect it, one case at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing import (
    AdaptiveParams,
    Hold,
    Matching,
    MatchParams,
    Policy,
    WaitReason,
    explain,
    match,
    working_week,
)

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)  # a Monday


def play(tasks: list[Any], agents: list[Any], alike: Any = None, **values: Any) -> Matching:
    params = MatchParams(policy=Policy.ADAPTIVE, adaptive=AdaptiveParams(**values))
    return match(tasks, agents, NOW, params, alike)


def pairs(matching: Matching) -> dict[str, str]:
    return {a.task_id: a.agent_id for a in matching.assignments}


def free_in(*minutes: float) -> dict[str, Any]:
    return {
        "capacity": len(minutes),
        "load": len(minutes),
        "free_at": tuple(NOW + timedelta(minutes=m) for m in minutes),
    }


@pytest.mark.parametrize(
    ("lacking", "reason", "gives_way_at", "words"),
    [
        ({"markets": frozenset({"US"})}, WaitReason.NO_MARKET, 25, "no market near DE"),
        ({"score": 0.0}, WaitReason.NO_SCORE, 25, "not the score the task asks for"),
        ({"hours": working_week("UTC", 0, 9 * 60 + 20)}, WaitReason.SHIFT_ENDS, 25, "before the shift ends"),
        ({"languages": frozenset({"en"})}, WaitReason.NO_LANGUAGE, 50, "does not speak nl"),
        ({"skills": {"printing": 1.0}}, WaitReason.NO_SKILL, 75, "no skill for network"),
    ],
)
def test_each_filter_gives_way_at_its_rung_and_says_so(
    lacking: Any, reason: WaitReason, gives_way_at: int, words: str, task: Any, agent: Any
) -> None:
    """Beside somebody able who is full, a task waits for them until its rung; then the explanation names the rung."""
    able = {"skills": {"network": 1.0}, "languages": frozenset({"nl"}), "markets": frozenset({"DE"})}
    agents = [agent("able", capacity=1, load=1, **able), agent("other", **(able | lacking))]
    needs = {"category": "network", "language": "nl", "market": "DE", "allowed": 100}
    early = play([task(waited=gives_way_at - 1, **needs)], agents, market_minutes=60)
    assert [waiting.reason for waiting in early.waiting] == [reason]
    (given,) = play([task(waited=gives_way_at, **needs)], agents, market_minutes=60).assignments
    assert given.agent_id == "other"
    assert words in explain(given)
    assert f"on rung {gives_way_at // 25} of 3, {gives_way_at}% of its time being gone" in explain(given)


def test_the_market_gives_way_after_half_a_minute(task: Any, agent: Any) -> None:
    """Whatever the deadline: the explanation tells the time."""
    agents = [
        agent("able", capacity=1, load=1, markets=frozenset({"DE"})),
        agent("other", markets=frozenset({"US"})),
    ]
    assert pairs(play([task(waited=0.4, market="DE")], agents)) == {}
    (given,) = play([task(waited=0.5, market="DE")], agents).assignments
    assert "no market near DE, but after 0.5 min that is no bar" in explain(given)


def test_a_task_that_was_turned_down_insists_less_and_waits_for_nobody(task: Any, agent: Any) -> None:
    """It has lost time enough: the market and the score give way at once, and it is not held."""
    agents = [
        agent("unwilling"),
        agent("good", score=0.6, **free_in(1.0)),
        agent("poor", score=0.1, markets=frozenset({"US"})),
    ]
    turned_down = task(score=0.6, market="DE", declined_by=frozenset({"unwilling"}))
    (given,) = play([turned_down], agents).assignments
    assert given.agent_id == "poor"
    assert explain(given).count("it has been turned down") == 2
    elsewhere = task(score=0.6, market="DE", declined_by=frozenset({"somebody of another desk"}))
    assert pairs(play([elsewhere], agents)) == {"t1": "unwilling"}


def test_a_requesters_own_task_insists_and_waits_like_any_other(task: Any, agent: Any) -> None:
    """Nobody turned it down: it is held for somebody who fits, and the market still counts."""
    agents = [agent("self"), agent("good", score=0.6, **free_in(1.0)), agent("poor", score=0.1)]
    matching = play([task(score=0.6, requester="self")], agents)
    (waiting,) = matching.waiting
    assert (waiting.reason, waiting.hold and waiting.hold.agent_id) == (WaitReason.HOLD, "good")
    near, far = (
        agent("near", capacity=1, load=1, markets=frozenset({"DE"})),
        agent("far", markets=frozenset({"US"})),
    )
    (waiting,) = play([task(market="DE", requester="self")], [agent("self"), near, far]).waiting
    assert waiting.reason is WaitReason.NO_MARKET


def test_a_filter_nobody_passes_bars_nobody_at_once(task: Any, agent: Any) -> None:
    """Waiting for a market, a score or a language that nobody at work has would be in vain."""
    (given,) = play(
        [task(score=1.0, market="DE", language="nl")],
        [agent(score=0.1, markets=frozenset({"US"}), languages=frozenset({"en"}))],
    ).assignments
    assert explain(given).count("nobody who could take it") == 3


def test_nobody_is_given_work_outside_of_their_hours(task: Any, agent: Any) -> None:
    """At 9:00 in Utrecht nobody in New York is at work; who is on but closed counts as away."""
    away = agent("away", hours=working_week("America/New_York"))
    (waiting,) = play([task()], [away]).waiting
    assert waiting.reason is WaitReason.NOBODY_ON
    assert pairs(play([task()], [away, agent("here", load=4)])) == {"t1": "here"}


def test_a_task_waits_for_a_much_better_agent_who_is_free_soon(task: Any, agent: Any) -> None:
    """The wait names who and until when; without the switch the task goes to whoever is free."""
    poor = agent("poor", score=0.3, markets=frozenset({"AT"}))
    good = agent("good", score=0.6, markets=frozenset({"DE"}), **free_in(1.0))
    tasks, alike = [task(score=0.6, market="DE")], {("AT", "DE"): 0.6}
    (waiting,) = play(tasks, [poor, good], alike).waiting
    assert waiting.reason is WaitReason.HOLD
    assert waiting.hold == Hold("good", NOW + timedelta(minutes=1))
    assert "waits for good, who should be free in 1.0 min" in waiting.detail
    assert pairs(play(tasks, [poor, good], alike, hold=False)) == {"t1": "poor"}


def test_nobody_waits_long_or_for_little(task: Any, agent: Any) -> None:
    """Not beyond four minutes, not for somebody hardly better, not past half of the time left, not beyond a shift's end."""
    poor = agent("poor", score=0.3, capacity=1)
    hour, minute = task(score=0.6), task(score=0.6, allowed=1.5)
    assert pairs(play([hour], [poor, agent("good", score=0.6, **free_in(5.0))])) == {"t1": "poor"}
    assert pairs(play([hour], [poor, agent("good", score=0.35, **free_in(1.0))])) == {"t1": "poor"}
    assert pairs(play([minute], [poor, agent("good", score=0.6, **free_in(1.0))])) == {"t1": "poor"}
    leaves = agent("good", score=0.6, hours=working_week("UTC", 0, 9 * 60 + 1), **free_in(1.0))
    assert pairs(play([hour], [poor, leaves])) == {"t1": "poor"}


def test_a_place_that_should_be_free_already_is_not_waited_for(task: Any, agent: Any) -> None:
    """Nobody knows when an overdue task ends, so waiting for it could last for ever."""
    agents = [agent("poor", score=0.3), agent("good", score=0.6, **free_in(-1.0))]
    assert pairs(play([task(score=0.6)], agents)) == {"t1": "poor"}


def test_a_hold_is_no_queue_of_ones_own(task: Any, agent: Any) -> None:
    """Of two tasks that would wait for the same place one waits, the other is given out."""
    agents = [agent("poor", score=0.3), agent("good", score=0.6, **free_in(0.5))]
    matching = play([task("t1", score=0.6), task("t2", score=0.6)], agents)
    assert [waiting.reason for waiting in matching.waiting] == [WaitReason.HOLD]
    assert len(matching.assignments) == 1


def test_every_place_about_to_be_free_can_be_waited_for(task: Any, agent: Any) -> None:
    """Two tasks in hand that end soon are two places; each has its own moment."""
    matching = play([task("t1"), task("t2"), task("t3")], [agent(**free_in(1.0, 2.0))])
    holds = [waiting.hold.until for waiting in matching.waiting if waiting.hold]
    assert holds == [NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)]
    assert [waiting.reason for waiting in matching.waiting] == [
        WaitReason.HOLD,
        WaitReason.HOLD,
        WaitReason.EVERYBODY_FULL,
    ]


def test_fairness_gives_work_to_who_had_less(task: Any, agent: Any) -> None:
    """Who was busy all day comes after who was not, unless fairness is switched off."""
    agents = [agent("a", busy_share=0.9, score=0.51), agent("b", busy_share=0.2)]
    assert pairs(play([task(score=0.55)], agents)) == {"t1": "b"}
    assert pairs(play([task(score=0.55)], agents, fairness=0)) == {"t1": "a"}


def test_a_task_returns_to_who_had_it(task: Any, agent: Any) -> None:
    """The one before is preferred while at work, and no more than that."""
    known, other = agent("known", load=1, busy_share=0.5), agent("other")
    assert pairs(play([task(previous_agent="known")], [known, other])) == {"t1": "known"}
    assert pairs(play([task(previous_agent="known")], [known, other], sticky=0)) == {"t1": "other"}
    off = agent("known", on=False)
    assert pairs(play([task(previous_agent="known")], [off, other])) == {"t1": "other"}
    assert pairs(play([task(previous_agent="left")], [other])) == {"t1": "other"}


def test_an_agent_below_the_task_costs_more_than_one_above(task: Any, agent: Any) -> None:
    """The same distance down is the dearer one; the surplus is told as covering."""
    agents = [agent("below", score=0.3), agent("above", score=0.7)]
    (given,) = play([task(score=0.5)], agents).assignments
    assert given.agent_id == "above"
    assert "covers" in explain(given)
    assert given.runner_up is not None
    assert given.runner_up.difference == pytest.approx(0.3 * (0.2 - 0.04) / 0.25)


def test_quick_agents_are_preferred_by_the_work_it_takes_them(task: Any, agent: Any) -> None:
    """Half the pace is half the cost of work; an unknown length counts as typical."""
    agents = [agent("quick", pace=0.5), agent("slow")]
    (given,) = play([task(handling_minutes=60.0)], agents).assignments
    assert given.agent_id == "quick"
    assert given.runner_up is not None
    assert given.runner_up.difference == pytest.approx(0.8)
    (unknown,) = play([task()], [agent()]).assignments
    assert "unknown length, taken as 30 min" in explain(unknown)


def test_all_weights_at_zero_still_match(task: Any, agent: Any) -> None:
    """Without any preference the tie rule decides: the least busy agent, then the smaller id."""
    numbers = ("gap", "similarity", "work", "skill", "in_hand", "overflow", "fairness", "sticky")
    zero: dict[str, Any] = dict.fromkeys(
        [*numbers, "age", "late", "priority", "hold_price", "hold_late"], 0.0
    )
    (given,) = play([task()], [agent("a3"), agent("a2"), agent("a1", load=1)], **zero).assignments
    assert (given.agent_id, given.cost) == ("a2", 0.0)


def test_a_task_created_past_its_deadline_is_never_held(task: Any, agent: Any) -> None:
    """No time at all was allowed: it goes out at once to whoever is free, on the highest rung."""
    agents = [agent("poor", score=0.1), agent("good", score=0.6, **free_in(0.1))]
    assert pairs(play([task(allowed=0.0, score=0.6)], agents)) == {"t1": "poor"}


def test_of_two_without_any_time_one_goes_out_and_the_other_waits(task: Any, agent: Any) -> None:
    """With one place free and another about to be: neither can be held, so the second waits for nobody in particular."""
    tasks = [task(name, allowed=0.0) for name in ("t1", "t2")]
    matching = play(tasks, [agent("free", capacity=1), agent("soon", **free_in(1.0))])
    assert pairs(matching) == {"t1": "free"}
    assert [(entry.task_id, entry.hold) for entry in matching.waiting] == [("t2", None)]
