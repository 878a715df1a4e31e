"""What the documents point to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_named_files_are_there(document: Path) -> None:
    """Each relative link, and each path of ours between backticks, leads somewhere."""
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    missing = [link for link in links if not (document.parent / link).exists()]
    named = re.findall(
        r"`((?:bot|classifier|routing|playground|scripts|migrations|tests|docs)/[\w./-]*)`", text
    )
    missing += [path for path in named if not (ROOT / path).exists()]
    assert missing == []
