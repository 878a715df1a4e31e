"""How good an agent a request asks for: its score, from what is known of it before anybody has it."""

import routing
from bot.storage.tables import SupportRequest
from routing.scores import complexity


def score_of(request: SupportRequest, expected_minutes: float | None) -> float:
    """In [0, 1]. ``expected_minutes`` is how long such requests take, None while nothing is known.

    Impact and urgency are left at the prior: nobody says how many are affected, and age has terms of its own.
    """
    return routing.task_score(
        routing.TaskComponents(
            risk=1.0 if request.reopened_count else None,  # somebody thought it was solved, and it was not
            model_risk=doubt(request),
            complexity=None if expected_minutes is None else complexity(expected_minutes),
        )
    )


def doubt(request: SupportRequest) -> float | None:
    """How unsure the classifier was of what the request is about, in [0, 1]; None where it said nothing of it."""
    return None if request.confidence is None else 1.0 - request.confidence
