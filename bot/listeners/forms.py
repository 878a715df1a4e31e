"""What every listener of a submitted form does: it reads whose it is, and records what is refused."""

from typing import Any

from bot.deps import Deps
from bot.ids import CallbackId, EventKind
from bot.listeners.clicks import Who
from bot.services.moves import record


def read_sender(body: dict[str, Any]) -> Who:
    """Whose form it is, by a view_submission payload."""
    user = body["user"]
    return {"team_id": (body.get("team") or {}).get("id") or user["team_id"], "user_id": user["id"]}


def note_refusal(deps: Deps, who: Who, form: CallbackId, refusal: Exception) -> None:
    """Record it in a unit of work of its own: that of the form was rolled back."""
    data = {"action": form, "error": type(refusal).__name__}
    with deps.work() as session:
        record(session, deps.clock(), who["team_id"], EventKind.REFUSED, actor_id=who["user_id"], data=data)
