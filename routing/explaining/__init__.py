"""Answers to a person's questions about one decision: why not somebody else, what would change it, and can it be repeated."""

from routing.explaining.flip import Flip, smallest_flip
from routing.explaining.levers import Lever
from routing.explaining.record import decision_record, replay
from routing.explaining.why_not import Barrier, WhyNot, why_not

__all__ = ["Barrier", "Flip", "Lever", "WhyNot", "decision_record", "replay", "smallest_flip", "why_not"]
