"""The words of the adaptive policy: what each term means, which filter gave way at which rung, why a task waits."""

from routing.adaptive.filters import RUNG, Filter
from routing.model import Agent, Task
from routing.params import AdaptiveParams
from routing.wording import people


def say_gap(task: Task, agent: Agent) -> str:
    if task.score > agent.score:
        return f"the task asks for {task.score:.2f}, the agent's score is {agent.score:.2f}"
    return f"the agent's score {agent.score:.2f} covers the task's {task.score:.2f}"


def say_work(minutes: float, is_known: bool) -> str:
    return (
        f"about {minutes:.0f} min of work"
        if is_known
        else f"work of unknown length, taken as {minutes:.0f} min"
    )


def say_in_hand(agent: Agent, in_hand: int) -> str:
    return f"{in_hand} of {agent.capacity} places taken before this one"


def say_skill(task: Task, level: float) -> str:
    return f"skill level {level:.0%} for {task.category}"


def say_busy(agent: Agent) -> str:
    return f"busy {agent.busy_share:.0%} of the time lately"


def say_similarity(task: Task, alike: float) -> str:
    return f"market {task.market} is {alike:.0%} like theirs"


def say_overflow(
    task: Task, name: Filter, nobody: bool, rung: int, was_turned_down: bool, params: AdaptiveParams
) -> str:
    """Why a filter that the pair fails is no bar: nobody passes it, or the task has waited long enough."""
    if nobody:
        why = f"nobody who could take it {'does' if name is Filter.LANGUAGE else 'has'}"
    elif rung >= RUNG[name]:
        share = f"{params.ladder[RUNG[name] - 1]:.0%} of its time being gone"
        why = f"on rung {RUNG[name]} of {len(params.ladder)}, {share}, that is no bar"
    elif was_turned_down:
        why = "it has been turned down, so that is no bar"
    else:
        why = f"after {params.market_minutes:g} min that is no bar"
    return f"{say_lack(task, name)}, but {why}"


def say_lack(task: Task, name: Filter) -> str:
    match name:
        case Filter.SKILL:
            return f"no skill for {task.category}"
        case Filter.LANGUAGE:
            return f"does not speak {task.language}"
        case Filter.MARKET:
            return f"no market near {task.market}"
        case Filter.SCORE:
            return "not the score the task asks for"
        case Filter.SHIFT:
            return "not the time to finish before the shift ends"


def say_waiting(waited_minutes: float, left_minutes: float) -> str:
    due = f"due in {left_minutes:.0f} min" if left_minutes >= 0 else f"overdue by {-left_minutes:.0f} min"
    return f"waiting {waited_minutes:.0f} min, {due}"


def say_hold(agent_id: str, minutes: float, anybody_free: bool) -> str:
    better = " and then fits better than anybody free" if anybody_free else ""
    return f"waits for {agent_id}, who should be free in {minutes:.1f} min{better}; others may still get it"


def say_obstacle(task: Task, name: Filter, n_able: int) -> str:
    return f"{people(n_able)} could take it and none of them is free; others are free, but: {say_lack(task, name)}"


def say_outbid(n_open: int) -> str:
    return f"the {people(n_open)} free for it took tasks that came before it"
