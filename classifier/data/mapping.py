"""A mapping file: which raw categories make up each group that a model learns.

    version: 3
    groups:
      hardware: [Printer, Laptop, Docking station]
      network: [VPN, Wi-Fi]
    out_of_scope: [Canteen]          # optional: known to the model, never suggested
    unmapped: [Miscellaneous]        # optional: in no group yet; training refuses them or is told to leave them out

It is kept beside the data and changed by people, so it has a version of their own and a hash of its bytes; a model's
provenance tells both, and its folder keeps the file.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from classifier.data.tables import Row
from classifier.decision import OUT_OF_SCOPE
from classifier.errors import DataRefused

UNMAPPED = "unmapped"
"""The field that lists raw categories of which nobody has said yet where they belong."""

_FIELDS = ("version", "groups", OUT_OF_SCOPE, UNMAPPED)
_NAMED = 10
"""Raw categories that a refusal names; of more it says how many."""


@dataclass(frozen=True, slots=True)
class CategoryMapping:
    """`group_of`: raw category -> its group, which is OUT_OF_SCOPE for those listed as such. `content`: the file's bytes.

    `unmapped`: raw categories that the file lists as being in no group; they are treated like those it does not name.
    """

    name: str
    version: int
    content: bytes
    group_of: Mapping[str, str]
    unmapped: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def groups(self) -> frozenset[str]:
        """All that a model can learn from it, OUT_OF_SCOPE with them if something is listed there."""
        return frozenset(self.group_of.values())

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
    except OSError as error:
        raise DataRefused(f"{path} cannot be read: {error.strerror}") from error
    return parse_mapping(content, path)


def parse_mapping(content: bytes, path: Path) -> CategoryMapping:
    """The mapping in a file's bytes; `path` is what a refusal calls it."""
    version, groups, unmapped = _checked(_fields(content, path), path)
    group_of: dict[str, str] = {}
    for group, raw_categories in [*groups.items(), (UNMAPPED, unmapped)]:
        for raw in _raw_categories(raw_categories, group, path):
            if raw in group_of:
                twice = (
                    f"in {group_of[raw]} and in {group}" if group_of[raw] != group else f"twice in {group}"
                )
                raise DataRefused(f"{path}: {raw!r} is {twice}")
            group_of[raw] = group
    grouped = {raw: group for raw, group in group_of.items() if group != UNMAPPED}
    left = tuple(raw for raw, group in group_of.items() if group == UNMAPPED)
    return CategoryMapping(path.name, version, content, MappingProxyType(grouped), left)


def _fields(content: bytes, path: Path) -> Any:
    try:
        return yaml.load(content.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise DataRefused(f"{path} is not UTF-8; save the file in that encoding") from error
    except RecursionError:
        raise DataRefused(f"{path}: nested too deeply") from None
    except ValueError as error:  # 2026-13-45 or 0b_ without quotes: to YAML a date or a number, and none
        raise DataRefused(f"{path}: {error}; put quotes around what is no date and no number") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise DataRefused(
            f"{path}{where}: not YAML: {getattr(error, 'problem', None) or 'damaged'}"
        ) from error


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: YAML would keep the last, and a whole group would be gone unnoticed."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for name in (name for name, count in keys.items() if count > 1):
            raise yaml.constructor.ConstructorError(None, None, f"{name!r} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _checked(fields: Any, path: Path) -> tuple[int, dict[str, Any], list[Any]]:
    """The version, the groups with out_of_scope as one of them, and what is listed as unmapped."""
    if not isinstance(fields, dict):
        raise DataRefused(f"{path} must have version and groups")
    if unknown := sorted(set(map(str, fields)) - set(_FIELDS)):
        raise DataRefused(f"{path} has an unknown field {unknown[0]!r}; there are {', '.join(_FIELDS)}")
    version, groups = fields.get("version"), fields.get("groups")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataRefused(f"{path}: version must be a whole number from 1 on")
    if not isinstance(groups, dict) or not groups:
        raise DataRefused(f"{path}: groups must be lists of raw categories, each under its name")
    if not all(isinstance(name, str) and name.strip() for name in groups):
        raise DataRefused(
            f"{path}: the name of each group must be text (in quotes, if it looks like a number)"
        )
    for name in {OUT_OF_SCOPE, UNMAPPED} & groups.keys():
        raise DataRefused(f"{path}: {name} is no group; list its raw categories beside groups")
    unmapped = fields.get(UNMAPPED) or []
    if not isinstance(unmapped, list):
        raise DataRefused(f"{path}: {UNMAPPED} must be a list of raw categories")
    # An empty list there is a list nobody needed yet.
    outside = fields.get(OUT_OF_SCOPE)
    return version, groups | ({OUT_OF_SCOPE: outside} if outside else {}), unmapped


def _raw_categories(listed: Any, group: str, path: Path) -> list[str]:
    if not isinstance(listed, list) or (not listed and group != UNMAPPED):
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

    Raises DataRefused for raw categories that are in no group, with their rows, unless they are to be left out.
    """
    unmapped = Counter(raw for row in rows if (raw := row[column].strip()) and raw not in mapping.group_of)
    left_out = dict(sorted(unmapped.items(), key=lambda item: (-item[1], item[0])))
    if left_out and not leave_out_unmapped:
        raise DataRefused(
            f"{mapping.name} has no group for {in_words(left_out)}: add them to it, or leave their rows out with "
            "--leave-out-unmapped"
        )
    kept = [
        row | {column: mapping.group_of.get(row[column].strip(), "")}
        for row in rows
        if row[column].strip() not in left_out
    ]
    return Mapped(kept, left_out)


def in_words(unmapped: Mapping[str, int]) -> str:
    """Categories with their rows, on one line: the first few by name, and how many there are."""
    named = ", ".join(f"{' '.join(raw.split())} ({rows})" for raw, rows in list(unmapped.items())[:_NAMED])
    more = f" and {len(unmapped) - _NAMED} more" if len(unmapped) > _NAMED else ""
    total = sum(unmapped.values())
    categories, rows = "category" if len(unmapped) == 1 else "categories", "row" if total == 1 else "rows"
    return f"{len(unmapped)} {categories} with {total} {rows} ({named}{more})"


def are_raw(labels: Collection[str], mapping: CategoryMapping) -> bool:
    """Whether these labels are the raw categories of the mapping instead of its groups.

    A group may be called like one of its raw categories, so what decides is a label that is no group's name.
    """
    others = set(labels) - mapping.groups
    return bool(others & mapping.group_of.keys())
