"""Bolt as a router: no network, no verification, no threads of its own; the edge and the workers do those.

``process_before_response`` makes ``dispatch`` run the listener to its end on the calling thread. An error in a
listener is kept in the request's context, so that whoever dispatched it can put the row back.
"""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context import BoltContext
from slack_bolt.error import BoltUnhandledRequestError

from bot.delivery.slack import OnCall, Slack, WatchedClient, nobody_listens
from bot.errors import BotError
from bot.settings import Settings
from bot.storage.work import Claim

log = logging.getLogger(__name__)
# Below ERROR Bolt logs parts of bodies, and at every start a warning about SLACK_BOT_TOKEN, which it reads by itself.
_BOLT_LOG = logging.getLogger("bot.bolt")
_BOLT_LOG.setLevel(logging.ERROR)

FAILURE = "firstline_failure"  # key of the context: what a listener raised
CLAIM = "claim"  # key of the context: the inbox row being worked, None for what is answered at once


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What came of it: what Slack is to be answered (if it waits), and what a listener raised, if it did."""

    status: int
    body: str
    content_type: str
    failure: Exception | None


def authorize_as(slack: Slack) -> Callable[..., AuthorizeResult]:
    """Bolt's question "whose event is this, and who are we there?", answered from the bot's cached identity.

    The workspace is the token's own, whatever the delivery says: `bot.listeners.gate` compares the two. While Slack cannot be asked it raises, so the delivery is tried again; None would tell Bolt to drop it.
    """

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        identity = slack.identity()
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.user_id,
            bot_token=slack.token,
        )

    return authorize


def build_bolt(
    settings: Settings, authorize: Callable[..., AuthorizeResult], on_call: OnCall = nobody_listens
) -> App:
    """A Bolt app without listeners, ready for `dispatch`."""
    timeout_s = max(1, round(settings.firstline_slack_timeout_s))
    bolt = App(
        name="firstline",
        logger=_BOLT_LOG,
        client=WatchedClient(settings.slack_api_url, timeout_s, on_call),
        authorize=authorize,
        process_before_response=True,
        raise_error_for_unhandled_request=True,  # otherwise a 404 and a log line with parts of the body
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        signing_secret="verified by the edge",
    )
    bolt.error(_keep_failure)
    return bolt


def _keep_failure(error: Exception, context: BoltContext) -> BoltResponse:
    if isinstance(error, BoltUnhandledRequestError):
        return BoltResponse(status=200)  # nobody listens for this: done
    context[FAILURE] = error
    claim = context.get(CLAIM)
    log.log(
        logging.WARNING if isinstance(error, BotError) else logging.ERROR,
        "a listener failed: %s at %s (row %s, team %s)",
        type(error).__name__,
        _where(error),
        claim.row_id if claim else None,
        context.team_id,
    )
    return BoltResponse(status=500)


def _where(error: Exception) -> str:
    """The line that raised it. The message itself may hold people's words (SQLAlchemy's do), so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown line"


def dispatch(bolt: App, body: dict[str, Any], claim: Claim | None) -> Dispatched:
    """Run the listener for ``body`` to its end. What it raises is returned, never raised."""
    try:
        asked = BoltRequest(mode="socket_mode", body=body, context={CLAIM: claim})
        answered = bolt.dispatch(asked)
    except Exception as error:  # Bolt's own parsing of a body of odd shape
        log.error("Bolt failed: %s (row %s)", type(error).__name__, claim.row_id if claim else None)
        return Dispatched(500, "", "", error)
    return Dispatched(
        answered.status,
        answered.body or "",
        answered.first_headers().get("content-type", ""),
        asked.context.get(FAILURE),
    )
