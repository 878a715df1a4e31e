"""Names that must be the same wherever they are written: actions, callbacks, events, messages, deliveries."""

import hashlib
import re
import secrets
from enum import StrEnum


class ActionId(StrEnum):
    """Buttons and inputs. The authorisation of each is checked by its listener's service."""

    CLOSE = "close_with_suggestion"  # Slack wants ids unique in a block: a suffix ":1" or ":2" follows
    ASK_PERSON = "ask_person"
    ESCALATION_REASON = "escalation_reason"  # suffix ":not_what_i_asked" or ":did_not_work"
    UNDO = "undo_close"
    WITHDRAW = "withdraw_request"
    ACCEPT = "accept_offer"
    DECLINE = "decline_offer"
    RESOLVE = "resolve_request"
    HAND_BACK = "hand_back_request"
    ERASE = "erase_person"  # the value is a user id
    OPEN_LINK = "open_link"  # a link button: Slack reports the click, nothing is to be done
    EDIT_ME = "edit_me"  # opens the agent's form
    RATE = "rate_help"  # suffix ":good", ":so_so" or ":bad"
    COMMENT = "comment_on_help"  # opens the form for a comment


class CallbackId(StrEnum):
    """Modals."""

    AGENT_FORM = "agent_form"
    COMMENT_FORM = "comment_form"  # its private_metadata is a request's id


# What opens a modal is worked while Slack waits: its trigger lives three seconds.
OPENING_WORDS = frozenset({"me"})  # of /firstline
OPENING_ACTIONS = frozenset({ActionId.EDIT_ME, ActionId.COMMENT})


_KEY = re.compile(r"[A-Za-z0-9.:_-]{1,128}")


class EventKind(StrEnum):
    """What the append-only log records."""

    OPENED = "opened"
    APPENDED = "appended"
    SUGGESTED = "suggested"
    ABSTAINED = "abstained"
    CLOSED_BY_SUGGESTION = "closed_by_suggestion"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    REASON_GIVEN = "reason_given"  # why the suggestions were no help
    OFFERED = "offered"
    HEDGED = "hedged"  # offered to one more agent, as nobody has answered yet
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    NOBODY_FREE = "nobody_free"  # nobody could be offered the request: the fallback was told
    RESOLVED = "resolved"
    HANDED_BACK = "handed_back"
    SATISFACTION_ASKED = "satisfaction_asked"
    RATED = "rated"  # the requester said how the help was; the last one wins
    COMMENTED = "commented"  # and wrote something about it, or took that back
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    REFUSED = "refused"
    ERASED = "erased"  # a person was forgotten
    PURGED = "purged"  # a workspace was: the app was uninstalled there
    PRESENCE = "presence"
    SITE = "site"  # a person said where they sit
    AGENT_PROFILE = (
        "agent_profile"  # what an agent said of their capacity, skills, languages, sites and hours
    )


def new_token() -> str:
    """A fresh token for a lease: 32 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(16)


def message_key(kind: str, *parts: object) -> str:
    """The name under which a posted message is remembered, such as ``card:17`` or ``offer:93``."""
    return ":".join([kind, *map(str, parts)])


def shown_key(delivery_key: str) -> str:
    """What the log calls a delivery: its key, or a digest of one that does not look like Slack's ids."""
    return delivery_key if _KEY.fullmatch(delivery_key) else digest(delivery_key)


def digest(*parts: str) -> str:
    """A short stable fingerprint of ``parts``: the first 32 hexadecimal digits of their SHA-256."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
