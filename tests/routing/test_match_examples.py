"""What a lead of a help desk would expect, one case at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing import Assignment, Matching, MatchParams, Policy, RunnerUp, Term, WaitReason, explain, match

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


HUNGARIAN = MatchParams(policy=Policy.HUNGARIAN)


def pairs(matching: Matching) -> dict[str, str]:
    return {a.task_id: a.agent_id for a in matching.assignments}


def test_no_tasks_give_an_empty_matching(agent: Any) -> None:
    """Nothing to do is a defined answer."""
    assert match([], [agent()], NOW, HUNGARIAN) == Matching((), ())


@pytest.mark.parametrize("policy", list(Policy))
def test_without_agents_work_waits_for_somebody(policy: Policy, task: Any, agent: Any) -> None:
    """Nobody there, or nobody on, is a reason and not a crash."""
    for agents in ([], [agent(on=False)]):
        (waiting,) = match([task()], agents, NOW, MatchParams(policy=policy)).waiting
        assert waiting.reason is WaitReason.NOBODY_ON


def test_one_task_and_one_agent_are_matched(task: Any, agent: Any) -> None:
    """A batch of one pair works, priced as in any other batch, with nobody as runner-up."""
    (alone,) = match([task()], [agent()], NOW, HUNGARIAN).assignments
    (beside_others,) = match([task()], [agent(), agent("a2", load=4)], NOW, HUNGARIAN).assignments
    assert alone.agent_id == "a1"
    assert alone.runner_up is None
    assert alone.cost == beside_others.cost
    assert beside_others.runner_up is not None
    assert beside_others.runner_up.agent_id == "a2"
    assert beside_others.runner_up.difference == pytest.approx(0.4 * 4 / 5)


def test_the_reasons_for_waiting_name_the_first_filter_that_left_nobody(task: Any, agent: Any) -> None:
    """Declined, full, skill, language and outbid are told apart."""
    network, full = {"network": 1.0}, {"capacity": 1, "load": 1}

    def reason(agents: list[Any], **values: Any) -> WaitReason:
        (waiting,) = match([task(**values)], agents, NOW, HUNGARIAN).waiting
        return waiting.reason

    assert reason([agent(), agent("off", on=False)], declined_by=frozenset({"a1"})) is WaitReason.ALL_DECLINED
    assert reason([agent(**full)]) is WaitReason.EVERYBODY_FULL
    assert reason([agent(capacity=0)]) is WaitReason.EVERYBODY_FULL
    assert reason([agent(**full), agent("a2")], declined_by=frozenset({"a2"})) is WaitReason.EVERYBODY_FULL
    skill = [agent(**full, skills=network), agent("a2", skills={"printing": 1.0})]
    assert reason(skill, category="network") is WaitReason.NO_SKILL
    language = [agent(**full, languages=frozenset({"nl"})), agent("a2", languages=frozenset({"en"}))]
    assert reason(language, language="nl") is WaitReason.NO_LANGUAGE
    (outbid,) = match([task(), task("t2")], [agent(capacity=1)], NOW, HUNGARIAN).waiting
    assert (outbid.task_id, outbid.reason) == ("t2", WaitReason.OUTBID)


@pytest.mark.parametrize("policy", [Policy.HUNGARIAN, Policy.GREEDY_CLOCK])
def test_the_skilled_agent_is_taken_even_when_busier(policy: Policy, task: Any, agent: Any) -> None:
    """Skill filters: an idle agent without it does not beat a busy one with it."""
    agents = [agent("able", load=4, skills={"network": 0.2}), agent("other", skills={"printing": 1.0})]
    assert pairs(match([task(category="network")], agents, NOW, MatchParams(policy=policy))) == {"t1": "able"}


@pytest.mark.parametrize("policy", list(Policy))
def test_a_skill_nobody_on_has_overflows_and_says_so(policy: Policy, task: Any, agent: Any) -> None:
    """Better anybody than nobody; the assignment's terms and sentence tell it."""
    agents = [agent(skills={"printing": 1.0}), agent("away", on=False, skills={"network": 1.0})]
    (given,) = match([task(category="network")], agents, NOW, MatchParams(policy=policy)).assignments
    assert given.agent_id == "a1"
    (skill,) = [term for term in given.terms if term.name == "skill"]
    assert skill.value > 0
    assert "nobody who could take it has" in skill.meaning
    assert "no skill for network" in explain(given)


def test_a_level_of_zero_is_no_skill(task: Any, agent: Any) -> None:
    """Listing a category at level 0 says that the agent lacks it."""
    agents = [agent("none", skills={"network": 0.0}), agent("some", load=3, skills={"network": 0.1})]
    assert pairs(match([task(category="network")], agents, NOW, HUNGARIAN)) == {"t1": "some"}


def test_the_skilled_who_declined_do_not_hold_up_the_others(task: Any, agent: Any) -> None:
    """When all who have the skill declined, the task overflows instead of waiting for them."""
    agents = [agent("able", skills={"network": 1.0}), agent("other", skills={"printing": 1.0})]
    declined = task(category="network", declined_by=frozenset({"able"}))
    assert pairs(match([declined], agents, NOW, HUNGARIAN)) == {"t1": "other"}


