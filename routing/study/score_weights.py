"""The weights of the published scores as one setting, and how they are written on a command line."""

from dataclasses import dataclass, fields, replace

from routing.checks import refuse_negative
from routing.errors import InvalidParams

TASK_PARTS = {
    "risk": ("punish_num", "days_to_latest_punish", "model_risk"),
    "profitability": ("avg_revenue", "revenue"),
    "urgency": ("days_to_start",),
    "complexity": ("baseline_st_min",),
}
"""The components of a task's score, each with the columns it is made of."""

AGENT_PARTS = {
    "accuracy": ("accuracy",),
    "efficiency": ("productivity", "utilisation", "handling_time"),
}
"""The components of an agent's score, each with the columns it is made of."""


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """Weights of the components in a score, and of the columns in a component; each set need not add up to 1.

    Defaults are the published ones (the code's, where it differed from the text). `model_risk` counts only where the
    tasks have that column. A component made of one column has no weight for it. Raises InvalidParams for a negative or
    endless weight, and for a set in which nothing counts.
    """

    risk: float = 0.35
    profitability: float = 0.35
    urgency: float = 0.15
    complexity: float = 0.15
    punish_num: float = 0.6
    days_to_latest_punish: float = 0.4
    model_risk: float = 0.5
    avg_revenue: float = 0.4
    revenue: float = 0.6
    accuracy: float = 0.6
    efficiency: float = 0.4
    productivity: float = 0.33
    utilisation: float = 0.30
    handling_time: float = 0.33

    def __post_init__(self) -> None:
        for field in fields(self):
            refuse_negative(InvalidParams, f"weight of {field.name}", getattr(self, field.name))
        for whose, parts in (("task", TASK_PARTS), ("agent", AGENT_PARTS)):
            _refuse_none(f"the {whose} score", [getattr(self, name) for name in parts])
            for component, columns in parts.items():
                if getattr(self, component) > 0.0:
                    _refuse_none(component, [self.of_column(component, column) for column in columns])

    def of_column(self, component: str, column: str) -> float:
        """Weight of a column in its component: 1 where it stands alone."""
        alone = len((TASK_PARTS | AGENT_PARTS)[component]) == 1
        return 1.0 if alone else float(getattr(self, column))


def parse_weights(text: str) -> ScoreWeights:
    """Read `risk=.5,urgency=.2`; what is not named keeps its default. Raises InvalidParams."""
    names = [field.name for field in fields(ScoreWeights)]
    given: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise InvalidParams(f"weights are written name=number, separated by commas, not {part!r}")
        if name not in names:
            raise InvalidParams(f"no weight is called {name!r}; there are {', '.join(names)}")
        if name in given:
            raise InvalidParams(f"the weight of {name} is given twice")
        try:
            given[name] = float(value)
        except ValueError:
            raise InvalidParams(f"the weight of {name} is not a number: {value!r}") from None
    return replace(ScoreWeights(), **given)


def _refuse_none(what: str, weights: list[float]) -> None:
    if not any(weights):
        raise InvalidParams(f"{what}: at least one weight must be above 0")
