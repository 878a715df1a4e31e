"""A model as a folder: what is in it, how it is written whole or not at all, and how it is refused.

model.txt             LightGBM's own text
views.safetensors     the fitted views' arrays
examples.txt.gz       the cleaned texts learned from, one a line, in the order of the neighbours' rows, then those of added
                      categories in theirs
model.json            labels, temperature, thresholds with their reason, encoder, data, versions, parameters
metrics.json          figures with n and split
MODEL_CARD.md         the same for people
mapping.yml           the mapping file, if its labels are groups of raw categories
manifest.json         SHA-256 of each of the above; its own SHA-256 is the model's id
"""

import errno
import gzip
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from classifier.decision import Thresholds
from classifier.errors import ModelRefused
from classifier.serving.added import AddedCategory, Background
from classifier.serving.neighbours import Electorate
from classifier.serving.views import ViewParams, Views, arrays_of

FORMAT = 3
BOOSTER, ARRAYS, DESCRIPTION = "model.txt", "views.safetensors", "model.json"
EXAMPLES = "examples.txt.gz"
METRICS, CARD, MANIFEST = "metrics.json", "MODEL_CARD.md", "manifest.json"
MAPPING = "mapping.yml"
ID_CHARACTERS = 12
_CONTENTS = (BOOSTER, ARRAYS, EXAMPLES, DESCRIPTION, METRICS, CARD)


@dataclass(frozen=True, slots=True)
class EncoderPin:
    """The encoder a model was trained with; `fingerprint` is `Installed.fingerprint`."""

    name: str
    revision: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model's parts in memory, not yet running. `provenance` says what it was made of.

    `packed_examples`: the texts learned from, as gzip: only an explanation unpacks them. `added`: categories beside the
    trees' `labels`, fitted against `background`.
    `mapping`: the bytes of the mapping file (`data.mapping`), None if rows were labelled with `labels` themselves.
    """

    labels: tuple[str, ...]
    temperature: float
    thresholds: Thresholds
    booster_text: str
    views: Views
    packed_examples: bytes
    encoder: EncoderPin
    provenance: dict[str, Any]
    background: Background
    added: tuple[AddedCategory, ...] = ()
    mapping: bytes | None = None

    @property
    def every_label(self) -> tuple[str, ...]:
        """The trees' labels, then the added ones: the order of a prediction."""
        return self.labels + tuple(category.name for category in self.added)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What is saved as arrays."""
        parts = {"background": self.background.arrays()}
        parts |= {f"added{place}": category.arrays() for place, category in enumerate(self.added)}
        own = {f"{part}/{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        return self.views.arrays() | own


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model read from its folder, every hash checked."""

    model_id: str
    model: Model
    metrics: dict[str, Any]
    card: str


def write_model(model: Model, metrics: dict[str, Any], card: str, folder: Path) -> str:
    """Write the folder in one rename, replacing an older model there; returns the model's id.

    Raises ModelRefused where `check_place` does, or when it cannot be written; the older model stays as it is.
    """
    check_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return _write(model, metrics, card, folder)
    except OSError as error:
        raise ModelRefused(f"the model cannot be written to {folder}: {error.strerror}") from error


def check_place(folder: Path) -> None:
    """Raises ModelRefused where something else than a model is: writing one there would take it away."""
    if not folder.exists():
        return
    ours = {*_CONTENTS, MAPPING, MANIFEST}
    others = sorted({path.name for path in folder.iterdir()} - ours) if folder.is_dir() else [folder.name]
    if others:
        raise ModelRefused(f"{folder} holds what is no model ({others[0]}): name another folder")