@pytest.mark.parametrize("policy", list(Policy))
def test_the_language_is_preferred_but_nobody_waits_for_a_speaker_who_is_not_there(
    policy: Policy, task: Any, agent: Any
) -> None:
    """With a speaker on they get it; without one anybody does, and the terms tell it."""
    params = MatchParams(policy=policy)
    english, dutch = (
        agent("en", languages=frozenset({"en"})),
        agent("nl", load=3, languages=frozenset({"nl"})),
    )
    assert pairs(match([task(language="nl")], [english, dutch], NOW, params)) == {"t1": "nl"}
    (given,) = match([task(language="nl")], [english], NOW, params).assignments
    assert "does not speak nl, but nobody who could take it does" in explain(given)


@pytest.mark.parametrize(("waited", "patience_is_over"), [(0, False), (29, False), (30, True), (70, True)])
def test_a_task_stops_insisting_on_a_skill_whose_owners_are_full(
    waited: float, patience_is_over: bool, task: Any, agent: Any
) -> None:
    """From half its time on, a task goes to whoever is free, and says that it waited too long."""
    agents = [
        agent("able", capacity=1, load=1, skills={"network": 1.0}),
        agent("free", skills={"printing": 1.0}),
    ]
    matching = match([task(waited=waited, category="network")], agents, NOW, HUNGARIAN)
    assert bool(matching.assignments) is patience_is_over
    if patience_is_over:
        assert "waited too long" in explain(matching.assignments[0])


def test_ties_follow_the_written_rule(task: Any, agent: Any) -> None:
    """Equal tasks and agents pair in line order; the last in line is the one that waits."""
    agents = [agent(f"a{i}", capacity=1) for i in (3, 1, 2)]
    tasks = [task(f"t{i}") for i in (2, 4, 1, 3)]
    matching = match(tasks, agents, NOW, HUNGARIAN)
    assert pairs(matching) == {"t1": "a1", "t2": "a2", "t3": "a3"}
    assert [waiting.task_id for waiting in matching.waiting] == ["t4"]


def test_work_spreads_over_agents_before_it_piles_up(task: Any, agent: Any) -> None:
    """Two tasks and two idle agents of capacity two: one each; a loaded agent comes last."""
    tasks = [task("t1"), task("t2")]
    agents = [agent("a1", capacity=2, load=1), agent("a2", capacity=2), agent("a3", capacity=2)]
    for policy in (Policy.HUNGARIAN, Policy.GREEDY_CLOCK, Policy.LONGEST_IDLE):
        assert set(pairs(match(tasks, agents, NOW, MatchParams(policy=policy))).values()) == {"a2", "a3"}


def test_hungarian_gives_the_harder_task_to_the_better_agent(task: Any, agent: Any) -> None:
    """Also when every agent is above every task, where a linear gap would not care."""
    tasks = [task("easy", score=0.1), task("hard", score=0.5)]
    agents = [agent("good", score=0.9, capacity=1), agent("fair", score=0.6, capacity=1)]
    assert pairs(match(tasks, agents, NOW, HUNGARIAN)) == {"easy": "fair", "hard": "good"}


def test_hungarian_prefers_the_closer_market(task: Any, agent: Any) -> None:
    """Similarity is looked up in either order; without a table only the same market counts."""
    agents = [agent("near", markets=frozenset({"AT"}), load=1), agent("far", markets=frozenset({"US"}))]
    assert pairs(match([task(market="DE")], agents, NOW, HUNGARIAN, similarity={("AT", "DE"): 0.9})) == {
        "t1": "near"
    }
    assert pairs(match([task(market="DE")], agents, NOW, HUNGARIAN)) == {"t1": "far"}


def test_the_longest_waiting_task_goes_first_when_places_are_few(task: Any, agent: Any) -> None:
    """One place, two tasks alike: the one that used up more of its time gets it."""
    tasks = [task("new", allowed=60), task("old", waited=50, allowed=120)]
    assert pairs(match(tasks, [agent(capacity=1)], NOW, HUNGARIAN)) == {"old": "a1"}


def test_a_forgotten_task_does_not_drown_every_other_reason(task: Any, agent: Any) -> None:
    """Waiting counts up to ten times the time to the deadline, and no further."""
    (late,) = match([task(waited=600, allowed=60)], [agent()], NOW, HUNGARIAN).assignments
    (forgotten,) = match([task(waited=6_000_000, allowed=60)], [agent()], NOW, HUNGARIAN).assignments
    assert late.cost == forgotten.cost


