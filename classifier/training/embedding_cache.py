"""Embeddings kept between trainings: one file for each encoder, rows found by the hash of their text."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from classifier.encoders.session import Encoder

SAVE_EVERY = 5_000
"""New rows after which the file is written, so that an embedding cut short goes on where it was."""


def text_key(prefix: str, text: str) -> bytes:
    """What a cleaned text's embedding is found by: the hash of what an encoder with this prefix is given."""
    return hashlib.sha256((prefix + text).encode()).digest()


class EmbeddingCache:
    """`<folder>/<encoder fingerprint>.safetensors`; a file that does not open counts as empty."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._path = folder / f"{fingerprint[:32]}.safetensors"
        self._rows: dict[bytes, NDArray[np.float32]] = {}
        if self._path.is_file():
            try:
                stored = load_file(self._path)
            except (SafetensorError, OSError):
                return
            keys = stored["keys"]
            self._rows = {keys[place].tobytes(): row for place, row in enumerate(stored["rows"])}

    def take(self, rows: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Rows that were embedded elsewhere by the same encoder, by their `text_key`."""
        self._rows.update(rows)

    def embed(
        self, encoder: Encoder, texts: Sequence[str], advance: Callable[[], None] = lambda: None
    ) -> NDArray[np.float32]:
        """float32, shape (n_texts, dimensions). Missing rows are embedded one by one, exactly as in serving."""
        keys = [text_key(encoder.recipe.prefix, text) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        for _ in range(len(texts) - len(missing)):
            advance()
        for chunk in _chunks(list(missing.items()), SAVE_EVERY):
            # One thread a core, each with a text of its own: the vectors are those of one thread.
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                for key, row in zip(
                    [key for key, _ in chunk],
                    pool.map(encoder.embed, [text for _, text in chunk]),
                    strict=True,
                ):
                    self._rows[key] = row
                    advance()
            self._save()
        empty = np.zeros((0, encoder.recipe.dimensions), dtype=np.float32)
        return np.stack([self._rows[key] for key in keys]) if keys else empty

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        keys = np.frombuffer(b"".join(self._rows), dtype=np.uint8).reshape(-1, 32)
        partial = self._path.with_suffix(".partial")
        save_file({"keys": keys.copy(), "rows": np.stack(list(self._rows.values()))}, partial)
        partial.replace(self._path)


def _chunks(items: Sequence[tuple[bytes, str]], size: int) -> Iterator[Sequence[tuple[bytes, str]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
