"""What a model was made of: enough to tell whether it is still current, and to make it again."""

import hashlib
import importlib.metadata
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifier.data.dataset import Dataset, Split
from classifier.encoders.store import Installed
from classifier.errors import DataRefused

_PACKAGES = ("lightgbm", "numpy", "onnxruntime", "py3langid", "scikit-learn", "scipy", "tokenizers")

# Everything between a row of the file and the saved model with its figures; a change in any makes a model stale.
_SOURCES = (
    "data",
    "serving",
    "training",
    "evaluation/asked.py",
    "evaluation/metrics.py",
    "evaluation/evaluate.py",
    "evaluation/rules.py",
    "encoders/session.py",
    "personal_data",
    "decision.py",
    "languages.py",
    "text.py",
)


def code_fingerprint() -> str:
    """SHA-256 over the source of the modules that make a model."""
    here = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in _SOURCES:
        source = here / name
        for path in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def git_commit() -> str | None:
    """The commit of the checkout this code runs from; None outside one, or before the first commit."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def stamp(dataset: Dataset, encoder: Installed, params: str) -> str:
    """One hash of data and its mapping, encoder, `params` in words, code and libraries: the same stamp, the same model."""
    parts = (
        dataset.fingerprint,
        encoder.fingerprint,
        dataset.mapping.sha256 if dataset.mapping else "",
        params,
        code_fingerprint(),
        repr(library_versions()),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of what training ran on."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def data_record(dataset: Dataset, used: dict[str, int], dropped: dict[str, int]) -> dict[str, Any]:
    """The part of the provenance that describes the rows: which file, how many, and which were left out why.

    The hashes are `Dataset`'s; `evaluate` compares the last two. `unmapped`: rows left out of each raw category that the
    mapping has no group for.
    """
    without = {"unlabelled": dataset.unlabelled, "unmapped": sum(dataset.unmapped.values())}
    return {
        "file": dataset.name,
        "sha256": dataset.fingerprint,
        "rows_sha256": dataset.rows_sha256,
        "split_sha256": dataset.split_sha256,
        "rows": len(dataset.examples),
        "twins": dataset.twins,
        "rows_by_category": dataset.counts(),
        "used_by_split": used,
        "mapping": dataset.mapping.as_dict() if dataset.mapping else None,
        "unmapped": dict(dataset.unmapped),
        "left_out": dropped | {reason: rows for reason, rows in without.items() if rows},
    }


def grouping(dataset: Dataset) -> str:
    """One sentence about the rows of `dataset` that are alike an earlier one."""
    line = f"{dataset.twins} of {len(dataset.examples)} rows say nearly the same as an earlier one"
    if dataset.leaks:
        return f"{line}; {dataset.leaks} of them are held out although a fit row is one of them: the figures flatter."
    return f"{line}: they are kept in one split and do not vote for each other."


def is_training_file(provenance: Mapping[str, Any], dataset: Dataset) -> bool:
    """Whether the model was trained on the rows of `dataset`."""
    return bool(provenance["data"].get("rows_sha256") == dataset.rows_sha256)


def held_out(provenance: Mapping[str, Any], dataset: Dataset, split: str) -> str | None:
    """What to say when `split` of `dataset` may hold rows the model has seen; None for its own test rows.

    Raises DataRefused when the rows are the training file's, but split otherwise.
    """
    data = provenance["data"]
    if not is_training_file(provenance, dataset):
        return (
            f"{dataset.name} is not the file the model was trained on ({data['file']}): whether it has seen some of these "
            "rows is not known."
        )
    if data.get("split_sha256") != dataset.split_sha256:
        raise DataRefused(
            f"{dataset.name} is split otherwise than in training, so its {split} rows are not those held out; "
            "use the same --seed and --split-by"
        )
    if added := provenance.get("added"):
        names = ", ".join(one["name"] for one in added)
        return f"The examples of {names}, added later, may be among these rows."
    if provenance.get("refilled"):
        return (
            f"Once measured, the model learned from all rows of {dataset.name}, these too: the honest figures are those of "
            "its metrics.json and MODEL_CARD.md."
        )
    if split != Split.TEST:
        return f"The model was made with {split} rows: the honest figures are those on the test rows alone."
    return None
