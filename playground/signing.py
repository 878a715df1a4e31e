"""Slack's request signature, version 0."""

import hashlib
import hmac


def signed_headers(signing_secret: str, body: bytes, timestamp_s: int) -> dict[str, str]:
    """The two headers by which an app knows that a request is Slack's."""
    base = b"v0:%d:" % timestamp_s + body
    digest = hmac.new(signing_secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp_s), "X-Slack-Signature": f"v0={digest}"}
