"""What a failed call to Slack means: may it be tried again, and may it have been done all the same?"""

import errno
import re
import socket
import ssl
from dataclasses import dataclass, replace
from enum import StrEnum
from http.client import HTTPException
from json import JSONDecodeError
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError


class FaultKind(StrEnum):
    """What to do next."""

    RATE_LIMITED = "rate_limited"  # not done; again after the time Slack named
    NOT_DONE = "not_done"  # it never reached Slack, or Slack says so; again after a while
    UNKNOWN = "unknown"  # it may have been done: look before saying it again
    PERMANENT = "permanent"  # it never will be


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed call. ``code`` is Slack's error word, or the error's class; never people's words.

    ``method`` is the Web API's name of what was called, where Slack answered; None for a response_url.
    """

    kind: FaultKind
    code: str
    retry_after_s: float = 0
    method: str | None = None


RATE_CODES = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
NOT_DONE_CODES = frozenset({"service_unavailable", "team_added_to_org", "request_timeout"})
# The workspace has changed its mind about the app, or its token was replaced: people can put that right, and a restart
# with the new token sends what has waited.
TOKEN_CODES = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
AUTH_CODES = TOKEN_CODES | {"missing_scope"}
UNKNOWN_CODES = frozenset({"internal_error", "fatal_error"})  # Slack: "some aspect may have succeeded"
# Whatever a call to Slack can end in: from no connection to an answer that is no text. SlackApiError is among them.
CALL_ERRORS = (OSError, HTTPException, JSONDecodeError, UnicodeError, SlackClientError)
NO_WAY_THERE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
DEFAULT_RETRY_AFTER_S = 1.0
WORD = re.compile(r"[a-z][a-z0-9_]{1,63}")


class NotDelivered(Exception):
    """A call to Slack failed as ``fault`` says. Stays inside bot.delivery: the sender turns it into a row's state."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


def fault_of(error: Exception) -> Fault | None:
    """What ``error`` means, None when it is no failed call at all (a bug of ours)."""
    if isinstance(error, NotDelivered):
        return error.fault
    if isinstance(error, SlackApiError):
        answered = error.response
        fault = fault_of_answer(answered.status_code, answered.get("error"), answered.headers or {})
        return replace(fault, method=answered.api_url.rpartition("/")[2])
    if isinstance(error, URLError):
        kind = FaultKind.NOT_DONE if _never_left(error.reason) else FaultKind.UNKNOWN
        return Fault(kind, type(error.reason).__name__)
    if isinstance(error, CALL_ERRORS):
        return Fault(FaultKind.UNKNOWN, type(error).__name__)
    return None


def _never_left(reason: object) -> bool:
    """Whether there was no connection yet over which anything could have been asked."""
    if isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
        return True
    return isinstance(reason, OSError) and reason.errno in NO_WAY_THERE


def fault_of_answer(status: int, word: str | None, headers: object) -> Fault:
    """What an answer that is not "ok" means. ``word`` is Slack's error word, if it is Slack who answers."""
    code = word if word and WORD.fullmatch(word) else None
    if status == 429 or code in RATE_CODES:
        return Fault(FaultKind.RATE_LIMITED, "ratelimited", _retry_after_s(headers))
    if code in NOT_DONE_CODES or code in AUTH_CODES:
        return Fault(FaultKind.NOT_DONE, str(code))
    if status >= 500 or code in UNKNOWN_CODES:
        return Fault(FaultKind.UNKNOWN, code or f"http_{status}")
    if code is not None:
        return Fault(FaultKind.PERMANENT, code)
    # No word of Slack's: a proxy or a gateway has answered in its place.
    return Fault(FaultKind.UNKNOWN if status == 200 else FaultKind.NOT_DONE, f"http_{status}")


def _retry_after_s(headers: object) -> float:
    found = headers.get("Retry-After") or headers.get("retry-after") if hasattr(headers, "get") else None
    try:
        return max(0.0, float(found)) if found is not None else DEFAULT_RETRY_AFTER_S
    except ValueError:
        return DEFAULT_RETRY_AFTER_S
