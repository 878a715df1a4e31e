"""Figures: percentiles, targets, and how they are told."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from time import perf_counter, sleep
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be: at most ``limit``, or at least, with ``at_least``."""

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether it is."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the worst, in the values' unit; of fewer than two values nothing but their number."""
    if len(values) < 2:
        return {"n": len(values)}
    cuts = quantiles(values, n=100, method="inclusive")
    found = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(values)}
    return {name: round(value, 1) for name, value in found.items()} | {"n": len(values)}


def tell(figures: dict[str, Any], targets: Sequence[Target], file: Path | None) -> bool:
    """Print a table of the targets to stderr and everything as JSON to stdout, and into ``file``; whether all are met."""
    figures["targets"] = {
        target.name: {"value": round(target.value, 2), "limit": target.limit, "met": target.is_met}
        for target in targets
    }
    for target in targets:
        sign = ">=" if target.at_least else "<="
        met = "ok" if target.is_met else "MISSED"
        note(f"{target.name:<44} {target.value:>12.2f}   {sign} {target.limit:<10g} {met}")
    text = json.dumps(figures, indent=2)
    print(text)
    if file is not None:
        file.write_text(text + "\n")
    return all(target.is_met for target in targets)


def note(line: str) -> None:
    """A line for whoever waits."""
    print(line, file=sys.stderr, flush=True)


def steadily(rate: float, seconds: float) -> Iterator[int]:
    """Count up ``rate`` times a second, for so long; who falls behind catches up without pauses."""
    began_s = perf_counter()
    for number in range(round(rate * seconds)):
        sleep(max(0.0, began_s + number / rate - perf_counter()))
        yield number
