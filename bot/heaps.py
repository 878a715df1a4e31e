"""Keeps a process that runs for months from growing: its threads share two heaps.

glibc gives each thread a heap of its own, up to eight a core, and each keeps what it had at its fullest.
"""

import ctypes

M_ARENA_MAX = -8  # malloc.h, mallopt(3)
MOST = 2


def share_heaps() -> bool:
    """To be called before threads are started. False where the C library has no such setting (macOS, musl)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(M_ARENA_MAX, MOST) == 1)
