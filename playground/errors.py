"""What can go wrong, by who is told.

PlaygroundError
├── ApiError        the app is told: {"ok": false, "error": ...} from the Web API
├── ControlError    a person (the page, a test) is told: 4xx from the control API
└── StartError      whoever started the playground is told: one line, exit 2
"""

from typing import Any


class PlaygroundError(Exception):
    """The playground cannot do what was asked."""


class ApiError(PlaygroundError):
    """A Web API method refuses, with the word Slack uses for it."""

    def __init__(self, error: str, *, messages: list[str] | None = None, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra
        self.messages = messages or []

    def body(self) -> dict[str, Any]:
        """The answer's JSON; ``messages`` stand where Slack puts them."""
        answer: dict[str, Any] = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            answer["response_metadata"] = {"messages": self.messages}
        return answer


class ControlError(PlaygroundError):
    """A person cannot do that here. ``status`` is the HTTP status."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(f"{error}: {detail}")
        self.status = status
        self.error = error
        self.detail = detail


class StartError(PlaygroundError):
    """The playground cannot start; the message says what to do."""


def not_found(detail: str) -> ControlError:
    """A ControlError for something that is not there, or not for this person."""
    return ControlError(404, "not_found", detail)


def bad_request(detail: str) -> ControlError:
    """A ControlError for a request that makes no sense."""
    return ControlError(400, "bad_request", detail)
