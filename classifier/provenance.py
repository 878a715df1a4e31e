"""What a model was made of: enough to tell whether it is still current, and to make it again."""

import hashlib
import importlib.metadata
import subprocess
from pathlib import Path
from typing import Any

from classifier.boosting import BoosterParams
from classifier.data import Dataset
from classifier.encoders.store import Installed
from classifier.features import FeatureParams

_PACKAGES = ("lightgbm", "numpy", "onnxruntime", "py3langid", "scipy", "tokenizers")

# Everything between a row of the file and the saved model; a change in any of them makes a model stale.
_MODULES = (
    "artefact.py",
    "boosting.py",
    "calibration.py",
    "data.py",
    "decision.py",
    "features.py",
    "languages.py",
    "serve.py",
    "text.py",
    "train.py",
    "encoders/session.py",
)


def code_fingerprint() -> str:
    """SHA-256 over the source of the modules that make a model."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in _MODULES:
        digest.update(name.encode() + b"\0" + (here / name).read_bytes())
    return digest.hexdigest()


def git_commit() -> str | None:
    """The commit of the checkout this code runs from; None outside one, or before the first commit."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def stamp(dataset: Dataset, encoder: Installed, features: FeatureParams, boosting: BoosterParams) -> str:
    """One hash of data, encoder, parameters and code: a model with the same stamp would come out the same."""
    parts = (dataset.fingerprint, encoder.fingerprint, repr(features), repr(boosting), code_fingerprint())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of what training ran on."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def data_record(dataset: Dataset, used: dict[str, int], dropped: dict[str, int]) -> dict[str, Any]:
    """The part of the provenance that describes the rows: which file, how many, and which were left out why."""
    return {
        "file": dataset.name,
        "sha256": dataset.fingerprint,
        "rows": len(dataset.examples),
        "rows_by_category": dataset.counts(),
        "used_by_split": used,
        "left_out": dropped,
    }