def _write(model: Model, metrics: dict[str, Any], card: str, folder: Path) -> str:
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        contents = {
            BOOSTER: model.booster_text.encode(),
            ARRAYS: save_arrays({k: np.ascontiguousarray(v) for k, v in model.arrays().items()}),
            EXAMPLES: model.packed_examples,
            DESCRIPTION: _json(_describe(model)),
            METRICS: _json(metrics),
            CARD: card.encode(),
        }
        if model.mapping is not None:
            contents[MAPPING] = model.mapping
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        contents[MANIFEST] = _json({"format": FORMAT, "files": hashes})
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        staging.chmod(0o755)
        _swap(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _id_of(contents[MANIFEST])


def _swap(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    # A folder cannot be renamed over a full one; between these two lines there is no model, and loading says so.
    old = staging.with_name(f"{staging.name}.old")
    folder.rename(old)
    staging.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read_model(folder: Path) -> SavedModel:
    """Read a model, checking every hash before anything is parsed; raises ModelRefused with one plain line."""
    if not (folder / MANIFEST).exists():
        raise ModelRefused(f"there is no model in {folder}; run: python -m classifier train --out {folder}")
    try:
        manifest = read_file(folder / MANIFEST)
    except OSError as error:
        raise ModelRefused(f"{folder / MANIFEST} cannot be read: {error.strerror}") from error
    contents = {name: _checked(folder / name, digest) for name, digest in _hashes(manifest, folder).items()}
    try:
        text = json.loads(contents[DESCRIPTION])
        labels = tuple(text["labels"])
        arrays = load_arrays(contents[ARRAYS])
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("its arrays hold what is no number")
        model = Model(
            labels=labels,
            temperature=float(text["temperature"]),
            thresholds=Thresholds(**text["thresholds"]),
            booster_text=contents[BOOSTER].decode(),
            views=Views.from_arrays(arrays, len(labels), _view_params(text["views"])),
            packed_examples=contents[EXAMPLES],
            encoder=EncoderPin(**text["encoder"]),
            provenance=text["provenance"],
            background=Background.from_arrays(arrays_of("background", arrays)),
            added=tuple(
                AddedCategory.from_arrays(name, arrays_of(f"added{place}", arrays))
                for place, name in enumerate(text["added"])
            ),
            mapping=contents.get(MAPPING),
        )
        return SavedModel(_id_of(manifest), model, json.loads(contents[METRICS]), contents[CARD].decode())
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelRefused(f"the model in {folder} does not read: {error}") from error


def read_file(path: Path) -> bytes:
    """The bytes of a regular file; OSError for anything else: reading from a pipe would wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    return path.read_bytes()


def _hashes(manifest: bytes, folder: Path) -> dict[str, str]:
    try:
        listed = json.loads(manifest)
        form, hashes = listed["format"], dict(listed["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefused(f"{folder / MANIFEST} is damaged; train again") from error
    if form != FORMAT:
        raise ModelRefused(
            f"the model in {folder} has format {form}, this version reads {FORMAT}; train again"
        )
    missing = [name for name in _CONTENTS if name not in hashes]
    if missing:
        raise ModelRefused(f"{folder / MANIFEST} does not list {', '.join(missing)}; train again")
    strangers = sorted({*hashes} - {*_CONTENTS, MAPPING})
    if strangers:
        raise ModelRefused(
            f"{folder / MANIFEST} lists {strangers[0][:80]!r}, which is no part of a model; train again"
        )
    return {name: hashes[name] for name in (*_CONTENTS, MAPPING) if name in hashes}


def _checked(path: Path, digest: str) -> bytes:
    """The file's bytes. What was hashed is what is parsed: it is read once."""
    try:
        content = read_file(path)
    except FileNotFoundError:
        raise ModelRefused(f"{path} is missing; train again") from None
    except OSError as error:
        raise ModelRefused(f"{path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelRefused(f"{path} was altered or cut short; train again")
    return content


def _describe(model: Model) -> dict[str, Any]:
    return {
        "labels": model.labels,
        "added": [category.name for category in model.added],
        "temperature": model.temperature,
        "thresholds": model.thresholds.as_dict(),
        "views": asdict(model.views.params),
        "encoder": {
            "name": model.encoder.name,
            "revision": model.encoder.revision,
            "fingerprint": model.encoder.fingerprint,
        },
        "provenance": model.provenance,
    }


def _view_params(noted: dict[str, Any]) -> ViewParams:
    voters = {
        name: tuple(Electorate(**one) for one in noted[name]) for name in ("meaning_voters", "wording_voters")
    }
    return ViewParams(**(noted | voters))


def pack_examples(texts: Sequence[str]) -> bytes:
    """The same texts give the same bytes: the time is left out."""
    return gzip.compress("\n".join(texts).encode(), mtime=0)


def unpack_examples(packed: bytes) -> list[str]:
    return gzip.decompress(packed).decode().split("\n")


def _id_of(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:ID_CHARACTERS]


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
