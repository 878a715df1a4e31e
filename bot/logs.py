"""Structured logs: one JSON object a line, or readable lines on a terminal. Never people's words, never a secret."""

import logging
import sys

import structlog

# Alembic tells every step. Bolt and the SDK log whole payloads and headers below WARNING (a failed signature check: the body, at INFO).
TALKATIVE = (
    "alembic",
    "slack_bolt",
    "slack_sdk",
    "apscheduler",
    "httpx",
    "uvicorn.access",
    "huggingface_hub",
)


def configure_logs() -> None:
    """Set up structlog and the standard library's logging for a process of ours."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,  # the ids of what is being worked: delivery, request, rows, job
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            # A traceback's last line quotes the error's message, which may quote a person: name the place only.
            processors=[_place_only, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _place_only(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace exception info by the error's class and the innermost line, without its message."""
    fault = event.pop("exc_info", None)
    if fault is True:
        fault = sys.exc_info()
    if isinstance(fault, BaseException):
        fault = (type(fault), fault, fault.__traceback__)
    if fault and fault[0] is not None:
        place = fault[2]
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        event["error"] = fault[0].__name__
        if place is not None:
            event["at"] = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    return event
