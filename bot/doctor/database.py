"""The database: there, writable, of this version's schema, and of a kind that keeps what it is told."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import URL, Connection, func, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.doctor import people
from bot.doctor.finding import Finding, fault, good, warning
from bot.errors import DatabaseMissing, SchemaError
from bot.settings import Settings
from bot.storage import schema
from bot.storage.database import MAKE_IT, Clock, open_existing
from bot.storage.tables import InboxRow, OutboxRow, RowState
from classifier import AnswersRefused

LOCAL_FILE = "set DATABASE_URL to a file on a local disk, or to a PostgreSQL"
CONNECT_WITHIN_S = 5
OLDEST_POSTGRES = 14
CLOCKS_APART = timedelta(seconds=60)
NETWORK_DRIVES = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs")


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Open it, write to it (nothing stays), compare the schema, look at what was given up and at the agents."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database == ":memory:":
        yield fault("storage", "an SQLite in memory forgets everything when the bot stops", LOCAL_FILE)
        return
    try:
        if url.get_backend_name() == "postgresql" and (encoding := _encoding(url)) != "UTF8":
            yield fault(
                "storage",
                f"the database's encoding is {encoding}, which cannot hold what people write",
                "create one with ENCODING 'UTF8' TEMPLATE template0 and migrate that",
            )
            return
        engine = open_existing(settings.database_url)
        with engine.connect() as connection:  # on SQLite this takes the write lock
            kind = list(_kind(connection, clock()))
    except DatabaseMissing as error:
        yield fault("database", str(error), MAKE_IT)
        return
    except (SQLAlchemyError, psycopg.Error, OSError, ImportError) as error:
        yield fault(
            "database",
            f"DATABASE_URL cannot be opened and written ({type(error).__name__})",
            "see that the server runs and the password is right, or that the file and its folder are writable",
        )
        return
    yield from kind
    try:
        schema.require_head(engine)
        yield good("database", f"{engine.dialect.name}, schema {schema.head()}")
        with Session(engine.execution_options(firstline_read_only=True)) as session:
            yield from _dead_letters(session)
            with suppress(AnswersRefused):  # told by `model.check`
                yield from people.check_agents(session, settings)
    except SchemaError as error:
        yield fault("database", str(error), schema.what_to_do(engine))
    finally:
        engine.dispose()


def _encoding(url: URL) -> str | None:
    """Asked without SQLAlchemy, which cannot speak to a database whose texts are mere bytes."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, connect_timeout=CONNECT_WITHIN_S) as connection:
        return connection.info.parameter_status("server_encoding")


def _kind(connection: Connection, now: datetime) -> Iterator[Finding]:
    if connection.dialect.name == "sqlite":
        yield from _sqlite(connection)
    else:
        yield from _postgres(connection, now)


def _sqlite(connection: Connection) -> Iterator[Finding]:
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    drive = drive_of(Path(str(connection.engine.url.database)).absolute(), Path("/proc/mounts"))
    if mode != "wal":
        yield fault(
            "storage",
            f"SQLite keeps no write-ahead log here (journal_mode is {mode})",
            LOCAL_FILE,
        )
    elif drive in NETWORK_DRIVES:
        yield fault(
            "storage",
            f"the SQLite file is on a network drive ({drive}), where its locks do not hold",
            LOCAL_FILE,
        )
    else:
        yield good("storage", "write-ahead log on a local disk")


def drive_of(path: Path, mounts: Path) -> str | None:
    """The type of the file system that ``path`` is on, by a list of mounts as Linux keeps it; None where there is none."""
    if not mounts.exists():
        return None
    lines = [line.split(" ") for line in mounts.read_text().splitlines()]
    holding = [(place, kind) for _, place, kind, *_ in lines if path.is_relative_to(place)]
    return max(holding, key=lambda held: len(held[0]), default=("", None))[1]


def _postgres(connection: Connection, now: datetime) -> Iterator[Finding]:
    row = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int / 10000 AS version,"
            " current_setting('transaction_read_only') = 'on' AS is_read_only, now() AS now"
        )
    ).one()
    found = []
    if row.version < OLDEST_POSTGRES:
        found.append(
            fault(
                "storage", f"PostgreSQL {row.version} is too old", f"upgrade it to {OLDEST_POSTGRES} or newer"
            )
        )
    if row.is_read_only:
        found.append(
            fault(
                "storage",
                "PostgreSQL takes no writes (a standby, or default_transaction_read_only)",
                "point DATABASE_URL to the primary, or switch read-only off",
            )
        )
    if abs(row.now - now) > CLOCKS_APART:
        apart_s = abs(row.now - now).total_seconds()
        found.append(
            warning(
                "storage",
                f"this machine's clock and the database's are {apart_s:.0f} s apart",
                "let both hosts ask an NTP server: replicas with other clocks take over each other's work",
            )
        )
    yield from found or [good("storage", f"PostgreSQL {row.version}")]


def _dead_letters(session: Session) -> Iterator[Finding]:
    for name, table in (("inbox", InboxRow), ("outbox", OutboxRow)):
        faults = session.execute(
            select(table.fault, func.count()).where(table.state == RowState.DEAD).group_by(table.fault)
        ).all()
        if not faults:
            yield good(name, "no dead letters")
            continue
        listed = ", ".join(f"{count} x {fault or 'unknown'}" for fault, count in faults)
        yield warning(
            name,
            f"{sum(count for _, count in faults)} dead letters ({listed})",
            'search the log for "given up"; who wrote was told. They are pruned after FIRSTLINE_KEEP_S',
        )
