"""Bolt listeners: each reads a payload, calls one service in a unit of work, and hands the outcome to delivery."""

from slack_bolt import App

from bot.deps import Deps
from bot.listeners import actions, agent_form, commands, erasing, gate, home, messages, satisfaction


def register(bolt: App, deps: Deps) -> None:
    """Put every listener on ``bolt``."""
    for part in (gate, messages, actions, agent_form, commands, satisfaction, erasing, home):
        part.register(bolt, deps)
