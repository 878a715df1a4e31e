"""Scoring with trained trees, through LightGBM's C library.

Importing the Python package brings pandas, scikit-learn and pyarrow along wherever they are installed: 137 MB and a second
of start that serving has no use for. The library beside it is all that scoring needs
(https://lightgbm.readthedocs.io/en/stable/C-API.html).
"""

import ctypes
import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.errors import ModelRefused

_FLOAT32, _ROW_MAJOR, _RAW_SCORE, _ALL_ROUNDS = 0, 1, 1, -1


class Booster:
    """A trained booster. Safe to share between threads."""

    def __init__(self, text: str) -> None:
        """`text` must be known to be whole: LightGBM aborts the process on a truncated one. Raises ModelRefused."""
        self._library = _library()
        self._handle = ctypes.c_void_p()
        rounds = ctypes.c_int()
        self._call(
            "BoosterLoadModelFromString", text.encode(), ctypes.byref(rounds), ctypes.byref(self._handle)
        )
        self.label_count = self._number("BoosterGetNumClasses")
        self.width = self._number("BoosterGetNumFeature")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)

    def scores(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw scores before the softmax: float64, shape (n, label_count), of columns (n, width)."""
        rows = np.ascontiguousarray(columns, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise ValueError(f"columns must be of shape (n, {self.width}), not {rows.shape}")
        scores = np.empty((len(rows), self.label_count), dtype=np.float64)
        written = ctypes.c_int64()
        self._call(
            "BoosterPredictForMat",
            self._handle,
            rows.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(_FLOAT32),
            ctypes.c_int32(rows.shape[0]),
            ctypes.c_int32(rows.shape[1]),
            ctypes.c_int(_ROW_MAJOR),
            ctypes.c_int(_RAW_SCORE),
            ctypes.c_int(0),
            ctypes.c_int(_ALL_ROUNDS),
            b"num_threads=1",
            ctypes.byref(written),
            scores.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        )
        return scores

    def _number(self, function: str) -> int:
        found = ctypes.c_int()
        self._call(function, self._handle, ctypes.byref(found))
        return found.value

    def _call(self, function: str, *arguments: object) -> None:
        if getattr(self._library, f"LGBM_{function}")(*arguments) != 0:
            why = self._library.LGBM_GetLastError().decode(errors="replace")
            raise ModelRefused(f"LightGBM: {why.splitlines()[0]}")


@cache
def _library() -> ctypes.CDLL:
    spec = importlib.util.find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise ModelRefused("LightGBM is not installed")
    folder = Path(spec.origin).parent
    found = [path for place in ("lib", "bin") for path in sorted((folder / place).glob("*lightgbm.*"))]
    if not found:
        raise ModelRefused(f"LightGBM's library is not in {folder}")
    library = ctypes.CDLL(str(found[0]))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


def softmax(scores: NDArray[np.float64], temperature: float = 1.0) -> NDArray[np.float64]:
    """Rows of probabilities; a temperature above 1 makes them less certain."""
    scaled = np.asarray(scores, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares
