"""Points in time as files write them."""

import re
from datetime import UTC, datetime

_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")


def parse_date(text: str) -> datetime:
    """ISO 8601, or seconds since 1970 as Slack writes them (milliseconds if of 12 digits or more); without a zone it is UTC.

    Raises ValueError for anything else.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        seconds = float(text) if len(text.partition(".")[0]) < 12 else int(text) / 1000
        return datetime.fromtimestamp(seconds, UTC)
    date = datetime.fromisoformat(text)
    try:
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except OverflowError as error:  # the first and the last hours there are, seen from another zone
        raise ValueError(f"{text} is no date") from error
