"""How large the tests of safety are: small in `make test`, at full size in `make soak`."""

import os

import pytest


def at_full_size() -> bool:
    """Whether `make soak` runs them: the same checks, many times over."""
    return os.environ.get("FIRSTLINE_SOAK") == "1"


full_size_only = pytest.mark.skipif(not at_full_size(), reason="takes long: `make soak` runs it")
"""For what has no small version worth its time."""
