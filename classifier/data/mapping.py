"""A mapping file: which raw categories make up each group that a model learns.

    version: 3
    groups:
      hardware: [Printer, Laptop, Docking station]
      network: [VPN, Wi-Fi]
    out_of_scope: [Canteen]          # optional: known to the model, never suggested

It is kept beside the data and changed by people, so it has a version of their own and a hash of its bytes; a model's
provenance tells both.
"""

import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from classifier.data.tables import Row
from classifier.decision import OUT_OF_SCOPE
from classifier.errors import DataRefused

_FIELDS = {"version", "groups", "out_of_scope"}


@dataclass(frozen=True, slots=True)
class CategoryMapping:
    """`group_of`: raw category -> its group, which is OUT_OF_SCOPE for those listed as such. `sha256`: of the file."""

    name: str
    version: int
    sha256: str
    group_of: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """What provenance tells of it."""
        return {"file": self.name, "version": self.version, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Mapped:
    """Rows with their group as category, and how many rows of which unmapped category were left out."""

    rows: list[Row]
    left_out: dict[str, int]


def read_mapping(path: Path) -> CategoryMapping:
    """Read and check a mapping file; raises DataRefused in one line that names the group or the raw category."""
    try:
        content = path.read_bytes()
        fields = yaml.load(content.decode("utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise DataRefused(
            f"{path}{where}: not YAML: {getattr(error, 'problem', None) or 'damaged'}"
        ) from error
    version, groups = _checked(fields, path)
    group_of: dict[str, str] = {}
    for group, raw_categories in groups.items():
        for raw in _raw_categories(raw_categories, group, path):
            if raw in group_of:
                twice = (
                    f"in {group_of[raw]} and in {group}" if group_of[raw] != group else f"twice in {group}"
                )
                raise DataRefused(f"{path}: {raw!r} is {twice}")
            group_of[raw] = group
    sha256 = hashlib.sha256(content).hexdigest()
    return CategoryMapping(path.name, version, sha256, MappingProxyType(group_of))


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: YAML would keep the last, and a whole group would be gone unnoticed."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for name in (name for name, count in keys.items() if count > 1):
            raise yaml.constructor.ConstructorError(None, None, f"{name!r} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _checked(fields: Any, path: Path) -> tuple[int, dict[str, Any]]:
    """The version, and the groups with out_of_scope as one of them."""
    if not isinstance(fields, dict):
        raise DataRefused(f"{path} must have version and groups")
    if unknown := sorted(set(map(str, fields)) - _FIELDS):
        raise DataRefused(
            f"{path} has an unknown field {unknown[0]!r}; there are version, groups and out_of_scope"
        )
    version, groups = fields.get("version"), fields.get("groups")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataRefused(f"{path}: version must be a whole number from 1 on")
    if not isinstance(groups, dict) or not groups:
        raise DataRefused(f"{path}: groups must be lists of raw categories, each under its name")
    if not all(isinstance(name, str) and name.strip() for name in groups):
        raise DataRefused(
            f"{path}: the name of each group must be text (in quotes, if it looks like a number)"
        )
    if OUT_OF_SCOPE in groups:
        raise DataRefused(f"{path}: {OUT_OF_SCOPE} is no group; list its raw categories beside groups")
    # An empty list there is a list nobody needed yet.
    return version, groups | ({OUT_OF_SCOPE: outside} if (outside := fields.get(OUT_OF_SCOPE)) else {})


def _raw_categories(listed: Any, group: str, path: Path) -> list[str]:
    if not isinstance(listed, list) or not listed:
        raise DataRefused(f"{path}: {group} must list at least one raw category")
    for raw in listed:
        if not isinstance(raw, str) or not raw.strip():
            raise DataRefused(
                f"{path}: {raw!r} in {group} must be text (in quotes, if it looks like a number)"
            )
    return [raw.strip() for raw in listed]


def apply(
    rows: Sequence[Row],
    mapping: CategoryMapping,
    *,
    column: str = "category",
    leave_out_unmapped: bool = False,
) -> Mapped:
    """The same rows with the group of their raw category in `column`; those without a category are let through.

    Raises DataRefused naming every raw category that is not mapped, with its rows, unless they are to be left out.
    """
    unmapped = Counter(raw for row in rows if (raw := row[column].strip()) and raw not in mapping.group_of)
    left_out = dict(sorted(unmapped.items(), key=lambda item: (-item[1], item[0])))
    if left_out and not leave_out_unmapped:
        named = ", ".join(f"{raw} ({count})" for raw, count in left_out.items())
        raise DataRefused(f"not in {mapping.name}, with the rows of each: {named}")
    kept = [
        row | {column: mapping.group_of.get(row[column].strip(), "")}
        for row in rows
        if row[column].strip() not in left_out
    ]
    return Mapped(kept, left_out)
