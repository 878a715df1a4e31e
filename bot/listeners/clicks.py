"""A click on a button, as every listener of clicks reads it; what a service refuses is told privately."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy.orm import Session

from bot.delivery import say
from bot.deps import Deps
from bot.errors import NotAllowed, RefusedMove
from bot.ids import EventKind, digest
from bot.services.moves import record
from bot.storage.work import Claim

IDS = re.compile(r"[0-9]{1,18}(:[0-9]{1,18})?")
PERSON = re.compile(r"(?:<@)?([UW][A-Z0-9]{1,30})(?:\|[^<>]*)?>?")
UNREADABLE = "This button is too old or damaged to be understood."


class Who(TypedDict):
    """Whose click it is, as every service asks."""

    team_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Click:
    """Who pressed what. ``value`` holds ids only; ``suffix`` is what follows the action's id after a colon."""

    team_id: str
    user_id: str
    action: str
    suffix: str
    value: str
    response_url: str | None
    version: str  # names this click: the same in every delivery of it
    claim: Claim | None

    def who(self) -> Who:
        """For a service's arguments: ``**click.who()``."""
        return {"team_id": self.team_id, "user_id": self.user_id}

    def ids(self, count: int) -> tuple[int, ...]:
        """The ``count`` numbers in the value; NotAllowed when it holds anything else."""
        parts = self.value.split(":")
        if len(parts) != count or not all(
            part.isascii() and part.isdigit() and len(part) < 19 for part in parts
        ):
            raise NotAllowed(UNREADABLE)
        return tuple(map(int, parts))

    def id(self) -> int:
        """The one number in the value."""
        return self.ids(1)[0]


def read_click(body: dict[str, Any], claim: Claim | None) -> Click:
    """Read a block_actions payload."""
    action = body["actions"][0]
    name, _, suffix = action["action_id"].partition(":")
    user = body["user"]
    return Click(
        team_id=(body.get("team") or {}).get("id") or user["team_id"],
        user_id=user["id"],
        action=name,
        suffix=suffix,
        value=action.get("value") or "",
        response_url=body.get("response_url"),
        version=digest(body.get("trigger_id") or "", action.get("action_ts") or "", user["id"]),
        claim=claim,
    )


def _target(click: Click) -> dict[str, str]:
    """The ids that were pressed for, for the record; what is no ids may be people's words, and is left out."""
    return {"target": click.value} if IDS.fullmatch(click.value) else {}


def read_person(written: str) -> str | None:
    """The user id in ``<@U1|name>``, ``<@U1>`` or ``U1``, in either case; None when it is no person."""
    found = PERSON.fullmatch(written.strip().upper())
    return found[1] if found else None


@contextmanager
def answering(deps: Deps, click: Click) -> Iterator[Session]:
    """A unit of work for a click. A refusal undoes what the service wrote, is recorded, and told to the one who clicked."""
    with deps.work(click.claim) as session:
        try:
            with session.begin_nested():
                yield session
        except (NotAllowed, RefusedMove) as refusal:
            now = deps.clock()
            data = {"action": click.action, "error": type(refusal).__name__} | _target(click)
            record(session, now, click.team_id, EventKind.REFUSED, actor_id=click.user_id, data=data)
            say.refused(
                session,
                now,
                team_id=click.team_id,
                user_id=click.user_id,
                response_url=click.response_url,
                version=click.version,
                words=str(refusal),
            )
