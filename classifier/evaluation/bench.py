"""How long one classification takes, and what it holds in memory."""

import csv
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from classifier.encoders.store import installed
from classifier.text import clean

if TYPE_CHECKING:
    from classifier.serving.serve import Classifier

STARTER = Path(__file__).parents[1] / "starter" / "requests.csv"
TEXTS = 20

_SERVE = """
import sys
from pathlib import Path
from classifier import load
classifier = load(Path(sys.argv[1]), Path(sys.argv[2]))
for number in range(200):
    classifier.decide(f"my laptop does not start since this morning, error {number}")
from classifier.evaluation.bench import resident_mb
print(resident_mb())
"""

TOKENS = (27, 111)
"""A message of a sentence or two, and a long one."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one `decide`, one thread, over `n` calls with texts of about `tokens` tokens.

    `cpu_p95_ms` counts the thread's own processor time, so other programs do not lengthen it.
    """

    tokens: int
    n: int
    p50_ms: float
    p95_ms: float
    cpu_p50_ms: float
    cpu_p95_ms: float


@dataclass(frozen=True, slots=True)
class Bench:
    """`load_s` until the model is open, `first_answer_s` until the first decision, both from before the libraries' import.

    `resident_mb`: the process's resident memory after all calls; where a system does not tell it, the peak's.
    `serving_resident_mb`: that of a process which does nothing but load the model and decide, as a bot does.
    """

    load_s: float
    first_answer_s: float
    timings: tuple[Timing, ...]
    resident_mb: float
    peak_resident_mb: float
    serving_resident_mb: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def bench(model_dir: Path, encoder_dir: Path, calls: int, lengths: Sequence[int] = TOKENS) -> Bench:
    """Load the model and time `calls` decisions for each length in tokens."""
    began = time.perf_counter()
    from classifier.serving.serve import load  # noqa: PLC0415  (its import is a part of the start)

    classifier = load(model_dir, encoder_dir)
    load_s = time.perf_counter() - began
    classifier.decide("my laptop does not start")
    first_answer_s = time.perf_counter() - began
    timings = tuple(
        _time(
            classifier,
            texts_of(length, installed(classifier.encoder_name, encoder_dir).tokenizer),
            length,
            calls,
        )
        for length in lengths
    )
    alone = _serving_resident_mb(model_dir, encoder_dir)
    return Bench(load_s, first_answer_s, timings, resident_mb(), _peak_resident_mb(), alone)


def _serving_resident_mb(model_dir: Path, encoder_dir: Path) -> float:
    """Of a fresh process: this one has read texts and timed them, and a command has libraries of its own."""
    command = [sys.executable, "-c", _SERVE, str(model_dir.resolve()), str(encoder_dir.resolve())]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _time(classifier: "Classifier", texts: Sequence[str], tokens: int, calls: int) -> Timing:
    for text in texts:
        classifier.decide(text)
    took_ms, cpu_ms = [], []
    for call in range(calls):
        began, cpu_began = time.perf_counter(), time.thread_time()
        classifier.decide(texts[call % len(texts)])
        took_ms.append((time.perf_counter() - began) * 1e3)
        cpu_ms.append((time.thread_time() - cpu_began) * 1e3)
    percentiles = (float(value) for series in (took_ms, cpu_ms) for value in np.percentile(series, [50, 95]))
    return Timing(tokens, calls, *percentiles)


def texts_of(tokens: int, tokenizer: Path) -> list[str]:
    """About 20 English texts within two tokens of `tokens`, special ones included: of the starter's messages, one after
    another until there are enough words, and cut there."""
    count = Tokenizer.from_file(str(tokenizer))
    count.no_padding()
    count.no_truncation()
    with STARTER.open(encoding="utf-8", newline="") as file:
        rows = [row["text"] for row in csv.DictReader(file) if row["language"] == "en"]
    words = cycle(clean(" ".join(rows[::7])).split())
    texts: list[str] = []
    while len(texts) < TEXTS:
        chosen: list[str] = []
        while len(count.encode(" ".join(chosen)).ids) < tokens - 2:
            chosen.append(next(words))
        if abs(len(count.encode(" ".join(chosen)).ids) - tokens) <= 2:
            texts.append(" ".join(chosen))
    return texts


def resident_mb() -> float:
    """Of this process."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return _peak_resident_mb()
    return pages * resource.getpagesize() / 2**20


def _peak_resident_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
