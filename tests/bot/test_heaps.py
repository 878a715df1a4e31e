"""Threads share two heaps, where the C library gives each its own."""

import ctypes
import os
import subprocess
import sys

import pytest

# Twelve threads that hold memory at the same time; then the C library's own count of its heaps (malloc_info(3)).
COUNT_HEAPS = """
import ctypes, sys, tempfile, threading
from bot.heaps import share_heaps

if sys.argv[1] == "shared":
    assert share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
everybody = threading.Barrier(12)

def hold():
    libc.malloc(2000)
    everybody.wait()

threads = [threading.Thread(target=hold) for _ in range(12)]
for each in threads:
    each.start()
for each in threads:
    each.join()
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(file.read().count(b"<heap nr="))
"""

needs_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library than glibc"
)


@needs_glibc
def test_threads_share_two_heaps() -> None:
    assert heaps("shared") <= 2


@needs_glibc
def test_by_itself_each_thread_has_its_own() -> None:
    """Or the test above could not fail."""
    assert heaps("as it is") > 2


def heaps(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", COUNT_HEAPS, how],
        env={name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(ran.stdout)
