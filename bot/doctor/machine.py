"""The machine the bot runs on, and settings that contradict each other."""

import json
import shutil
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sqlalchemy import make_url

from bot.doctor.finding import Finding, fault, good, warning
from bot.edge.server import listen
from bot.errors import CannotListen
from bot.settings import DEFAULT_PORT, Settings

ASKED_WITHIN_S = 3.0
# Slack repeats a delivery three times within some minutes, and the reconciler reads ten minutes again.
SHORTEST_KEEP_S = 3600


def check_periods(settings: Settings) -> Iterator[Finding]:
    """Periods that make each other pointless. (A lease that is too short is refused with the settings.)"""
    wrong = [
        (settings.firstline_hedge_s >= settings.firstline_offer_s, "FIRSTLINE_HEDGE_S", "FIRSTLINE_OFFER_S",
         "no second agent is ever asked before the first one's offer ends"),
        (settings.firstline_offer_s >= settings.firstline_deadline_s, "FIRSTLINE_OFFER_S", "FIRSTLINE_DEADLINE_S",
         "the first offer outlasts the deadline"),
    ]  # fmt: skip
    found = [
        warning("periods", f"{one} is not below {other}: {effect}", f"lower {one} or raise {other}")
        for is_wrong, one, other, effect in wrong
        if is_wrong
    ]
    if settings.firstline_keep_s < SHORTEST_KEEP_S:
        found.append(
            warning(
                "periods",
                f"FIRSTLINE_KEEP_S is below {SHORTEST_KEEP_S}: what Slack sends again later is taken for new",
                f"raise FIRSTLINE_KEEP_S to {SHORTEST_KEEP_S} at least",
            )
        )
    yield from found or [good("periods", "they go together")]


def check_host(settings: Settings) -> Iterator[Finding]:
    """Whether HOST is an address of this machine: any free port there is listened on for a moment."""
    try:
        listen(settings.host, 0).close()
    except CannotListen as error:
        yield fault(
            "host",
            str(error),
            "leave it unset for every address of this machine, or set it to one of them: 127.0.0.1 is for this machine alone",
        )
    else:
        yield good("host", "can be listened on")


def check_port(settings: Settings) -> Iterator[Finding]:
    """Whether the port is free, or taken by Firstline itself."""
    port = settings.port or DEFAULT_PORT
    with socket.socket() as probe:
        is_taken = probe.connect_ex(("127.0.0.1", port)) == 0
    if not is_taken:
        yield good("port", f"{port} is free")
    elif _is_firstline(port):
        yield good("port", f"a bot serves {port} already")
    else:
        tell = fault if settings.port else warning
        yield tell(
            "port", f"{port} is taken by another program", "end that program, or set PORT to a free one"
        )


def _is_firstline(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=ASKED_WITHIN_S)
    try:
        connection.request("GET", "/health/live")
        return bool(json.loads(connection.getresponse().read()) == {"status": "live"})
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()


def check_disk(settings: Settings, least_free_bytes: int) -> Iterator[Finding]:
    """Room for an SQLite database; a PostgreSQL's disk is its own host's business."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    folder = next((place for place in Path(url.database).absolute().parents if place.is_dir()), Path("/"))
    free = shutil.disk_usage(folder).free
    if free < least_free_bytes:
        yield warning(
            "disk",
            f"{free / 1e6:,.0f} MB are free where the database is",
            "make room, or lower FIRSTLINE_KEEP_S: on a full disk nothing can be stored, so nothing is taken",
        )
    else:
        yield good("disk", f"{free / 1e9:,.1f} GB are free where the database is")