def test_greedy_clock_gives_the_highest_task_to_the_highest_free_agent(task: Any, agent: Any) -> None:
    """Tasks by falling score, agents by falling score, and nobody busy while somebody is free."""
    tasks = [task("low", score=0.2), task("high", score=0.9), task("mid", score=0.5)]
    agents = [agent("best", score=0.95, load=1), agent("good", score=0.8), agent("fair", score=0.4)]
    params = MatchParams(policy=Policy.GREEDY_CLOCK)
    assert pairs(match(tasks, agents, NOW, params)) == {"high": "good", "mid": "fair", "low": "best"}


@pytest.mark.parametrize("policy", [Policy.HUNGARIAN, Policy.ADAPTIVE])
def test_who_declined_or_wrote_it_is_not_counted_among_the_full(
    policy: Policy, task: Any, agent: Any
) -> None:
    """One is full, one takes nothing, one has declined, one wrote it: the reason names each as what they are."""
    agents = [agent("full", capacity=1, load=1), agent("idle", capacity=0), agent("unwilling"), agent("self")]
    theirs = task(declined_by=frozenset({"unwilling"}), requester="self")
    [waiting] = match([theirs], agents, NOW, MatchParams(policy=policy)).waiting
    assert waiting.reason is WaitReason.EVERYBODY_FULL
    assert waiting.detail == (
        "no free place among 2 agents at work; 1 more declined it; 1 more wrote it themselves"
    )


@pytest.mark.parametrize("policy", [Policy.HUNGARIAN, Policy.ADAPTIVE])
@pytest.mark.parametrize(
    ("at_work", "reason", "detail"),
    [
        (["self"], WaitReason.OWN_REQUEST, "the one agent at work wrote it themselves"),
        (["d1"], WaitReason.ALL_DECLINED, "the one agent at work has declined it"),
        (["d1", "d2"], WaitReason.ALL_DECLINED, "all 2 agents at work have declined it"),
        (
            ["d1", "self"],
            WaitReason.ALL_DECLINED,
            "1 agent at work has declined it, and the only other one wrote it themselves",
        ),
    ],
)
def test_who_wrote_it_is_not_said_to_have_declined(
    policy: Policy, at_work: list[str], reason: WaitReason, detail: str, task: Any, agent: Any
) -> None:
    """When nobody is left, those who declined and the one who needs help themselves are told apart."""
    agents = [agent(name) for name in at_work]
    theirs = task(declined_by=frozenset({"d1", "d2"}), requester="self")
    [waiting] = match([theirs], agents, NOW, MatchParams(policy=policy)).waiting
    assert (waiting.reason, waiting.detail) == (reason, detail)


def test_longest_idle_prefers_who_finished_longest_ago(task: Any, agent: Any) -> None:
    """Never having finished anything comes before everybody; then the longest ago."""
    agents = [
        agent("fresh", idle_since=NOW),
        agent("rested", idle_since=NOW - timedelta(hours=1)),
        agent("unused"),
    ]
    params = MatchParams(policy=Policy.LONGEST_IDLE)
    given = match([task("t1", waited=3), task("t2", waited=2), task("t3")], agents, NOW, params)
    assert pairs(given) == {"t1": "unused", "t2": "rested", "t3": "fresh"}


def test_random_depends_on_its_seed_alone(task: Any, agent: Any) -> None:
    """One seed, one answer; among many seeds everybody gets a share."""
    agents = [agent(f"a{i}") for i in range(4)]
    chosen = [
        pairs(match([task()], agents, NOW, MatchParams(policy=Policy.RANDOM, seed=s)))["t1"]
        for s in range(80)
    ]
    assert {agent_id: chosen.count(agent_id) > 5 for agent_id in set(chosen)} == {
        f"a{i}": True for i in range(4)
    }


def test_a_runner_up_who_was_cheaper_is_told_as_of_more_use_elsewhere(task: Any, agent: Any) -> None:
    """The joint optimum may take the nearest agent from a task; the sentence does not hide it."""
    agents = [
        agent("dutch", capacity=1, markets=frozenset({"NL"})),
        agent("french", capacity=1, markets=frozenset({"FR"})),
    ]
    tasks = [task("nl", market="NL"), task("be", market="BE")]
    alike = {("BE", "NL"): 0.8, ("BE", "FR"): 0.7}
    given = {a.task_id: a for a in match(tasks, agents, NOW, HUNGARIAN, similarity=alike).assignments}
    assert {t: a.agent_id for t, a in given.items()} == {"nl": "dutch", "be": "french"}
    assert given["be"].runner_up is not None
    assert given["be"].runner_up.difference < 0
    assert "more use to another task" in explain(given["be"])


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (-0.2, "fitted this one better by 0.20"),
        (-1e-12, "fitted as well"),
        (0.001, "fitted as well"),
        (0.3, "fits worse by 0.30"),
    ],
)
def test_the_next_agent_is_told_of_as_far_as_it_shows(difference: float, said: str) -> None:
    """A difference that would be told as 0.00 is a tie in words, whichever way the last digits fell."""
    assignment = Assignment(
        "t", "a", 0.5, (Term("gap", 0.5, "a gap"),), RunnerUp("b", 0.5 + difference, difference)
    )
    assert said in explain(assignment)
