"""The words of a decision: phrases for the terms, why nobody is left, and the sentence on an offer card."""

from routing.model import Assignment, WaitReason


def say_skill(category: str, level: float, nobody_has_it: bool) -> str:
    if level > 0.0:
        return f"skill level {level:.0%} for {category}"
    return f"no skill for {category}, but {'nobody who could take it has' if nobody_has_it else 'it has waited too long to insist'}"


def say_language(language: str, spoken: bool, nobody_speaks_it: bool) -> str:
    if spoken:
        return f"speaks {language}"
    return f"does not speak {language}, but {'nobody who could take it does' if nobody_speaks_it else 'it has waited too long to insist'}"


def say_nobody_left(n_declined: int, wrote_it: bool) -> tuple[WaitReason, str]:
    """Everybody at work is barred: so many declined, and perhaps one wrote it."""
    if not n_declined:
        return WaitReason.OWN_REQUEST, "the one agent at work wrote it themselves"
    if wrote_it:
        have = "has" if n_declined == 1 else "have"
        told = f"{people(n_declined)} at work {have} declined it, and the only other one wrote it themselves"
    elif n_declined == 1:
        told = "the one agent at work has declined it"
    else:
        told = f"all {people(n_declined)} at work have declined it"
    return WaitReason.ALL_DECLINED, told


def say_full(n_asked: int, n_declined: int, wrote_it: bool) -> str:
    declined = f"; {n_declined} more declined it" if n_declined else ""
    own = "; 1 more wrote it themselves" if wrote_it else ""
    return f"no free place among {people(n_asked)} at work{declined}{own}"


def people(count: int) -> str:
    return f"{count} agent" if count == 1 else f"{count} agents"


def explain(assignment: Assignment) -> str:
    """One or two plain sentences for the agent who is offered the task: the reasons, and how close the next agent was."""
    reasons = "; ".join(term.meaning for term in assignment.terms)
    return f"Why you: {reasons}. {_say_runner_up(assignment)}"


def _say_runner_up(assignment: Assignment) -> str:
    if assignment.runner_up is None:
        return "Nobody else is free for it."
    difference = assignment.runner_up.difference
    if difference <= -0.005:  # less is told as 0.00: a tie, or the last digits of a sum
        return (
            f"Somebody else fitted this one better by {-difference:.2f}, but is of more use to another task."
        )
    if difference < 0.005:
        return "Somebody else fitted as well; the tie rule chose."
    return f"The next best agent fits worse by {difference:.2f}."
