"""Structured logs: one JSON object a line, or readable lines on a terminal. Never people's words, never a secret."""

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import TextIO

import structlog

log = logging.getLogger(__name__)

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
    # By themselves these three write to stderr what is no JSON, and quote messages.
    sys.excepthook = _log_the_end
    threading.excepthook = _log_the_end_of_a_thread
    warnings.showwarning = _log_warning


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the process ends: nobody caught an error", exc_info=(kind, error, trace))


def _log_the_end_of_a_thread(ended: threading.ExceptHookArgs) -> None:
    error = ended.exc_value or ended.exc_type()
    name = ended.thread.name if ended.thread else "unknown"
    if not isinstance(error, SystemExit):
        fault = (ended.exc_type, error, ended.exc_traceback)
        log.critical("the thread %s has ended: nobody caught an error", name, exc_info=fault)


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log.warning("a warning: %s at %s:%d", category.__name__, filename, lineno)


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
