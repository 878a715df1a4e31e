"""What can go wrong in routing; each message is one plain line.

RoutingError
├── InvalidTask       a task that says something impossible
├── InvalidAgent      an agent that says something impossible
├── InvalidParams     weights or settings that make no sense
└── InvalidTable      a file of tasks, agents or similarities that cannot be read as one
"""


class RoutingError(ValueError):
    """Routing refused its input."""


class InvalidTask(RoutingError):
    """A task has an impossible value."""


class InvalidAgent(RoutingError):
    """An agent has an impossible value."""


class InvalidParams(RoutingError):
    """A setting is impossible."""


class InvalidTable(RoutingError):
    """A file cannot be read as tasks, agents or similarities."""
