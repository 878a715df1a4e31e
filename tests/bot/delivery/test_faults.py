"""What a failed call means."""

import errno
import http.client
import socket
import ssl
from urllib.error import URLError

import pytest

from bot.delivery.faults import Fault, FaultKind, NotDelivered, fault_of, fault_of_answer


@pytest.mark.parametrize(
    ("status", "word", "headers", "expected"),
    [
        (429, None, {"Retry-After": "7"}, Fault(FaultKind.RATE_LIMITED, "ratelimited", 7)),
        (429, "ratelimited", {}, Fault(FaultKind.RATE_LIMITED, "ratelimited", 1)),
        (429, "ratelimited", {"Retry-After": "soon"}, Fault(FaultKind.RATE_LIMITED, "ratelimited", 1)),
        (429, "ratelimited", {"Retry-After": "-3"}, Fault(FaultKind.RATE_LIMITED, "ratelimited", 0)),
        (200, "ratelimited", {"retry-after": "2"}, Fault(FaultKind.RATE_LIMITED, "ratelimited", 2)),
        (200, "internal_error", {}, Fault(FaultKind.UNKNOWN, "internal_error")),
        (200, "fatal_error", {}, Fault(FaultKind.UNKNOWN, "fatal_error")),
        (503, "service_unavailable", {}, Fault(FaultKind.NOT_DONE, "service_unavailable")),
        (502, "Received a response in a non-JSON format: <html>", {}, Fault(FaultKind.UNKNOWN, "http_502")),
        (200, "Received a response in a non-JSON format: <html>", {}, Fault(FaultKind.UNKNOWN, "http_200")),
        (403, "Received a response in a non-JSON format: <html>", {}, Fault(FaultKind.NOT_DONE, "http_403")),
        (200, "channel_not_found", {}, Fault(FaultKind.PERMANENT, "channel_not_found")),
        (200, "invalid_auth", {}, Fault(FaultKind.NOT_DONE, "invalid_auth")),
        (200, "token_revoked", {}, Fault(FaultKind.NOT_DONE, "token_revoked")),
        (200, "token_expired", {}, Fault(FaultKind.NOT_DONE, "token_expired")),
        (200, "account_inactive", {}, Fault(FaultKind.NOT_DONE, "account_inactive")),
        (200, "not_authed", {}, Fault(FaultKind.NOT_DONE, "not_authed")),
        (200, "missing_scope", {}, Fault(FaultKind.NOT_DONE, "missing_scope")),
        (404, "used_url", {}, Fault(FaultKind.PERMANENT, "used_url")),
    ],
)
def test_an_answer_is_read_by_its_status_and_word(status, word, headers, expected) -> None:
    """Only what Slack itself calls impossible is given up; a proxy's answer is not Slack's."""
    assert fault_of_answer(status, word, headers) == expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (URLError(ConnectionRefusedError()), FaultKind.NOT_DONE),
        (URLError(socket.gaierror()), FaultKind.NOT_DONE),
        (URLError(OSError(errno.ENETUNREACH, "no network")), FaultKind.NOT_DONE),
        (URLError(OSError(errno.EHOSTUNREACH, "no route")), FaultKind.NOT_DONE),
        (URLError(ssl.SSLCertVerificationError("not Slack")), FaultKind.NOT_DONE),
        (URLError(ssl.SSLError("in the middle")), FaultKind.UNKNOWN),
        (URLError(TimeoutError()), FaultKind.UNKNOWN),
        (URLError(ConnectionResetError()), FaultKind.UNKNOWN),
        (TimeoutError(), FaultKind.UNKNOWN),
        (ConnectionResetError(), FaultKind.UNKNOWN),
        (http.client.RemoteDisconnected(), FaultKind.UNKNOWN),
        (http.client.IncompleteRead(b""), FaultKind.UNKNOWN),
        (NotDelivered(Fault(FaultKind.PERMANENT, "x")), FaultKind.PERMANENT),
    ],
)
def test_a_broken_connection_may_have_carried_the_message(error: Exception, kind: FaultKind) -> None:
    """Only a connection that was never made is known to have carried nothing."""
    fault = fault_of(error)
    assert fault is not None
    assert fault.kind is kind


def test_a_bug_of_ours_is_no_fault_of_slacks() -> None:
    """A KeyError is not explained away."""
    assert fault_of(KeyError("text")) is None
