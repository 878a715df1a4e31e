"""A proposal as a mapping file that a person reads and edits (`data.mapping`), its reasons beside it as comments."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from classifier.decision import OUT_OF_SCOPE
from classifier.errors import DataRefused
from classifier.study.consolidate import Proposal

EXAMPLE_CHARACTERS = 80


def as_yaml(proposal: Proposal, data: str, *, has_outside: bool, with_examples: bool = True) -> str:
    """Version 1 of a mapping; `data`: the file it was made from, `has_outside`: whether rows in it are out of scope.

    Examples are cleaned texts: personal data is out of them as far as it is recognised, which names of people are not.
    """
    return "\n".join(
        [
            *_head(proposal, data, with_examples),
            "version: 1",
            "groups:",
            *(line for name in proposal.groups for line in _group(proposal, name, with_examples)),
            *([f"{OUT_OF_SCOPE}: [{OUT_OF_SCOPE}]"] if has_outside else []),
            *_unmapped(proposal, with_examples),
            "",
        ]
    )


def refuse_existing(path: Path) -> None:
    """Raises DataRefused where there is something already: a mapping is edited by hand, and must not be written over."""
    if path.exists():
        raise DataRefused(f"{path} is there already, and may have been edited: name another file")


def write_new(path: Path, content: str) -> None:
    """Write a file that is not there yet; raises DataRefused when it is, or cannot be written."""
    refuse_existing(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise DataRefused(f"{path} cannot be written: {error.strerror}") from error


def _head(proposal: Proposal, data: str, with_examples: bool) -> Iterator[str]:
    rows = sum(proposal.volumes.values())
    raw, grouped = proposal.raw, proposal.grouped
    yield f"# {len(proposal.volumes)} raw categories of {_comment(data)} ({rows} rows) in {len(proposal.groups)} groups: a proposal by"
    yield "# meaning, confusion and volume. Rename groups, move lines, raise the version with each change; then:"
    yield "#   python -m classifier train --data DATA --mapping THIS_FILE"
    yield f"# In a group: {proposal.kept / rows:.1%} of the rows. A cheap vote, cross-validated, finds"
    yield f"#   the raw category of {raw.accuracy:.1%} (among its two best {raw.two_best:.1%}), the group of"
    yield f"#   {grouped.accuracy:.1%} (among its two best {grouped.two_best:.1%}), on {proposal.measured} rows that chose nothing."
    if with_examples:
        yield "# Examples hold no personal data that is recognised; names of people are not: read before you pass it on."


def _group(proposal: Proposal, name: str, with_examples: bool) -> Iterator[str]:
    members = proposal.groups[name]
    rows = sum(proposal.volumes[raw] for raw in members)
    share = rows / sum(proposal.volumes.values())
    yield f"  {_scalar(name)}:  # {rows} rows, {share:.1%}, {len(members)} raw"
    for raw in members:
        yield f"    - {_scalar(raw)}  # {proposal.volumes[raw]} rows{_example(proposal, raw, with_examples)}"


def _unmapped(proposal: Proposal, with_examples: bool) -> Iterator[str]:
    if not proposal.unmapped:
        return
    yield "# In no group yet. Move each into one, or train with --leave-out-unmapped."
    yield "unmapped:"
    for one in proposal.unmapped:
        near = f", nearest: {_comment(one.nearest)}" if one.nearest else ""
        example = _example(proposal, one.name, with_examples)
        yield f"  - {_scalar(one.name)}  # {one.rows} rows: {one.reason.in_words}{near}{example}"


def _example(proposal: Proposal, raw: str, with_examples: bool) -> str:
    text = proposal.examples.get(raw)
    if not (with_examples and text):
        return ""
    return f"; {_comment(text if len(text) <= EXAMPLE_CHARACTERS else text[:EXAMPLE_CHARACTERS].rstrip() + '...')}"


def _scalar(text: str) -> str:
    """In quotes, so that no name is read as a number, a date or YAML's own."""
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1_000_000)
    return str(quoted).strip()


def _comment(text: str) -> str:
    """On one line, without what YAML does not allow even there."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
