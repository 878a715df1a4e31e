"""The answers behind the suggestions: read from a YAML file that an admin can edit, checked field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from classifier.decision import OUT_OF_SCOPE
from classifier.errors import AnswersRefused

STARTER_ANSWERS = Path(__file__).parent / "starter" / "answers.yml"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown for a category. `name` is for people; `link` may be empty: the admin has not set one."""

    category: str
    name: str
    title: str
    steps: tuple[str, ...]
    link: str
    automatable: bool


def load_answers(path: Path = STARTER_ANSWERS) -> Mapping[str, Answer]:
    """Category -> answer, in the file's order; raises AnswersRefused naming the category and the field."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise AnswersRefused(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise AnswersRefused(f"{path} is not YAML{where}") from error
    if not isinstance(content, dict) or not content:
        raise AnswersRefused(f"{path} must map categories to answers")
    return MappingProxyType({str(key): _answer(str(key), value, path) for key, value in content.items()})


def _answer(category: str, fields: Any, path: Path) -> Answer:
    if category == OUT_OF_SCOPE:
        raise AnswersRefused(f"{path}: {OUT_OF_SCOPE} has no answer, a person takes those requests")
    if not isinstance(fields, dict):
        raise AnswersRefused(f"{path}: {category} must have name, title, steps, link and automatable")
    expected: dict[str, type] = {"name": str, "title": str, "steps": list, "link": str, "automatable": bool}
    for field, kind in expected.items():
        if not isinstance(fields.get(field), kind):
            raise AnswersRefused(f"{path}: {category}.{field} is missing or not a {kind.__name__}")
    unknown = sorted(set(map(str, fields)) - set(expected))
    if unknown:
        raise AnswersRefused(f"{path}: {category} has an unknown field {unknown[0]!r}")
    steps = tuple(str(step).strip() for step in fields["steps"])
    if not steps or not all(steps) or not fields["title"].strip() or not fields["name"].strip():
        raise AnswersRefused(
            f"{path}: {category} needs a name, a title and at least one step, none of them empty"
        )
    link = fields["link"].strip()
    if link and not link.startswith(("https://", "http://")):
        raise AnswersRefused(f"{path}: {category}.link must be empty or begin with https://")
    return Answer(
        category, fields["name"].strip(), fields["title"].strip(), steps, link, fields["automatable"]
    )
