"""Collects what is wrong with a JSON tree, in the words and with the pointers Slack uses."""

from dataclasses import dataclass, field
from typing import Any

from playground.model import JsonObject

MOST_LEVELS = 100


@dataclass(slots=True)
class Inspection:
    """Problems found so far. Every check reports and goes on, so that an app sees them all at once."""

    problems: list[str] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)

    def report(self, words: str, pointer: str) -> None:
        self.problems.append(f"[ERROR] {words} [json-pointer:{pointer}]")

    def depth(self, node: Any, pointer: str) -> bool:
        """Whether what is nested stays within what the other checks, and JSON itself, can follow."""
        level = [node]
        for _ in range(MOST_LEVELS):
            level = [
                child
                for item in level
                if isinstance(item, dict | list)
                for child in (item.values() if isinstance(item, dict) else item)
            ]
            if not level:
                return True
        self.report(f"must not be nested more than {MOST_LEVELS} levels deep", pointer)
        return False

    def string(
        self, owner: JsonObject, key: str, pointer: str, *, limit: int, required: bool = False
    ) -> str | None:
        """A plain string of 1 to ``limit`` characters."""
        value = self._present(owner, key, pointer, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.report(f"must be a string: {key}", f"{pointer}/{key}")
            return None
        self.length(value, f"{pointer}/{key}", limit)
        return value

    def length(self, value: str, pointer: str, limit: int, *, at_least: int = 1) -> None:
        if len(value) < at_least:
            self.report(f"must be more than {at_least - 1} characters", pointer)
        elif len(value) > limit:
            self.report(f"must be less than {limit + 1} characters", pointer)

    def text(
        self,
        owner: JsonObject,
        key: str,
        pointer: str,
        *,
        limit: int,
        plain: bool = True,
        required: bool = False,
    ) -> None:
        """A text object of 1 to ``limit`` characters; ``plain`` refuses mrkdwn."""
        value = self._present(owner, key, pointer, required)
        if value is not None:
            self.text_object(value, f"{pointer}/{key}", limit=limit, plain=plain)

    def text_object(self, value: Any, pointer: str, *, limit: int, plain: bool = False) -> None:
        if not isinstance(value, dict):
            self.report("must provide an object", pointer)
            return
        kind = value.get("type")
        if kind not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
            self.report("unsupported type" if kind else "missing required field: type", f"{pointer}/type")
        words = value.get("text")
        if not isinstance(words, str):
            self.report("missing required field: text", pointer)
        else:
            self.length(words, f"{pointer}/text", limit)

    def items(
        self,
        owner: JsonObject,
        key: str,
        pointer: str,
        *,
        limit: int,
        at_least: int = 1,
        required: bool = False,
    ) -> list[tuple[Any, str]]:
        """The items of a list, each with its pointer; an over-long list is reported once."""
        value = self._present(owner, key, pointer, required)
        return (
            [] if value is None else self.entries(value, f"{pointer}/{key}", limit=limit, at_least=at_least)
        )

    def entries(self, value: Any, where: str, *, limit: int, at_least: int = 1) -> list[tuple[Any, str]]:
        """The items of what should be a list, each with its pointer."""
        if not isinstance(value, list):
            self.report("must be an array", where)
            return []
        if len(value) < at_least:
            self.report(f"no less than {at_least} items required", where)
        if len(value) > limit:
            self.report(f"no more than {limit} items allowed", where)
        return [(item, f"{where}/{position}") for position, item in enumerate(value[:limit])]

    def choice(self, owner: JsonObject, key: str, pointer: str, allowed: tuple[Any, ...]) -> None:
        if key in owner and owner[key] not in allowed:
            self.report("value must be one of " + ", ".join(map(str, allowed)), f"{pointer}/{key}")

    def url(self, owner: JsonObject, key: str, pointer: str, *, required: bool = False) -> None:
        value = self.string(owner, key, pointer, limit=3000, required=required)
        if value is not None and not value.startswith(("http://", "https://", "mailto:", "slack:")):
            self.report("must be a valid URL", f"{pointer}/{key}")

    def integer(self, owner: JsonObject, key: str, pointer: str, low: int, high: int) -> None:
        value = owner.get(key)
        if value is not None and (
            not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high
        ):
            self.report(f"must be an integer from {low} to {high}", f"{pointer}/{key}")

    def _present(self, owner: JsonObject, key: str, pointer: str, required: bool) -> Any:
        value = owner.get(key)
        if value is None and required:
            self.report(f"missing required field: {key}", pointer)
        return value
