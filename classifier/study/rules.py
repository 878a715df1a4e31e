"""All rules for one button or two on one set of rows: three thresholds, and conformal sets where MAPIE is installed."""

from dataclasses import dataclass
from typing import Any

from classifier.evaluation.asked import Asked
from classifier.evaluation.conformal import MISSING, calibrated_on, calibrated_on_half, is_installed
from classifier.evaluation.rules import (
    REPORTED,
    Point,
    Rule,
    RuleCurve,
    apply,
    best_two,
    claim,
    rule_curve,
)


@dataclass(frozen=True, slots=True)
class Compared:
    """The rules on n rows. `top`: the top threshold at REPORTED. `claim`: what became of the original project's finding.

    `about_conformal`: which rows the sets were calibrated on, or why there are none.
    """

    n: int
    curves: tuple[RuleCurve, ...]
    top: tuple[Point, ...]
    claim: str
    about_conformal: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "top": [own.as_dict() for own in self.top],
            "claim": self.claim,
            "about_conformal": self.about_conformal,
            "rules": [curve.as_dict() for curve in self.curves],
        }


def compare_rules(rows: Asked, calibration: Asked | None, seed: int) -> Compared:
    """All rules on `rows`; without `calibration` rows, `seed` draws the half of the rows that conformal sets take for it."""
    best = best_two(rows.probabilities, rows.truths)
    conformal, about = _conformal(rows, calibration, seed)
    curves = [rule_curve(best, rule) for rule in (Rule.TOP, Rule.GAP, Rule.SECOND)]
    return Compared(
        n=len(rows.truths),
        curves=(*curves, *([conformal] if conformal else [])),
        top=tuple(apply(best, Rule.TOP, t) for t in REPORTED),
        claim=claim(best),
        about_conformal=about,
    )


def _conformal(rows: Asked, calibration: Asked | None, seed: int) -> tuple[RuleCurve | None, str]:
    if not is_installed():
        return None, MISSING
    n = len(rows.truths)
    if calibration:
        curve, taken = calibrated_on(calibration, rows), len(calibration.truths)
        about = f"Conformal sets are calibrated on the file's {taken} calibration rows."
    else:
        curve = calibrated_on_half(rows, seed)
        taken = n - curve.n if curve else n // 2
        about = (
            f"No calibration rows are at hand: conformal sets are calibrated on {taken} of these {n} rows, split by group "
            f"with seed {seed}, and measured on the other {n - taken}."
        )
    if curve is None:
        return None, f"Conformal sets are left out: {taken} rows are too few to calibrate on."
    return curve, about
