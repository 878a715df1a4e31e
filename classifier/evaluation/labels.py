"""The labels of a file beside those of a model: raw categories are read through the model's own mapping."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from classifier.data.mapping import CategoryMapping, are_raw, in_words, parse_mapping, read_mapping
from classifier.data.tables import read_rows
from classifier.decision import OUT_OF_SCOPE
from classifier.errors import DataRefused
from classifier.evaluation.replay import PastMessage
from classifier.serving.artefact import Model

AUTO, NONE = "auto", "none"
"""Beside the name of a file: the model's mapping if the labels are raw ones, and no mapping at all."""


def own_mapping(model: Model) -> CategoryMapping | None:
    """The mapping that a model was trained with, under the name it had then."""
    if model.mapping is None:
        return None
    noted = model.provenance["data"].get("mapping") or {}
    return parse_mapping(model.mapping, Path(noted.get("file", "mapping.yml")))


def mapping_for(wanted: str, model: Model, data: Path, category_column: str) -> CategoryMapping | None:
    """What turns the labels of the file `data` into the model's; `wanted`: AUTO, NONE, or the name of a mapping file.

    Raises DataRefused for a mapping that does not read, and for a file without this column.
    """
    if wanted == NONE:
        return None
    if wanted != AUTO:
        return read_mapping(Path(wanted))
    if (own := own_mapping(model)) is None:
        return None
    labels = {row[category_column].strip() for row in read_rows(data, (category_column,))} - {""}
    return own if are_raw(labels, own) else None


def leaves_out_unmapped(model: Model) -> bool:
    """Whether raw categories without a group were left out when it was trained."""
    return bool(model.provenance["data"].get("unmapped"))


def unknown_labels(labels: Iterable[str], categories: Sequence[str], data: Path) -> str | None:
    """What to say of labels that are not among a model's `categories`; raises DataRefused when none of them is.

    Out-of-scope rows can be measured with any model: a person is the right answer.
    """
    counts = Counter(labels)
    unknown = {n: rows for n, rows in counts.most_common() if n not in categories and n != OUT_OF_SCOPE}
    if not unknown:
        return None
    if len(unknown) == len(counts):
        raise DataRefused(
            f"{data}: the model knows none of its {in_words(unknown)}; it knows {', '.join(categories)}"
        )
    return f"The model does not know {in_words(unknown)}: they count as wrong."


def through_own_mapping(messages: list[PastMessage], model: Model) -> tuple[list[PastMessage], str | None]:
    """Messages with the model's groups in place of raw categories, and what to say of it; others as they are.

    A raw category without a group becomes none: what was shown for it is neither right nor wrong.
    """
    own = own_mapping(model)
    counts = Counter(message.category for message in messages if message.category)
    if own is None or not are_raw(counts.keys(), own):
        return messages, None
    mapped = [replace(one, category=own.group_of.get(one.category or "")) for one in messages]
    unmapped = {raw: rows for raw, rows in counts.most_common() if raw not in own.group_of}
    line = f"Raw categories are read through the model's mapping {own.name}, version {own.version}"
    return mapped, f"{line}; it has no group for {in_words(unmapped)}." if unmapped else f"{line}."
