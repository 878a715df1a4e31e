"""When a row may be said: not while Slack has said 429 to the like of it, and not faster than a channel bears."""

from datetime import datetime, timedelta

from bot.delivery.pace import Pace
from bot.storage import said
from bot.storage.database import Database
from bot.storage.tables import OutboxRow

BACKLOG = timedelta(seconds=5)  # what waits for longer is said one by one, without a burst
POSTING = "chat.postMessage"


class Later(Exception):
    """Nothing was tried; ask again at ``at``."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at


class Leave:
    """Remembers for this process what Slack has closed. Slack limits posting by channel, other methods by workspace."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pace = Pace()

    def require(self, row: OutboxRow, method: str, now: datetime) -> None:
        """Raise Later while Slack has closed ``method`` for the row's workspace."""
        closed_until = self._pace.closed_until(_place(row, method), now)
        if closed_until is not None:
            raise Later(closed_until)

    def require_to_post(self, row: OutboxRow, channel_id: str, now: datetime) -> None:
        """Raise Later unless one more message may be posted in the channel now; then it is counted."""
        waited_long = now - row.created_at > BACKLOG or row.attempts > 1
        wait_until = self._pace.take(channel_id, now, at_once=1 if waited_long else None)
        if wait_until is not None:
            raise Later(wait_until)

    def close(self, row: OutboxRow, method: str | None, until: datetime) -> None:
        """Slack has said 429 to ``method``; None is a response_url, of which each is limited by itself."""
        if method == POSTING:
            channel_id = row.payload["channel_id"]
            if channel_id is None:
                with self._db.reading() as session:
                    channel_id = said.find_channel(session, row.team_id, row.payload["user_ids"])
            if channel_id is not None:
                self._pace.close(channel_id, until)
        elif method is not None:
            self._pace.close(_place(row, method), until)


def _place(row: OutboxRow, method: str) -> str:
    """The name under which Pace knows a method in a workspace."""
    return f"{row.team_id}:{method}"
