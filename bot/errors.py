"""What can go wrong in the bot. The docstring of each error is the message people see.

::

    BotError
    ├── SettingsError        a setting is missing or wrong
    ├── SchemaError          the database's schema is not the one this version needs
    ├── PortTaken            another program listens on the port
    ├── RefusedMove          the request is no longer in a state that allows this
    ├── NotAllowed           this person may not do that
    └── LeaseLost            another worker has taken this row over
"""


class BotError(Exception):
    """Firstline cannot go on."""


class SettingsError(BotError):
    """Settings are missing or wrong."""


class SchemaError(BotError):
    """The database needs `python -m bot migrate`."""


class PortTaken(BotError):
    """The port is taken by another program."""


class RefusedMove(BotError):
    """This request has moved on in the meantime; nothing was changed."""


class NotAllowed(BotError):
    """You may not do that."""


class LeaseLost(BotError):
    """Another worker has taken this row over; this attempt leaves no trace."""
