"""A process that claims rows until nothing is left: `python -m tests.reliability.apparatus.claimer URL TABLE NOW`.

It says "ready", waits for a line, and prints what it got.
"""

import json
import sys
from collections.abc import Iterator
from datetime import datetime

from bot.storage import claims
from bot.storage.database import Database, open_engine
from bot.storage.tables import InboxRow, OutboxRow

TABLES = {"inbox": InboxRow, "outbox": OutboxRow}
LEASE_S = 60.0
AT_ONCE = 40
ABANDONS = 97  # one row in so many is claimed and never settled: its lease has to run out


def take_all(database: Database, table: str, now: datetime) -> Iterator[tuple[int, str | None, bool]]:
    """Claim and settle until nothing is left: row, lease, and whether it was settled; the others are abandoned."""
    kind = TABLES[table]
    while True:
        with database.writing() as session:
            claims.serialise(session, kind)
            claims.sweep(session, kind, now, max_attempts=None)
            rows = claims.claim(
                session, kind, now, lease_s=LEASE_S, limit=AT_ONCE, waits_hold_lane=table == "outbox"
            )
        if not rows:
            return
        with database.writing() as session:
            for row in rows:
                is_settled = row.attempts > 1 or row.id % ABANDONS != 0
                if is_settled:
                    assert claims.finish(session, kind, row.id, row.lease, now)
                yield row.id, row.lease, is_settled


if __name__ == "__main__":
    url, which, moment = sys.argv[1:]
    opened = Database(open_engine(url))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps([*take_all(opened, which, datetime.fromisoformat(moment))]))
