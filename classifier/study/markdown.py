"""Tables of a report in Markdown, whatever is in their cells."""

import re
from collections.abc import Sequence

# An underscore inside a word is one.
_SPECIAL = re.compile(r"([\\|<>`*\[\]#~]|(?<!\w)_|_(?!\w))")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; cells are Markdown already (`plain`, `quoted`)."""
    return [
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def plain(text: str) -> str:
    """Text that reads as it is written, on one line: no markup, no HTML, no new cell."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def quoted(text: str) -> str:
    """The same as code, which keeps placeholders such as `<EMAIL>` readable in the file as well."""
    words = " ".join(text.replace("`", "'").split())
    return "`" + words.replace("|", "\\|") + "`" if words else ""
