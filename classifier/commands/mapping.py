"""What the commands that take a mapping file have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from classifier.data.dataset import Dataset
    from classifier.data.mapping import CategoryMapping

MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="Mapping file (YAML): which raw categories make up each group to learn, as consolidate writes it.",
    ),
]
LeaveOutUnmapped = Annotated[
    bool,
    typer.Option(
        "--leave-out-unmapped",
        help="Leave out rows whose raw category the mapping has no group for, and count them.",
    ),
]


def chosen_mapping(path: Path | None, leave_out_unmapped: bool) -> "CategoryMapping | None":
    """The mapping to learn by; raises DataRefused for a file that is none."""
    from classifier.data.mapping import read_mapping

    if leave_out_unmapped and path is None:
        raise typer.BadParameter("goes with --mapping", param_hint="--leave-out-unmapped")
    return read_mapping(path) if path else None


def note_unmapped(dataset: "Dataset") -> None:
    """Say by which mapping rows are read and what was left out, if anything."""
    from classifier.commands.output import note
    from classifier.data.mapping import in_words

    if dataset.mapping is None:
        return
    used = f"Raw categories are read through {dataset.mapping.name}, version {dataset.mapping.version}"
    left = f"; it has no group for {in_words(dataset.unmapped)}: left out" if dataset.unmapped else ""
    note(f"{used}{left}.")
