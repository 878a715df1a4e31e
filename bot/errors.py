"""What can go wrong in the bot. The docstring of each error is the message people see.

::

    BotError
    ├── SettingsError        a setting is missing or wrong
    ├── SchemaError          the database's schema is not the one this version needs
    ├── DatabaseMissing      the SQLite file is not there, or cannot be made
    ├── PortTaken            another program listens on the port
    ├── CannotListen         the address cannot be listened on, or HTTP does not start there
    ├── RefusedMove          the request is no longer in a state that allows this
    ├── NotAllowed           this person may not do that
    │   └── OtherWorkspace   nor may anybody of another workspace
    ├── ReplyAhead           a reply arrived before the message it answers
    ├── LeaseLost            another worker has taken this row over
    ├── NotStored            a delivery could not be stored, so it is not acknowledged
    └── SlackAway            Slack cannot be asked who the bot is
"""


class BotError(Exception):
    """Firstline cannot go on."""


class SettingsError(BotError):
    """Settings are missing or wrong."""


class SchemaError(BotError):
    """The database needs `python -m bot migrate`."""


class DatabaseMissing(BotError):
    """There is no database at DATABASE_URL."""


class PortTaken(BotError):
    """The port is taken by another program."""


class CannotListen(BotError):
    """HTTP cannot be served at this address."""


class RefusedMove(BotError):
    """This request has moved on in the meantime; nothing was changed."""


class NotAllowed(BotError):
    """You may not do that."""


class OtherWorkspace(NotAllowed):
    """People of another workspace may not do anything here."""


class ReplyAhead(BotError):
    """This reply arrived before the message it answers; it is worked again a little later."""


class LeaseLost(BotError):
    """Another worker has taken this row over; this attempt leaves no trace."""


class NotStored(BotError):
    """The delivery could not be stored; Slack will send it again."""


class SlackAway(BotError):
    """Slack does not answer, or refuses the token."""
