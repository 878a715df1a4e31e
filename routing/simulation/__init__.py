"""A simulated help desk that lets the production matching give out its work.

scenario says what is assumed, world draws a team and a day from a seed, desk plays the day event by event, offers knows
who answers when, report measures. Nothing here is measured on a real desk: it compares policies on the same days.
"""

from routing.simulation.desk import simulate
from routing.simulation.report import METRICS, DayReport
from routing.simulation.scenario import Scenario
from routing.simulation.world import World, draw_world

__all__ = ["METRICS", "DayReport", "Scenario", "World", "draw_world", "simulate"]
