"""What it means to those who run the bot when the database does not work: in words, with what to do."""

from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as WaitedTooLong


@dataclass(frozen=True, slots=True)
class DatabaseTrouble:
    """Why nothing can be stored or read at present. Neither part holds people's words, or the database's address."""

    reason: str
    what_to_do: str


AWAY = DatabaseTrouble(
    "the database cannot be reached",
    "see that the server at DATABASE_URL runs and can be reached from here; the bot goes on by itself",
)
FULL = DatabaseTrouble(
    "the disk is full: nothing can be stored",
    "make room on the disk of the database, or raise its limit; the bot goes on by itself",
)
BUSY = DatabaseTrouble(
    "the database is locked by another process",
    "end what holds its lock (a backup, a shell with an open transaction); the bot goes on by itself",
)
READ_ONLY = DatabaseTrouble(
    "the database is read-only",
    "see that its file, folder and file system can be written by the bot's user, or that DATABASE_URL names the primary"
    " and not a standby; the bot goes on by itself",
)
CROWDED = DatabaseTrouble(
    "the database takes no more connections, or all of them wait",
    "see what keeps it busy, or allow more connections; the bot goes on by itself",
)
BROKEN = DatabaseTrouble(
    "the disk of the database cannot be read or written",
    "look at the system's log for the disk; when the file is damaged, put a backup back",
)

# SQLite's result codes by the beginning of their names (https://www.sqlite.org/rescode.html) ...
_SQLITE = {
    "SQLITE_FULL": FULL,
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_READONLY": READ_ONLY,
    "SQLITE_CANTOPEN": AWAY,
    "SQLITE_IOERR": BROKEN,
    "SQLITE_CORRUPT": BROKEN,
    "SQLITE_NOTADB": BROKEN,
}
# ... and PostgreSQL's states (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_POSTGRES = {
    "25006": READ_ONLY,
    "25P03": AWAY,  # it ended the connection of a transaction that had been silent for too long: we were frozen
    "53100": FULL,
    "53200": CROWDED,
    "53300": CROWDED,
    "55P03": BUSY,
    "58030": BROKEN,
    "08": AWAY,
    "57P": AWAY,
    "XX": BROKEN,
}


def trouble_of(error: Exception | None) -> DatabaseTrouble | None:
    """What keeps the database from working; None when it works and refuses this one thing, or when it is not its fault."""
    if isinstance(error, WaitedTooLong):
        return CROWDED
    if not isinstance(error, DBAPIError):
        return None
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return next((trouble for start, trouble in _SQLITE.items() if name.startswith(start)), None)
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return next((trouble for start, trouble in _POSTGRES.items() if state.startswith(start)), None)
    # No word of the server's: it was never reached, or the connection broke.
    return AWAY if isinstance(error, OperationalError | InterfaceError) else None
