"""Sizes and SHA-256 of files: the only proof the classifier accepts that a file is the one it wants."""

import hashlib
from pathlib import Path

from classifier.encoders.recipes import EncoderFile
from classifier.errors import EncoderRefused


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(path: Path, wanted: EncoderFile) -> None:
    """Raise EncoderRefused unless `path` has exactly the size and hash that are pinned."""
    size = path.stat().st_size
    if size != wanted.size_bytes:
        raise EncoderRefused(f"{wanted.path} has {size:,} bytes, {wanted.size_bytes:,} are pinned: refused")
    digest = sha256_of(path)
    if digest != wanted.sha256:
        raise EncoderRefused(
            f"{wanted.path} hashes to {digest[:12]}..., {wanted.sha256[:12]}... is pinned: refused"
        )
