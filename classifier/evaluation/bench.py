"""How long one classification takes, and what it holds in memory."""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from classifier.data.dataset import STARTER, Split, read_dataset
from classifier.encoders.store import installed
from classifier.serving.serve import load
from classifier.text import clean

TOKENS = 30


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds for one `decide`, one thread, over `n` calls with texts of about TOKENS tokens.

    `cpu_p95_ms` counts the thread's own processor time, so other programs do not lengthen it.
    """

    n: int
    p50_ms: float
    p95_ms: float
    cpu_p95_ms: float
    load_s: float
    resident_mb: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def time_decisions(model_dir: Path, encoder_dir: Path, calls: int) -> Timing:
    """Load the model, warm it up, and time `calls` decisions."""
    started = time.perf_counter()
    classifier = load(model_dir, encoder_dir)
    load_s = time.perf_counter() - started
    texts = texts_of(TOKENS, installed(classifier.encoder_name, encoder_dir).tokenizer)
    for text in texts:
        classifier.decide(text)
    took_ms, cpu_ms = [], []
    for call in range(calls):
        began, cpu_began = time.perf_counter(), time.thread_time()
        classifier.decide(texts[call % len(texts)])
        took_ms.append((time.perf_counter() - began) * 1e3)
        cpu_ms.append((time.thread_time() - cpu_began) * 1e3)
    p50, p95 = np.percentile(took_ms, [50, 95])
    cpu_p95 = np.percentile(cpu_ms, 95)
    return Timing(calls, float(p50), float(p95), float(cpu_p95), load_s, _peak_resident_mb())


def texts_of(tokens: int, tokenizer: Path) -> Sequence[str]:
    """English test rows of the starter data within two tokens of `tokens`, special ones included."""
    count = Tokenizer.from_file(str(tokenizer))
    count.no_padding()
    rows = [e.text for e in read_dataset(STARTER).of(Split.TEST) if e.language == "en"]
    return [text for text in rows if abs(len(count.encode(clean(text)).ids) - tokens) <= 2]


def _peak_resident_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
