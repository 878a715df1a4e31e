"""How large the tests of safety are: small in `make test`, at full size in `make soak`."""

import os


def at_full_size() -> bool:
    """Whether `make soak` runs them: the same checks, many times over."""
    return os.environ.get("FIRSTLINE_SOAK") == "1"
