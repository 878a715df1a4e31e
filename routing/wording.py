"""The words of a decision: phrases for the terms, and the sentence on an offer card."""

from routing.model import Assignment


def say_skill(category: str, level: float, nobody_has_it: bool) -> str:
    if level > 0.0:
        return f"skill level {level:.0%} for {category}"
    return f"no skill for {category}, but {'nobody who could take it has' if nobody_has_it else 'it has waited too long to insist'}"


def say_language(language: str, spoken: bool, nobody_speaks_it: bool) -> str:
    if spoken:
        return f"speaks {language}"
    return f"does not speak {language}, but {'nobody who could take it does' if nobody_speaks_it else 'it has waited too long to insist'}"


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
