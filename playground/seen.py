"""Messages as tests look at them: the words a person reads, the buttons they see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.block_tree import placed
from playground.errors import not_found
from playground.markup import unescape
from playground.model import JsonObject, Message


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message as one person sees it."""

    message: Message
    row: JsonObject

    @property
    def ts(self) -> str:
        return self.message.ts

    @property
    def channel(self) -> str:
        return self.message.channel

    @property
    def thread_ts(self) -> str | None:
        return self.message.thread_ts

    @property
    def text(self) -> str:
        """The fallback text, as stored."""
        return self.message.text

    @property
    def blocks(self) -> list[JsonObject]:
        return self.message.blocks or []

    @property
    def by_app(self) -> bool:
        return self.message.by_app

    @property
    def ephemeral(self) -> bool:
        return self.message.ephemeral_to is not None

    @property
    def live_mentions(self) -> tuple[str, ...]:
        return self.message.live_mentions

    @property
    def metadata(self) -> JsonObject | None:
        """What people never see; for tests of the app."""
        return self.message.metadata

    @property
    def words(self) -> str:
        """Everything a person reads, blocks included, unescaped, one piece a line."""
        return words_of(self.blocks) if self.blocks else unescape(self.text)

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons, in order."""
        return [s.element["text"]["text"] for s in placed(self.blocks) if s.element["type"] == "button"]


def words_of(blocks: Sequence[JsonObject]) -> str:
    """Every text in blocks, unescaped, one a line."""
    pieces: list[str] = []

    def collect(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                collect(item)
        elif isinstance(node, dict):
            if isinstance(node.get("text"), str):
                pieces.append(unescape(node["text"]))
            for value in node.values():
                collect(value)

    collect(list(blocks))
    return "\n".join(pieces)


def element_named(blocks: Sequence[JsonObject], name: str) -> tuple[str, str]:
    """(action_id, block_id) of the element with this button label or action_id. Raises ControlError when there is none."""
    spots = list(placed(list(blocks)))
    for spot in spots:
        if spot.element["type"] == "button" and spot.element["text"]["text"] == name:
            return spot.action_id, spot.block_id
    for spot in spots:
        if spot.action_id == name:
            return spot.action_id, spot.block_id
    labels = [s.element.get("text", {}).get("text", s.action_id) for s in spots]
    raise not_found(f"no element {name!r} there, only {labels}")
