"""One file on its way from a hub: streamed to disk, continued where it broke off, counted while it comes.

The hub client's own download hands on blocks of 10 MB, so that on a slow line nobody could tell it from a stalled one,
and repeats by itself without an end that could be told it.
"""

from pathlib import Path
from threading import Event
from typing import BinaryIO

from classifier.encoders.recipes import EncoderFile

ATTEMPTS = 5
"""A line that breaks more often in one file is no line."""


class Transfer:
    """`received` may be read by another thread while `run` runs."""

    def __init__(self, file: EncoderFile, url: str, into: Path, timeout_s: float) -> None:
        """`into`: the file to write. `timeout_s` bounds each operation of the socket, so that a transfer nobody waits for ends."""
        self.file = file
        self.received = 0
        self._url = url
        self._into = into
        self._timeout_s = timeout_s
        self._given_up = Event()

    def give_up(self) -> None:
        """Ask `run` to end at its next block."""
        self._given_up.set()

    def run(self) -> None:
        """Fetch all of it; raises what the client raises once it broke off without progress, or too often."""
        with self._into.open("wb") as file:
            for attempt in range(1, ATTEMPTS + 1):
                before = self.received
                try:
                    self._stream(file)
                    return
                except OSError:  # a refusal of the hub, or the disk: neither gets better by repeating
                    raise
                except (
                    Exception
                ):  # a broken line, in the words of whichever HTTP client the hub's client uses
                    if attempt == ATTEMPTS or self.received == before or self._given_up.is_set():
                        raise

    def _stream(self, file: BinaryIO) -> None:
        """The rest of the file; all of it again from a server that cannot continue."""
        from huggingface_hub import get_session, hf_raise_for_status  # noqa: PLC0415  (slow to import)

        headers = {"Accept-Encoding": "identity"}
        if self.received:
            headers["Range"] = f"bytes={self.received}-"
        with get_session().stream("GET", self._url, headers=headers, timeout=self._timeout_s) as response:
            hf_raise_for_status(response)
            if self.received and response.status_code != 206:
                file.seek(0)
                file.truncate()
                self.received = 0
            for block in response.iter_bytes():
                file.write(block)
                self.received += len(block)
                # More than is pinned is wrong already; an endless file would fill the disk.
                if self.received > self.file.size_bytes or self._given_up.is_set():
                    return
