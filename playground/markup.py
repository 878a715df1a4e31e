"""What a text means in Slack: escapes, links, and which mentions are live.

Only three characters are special: ``& < >``. What stands between ``<`` and ``>`` unescaped is an instruction
(``<!channel>``, ``<@U1>``, ``<#C1>``, a link); escaped it is words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from playground.model import Channel, JsonObject, Person

_LIVE = re.compile(
    r"<(?:!(channel|here|everyone)(?:\|[^<>]*)?|@([UW][A-Z0-9]+)(?:\|[^<>]*)?|#(C[A-Z0-9]+)(?:\|[^<>]*)?|!subteam\^(S[A-Z0-9]+)(?:\|[^<>]*)?)>"
)
_BROADCAST_NAME = re.compile(r"(?<![\w@])@(channel|here|everyone)\b")
_URL = re.compile(r"\bhttps?://[^\s<>|]*[^\s<>|.,;:!?'\")\]]")
_MAIL = re.compile(
    r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+\b"
)  # bounded: a long text must not cost its square
_INSTRUCTION = re.compile(r"<([@#!]|https?:|mailto:)([^<>|]*)(?:\|([^<>]*))?>")


def escape(text: str) -> str:
    """Make the three special characters words."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The words a person reads: the inverse of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed(text: str, people: Iterable[Person], channels: Iterable[Channel]) -> str:
    """What Slack's client makes of what a person types: escaped, with real mentions and links.

    Somebody who types ``<!channel>`` gets words; only ``@channel``, ``@Full Name``, ``#name``, URLs and mail addresses come alive.
    """
    spots = {f"@{person.name}": f"<@{person.id}>" for person in people}
    spots |= {f"#{channel.name}": f"<#{channel.id}|{channel.name}>" for channel in channels if channel.name}
    spots |= {f"@{word}": f"<!{word}>" for word in ("channel", "here", "everyone")}
    names = "|".join(re.escape(name) for name in sorted(spots, key=len, reverse=True))
    pattern = re.compile(
        rf"(?P<url>{_URL.pattern})|(?P<mail>{_MAIL.pattern})|(?<![\w@#])(?P<name>{names})(?!\w)"
    )
    pieces: list[str] = []
    position = 0
    for match in pattern.finditer(text):
        pieces.append(escape(text[position : match.start()]))
        pieces.append(_alive(match, spots))
        position = match.end()
    pieces.append(escape(text[position:]))
    return "".join(pieces)


def _alive(match: re.Match[str], spots: Mapping[str, str]) -> str:
    if match["url"]:
        return f"<{escape(match['url'])}>"
    if match["mail"]:
        return f"<mailto:{match['mail']}|{match['mail']}>"
    return spots[match["name"]]


def live_mentions(
    text: str, blocks: list[JsonObject] | None = None, *, link_names: bool = False
) -> tuple[str, ...]:
    """The mentions that would notify, in order, each once: "channel", "here", "everyone", or an id.

    ``link_names`` is the Web API's option that brings a bare ``@channel`` to life.
    """
    found: dict[str, None] = {}
    for mrkdwn in (text, *_mrkdwn_texts(blocks or [])):
        for match in _LIVE.finditer(mrkdwn):
            found[next(group for group in match.groups() if group)] = None
        if link_names:
            found.update(dict.fromkeys(_BROADCAST_NAME.findall(mrkdwn)))
    for element in _rich_elements(blocks or []):
        target = element.get("user_id") or element.get("range") or element.get("channel_id")
        if isinstance(target, str):
            found[target] = None
    return tuple(found)


def _mrkdwn_texts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _mrkdwn_texts(item)
    elif isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "markdown") and isinstance(node.get("text"), str):
            yield node["text"]
        for value in node.values():
            yield from _mrkdwn_texts(value)


def _rich_elements(node: Any) -> Iterator[JsonObject]:
    if isinstance(node, list):
        for item in node:
            yield from _rich_elements(item)
    elif isinstance(node, dict) and isinstance(node.get("elements"), list):
        for item in node["elements"]:
            if isinstance(item, dict) and item.get("type") in ("user", "broadcast", "channel"):
                yield item
            yield from _rich_elements(item)


def rich_text(text: str, block_id: str) -> list[JsonObject]:
    """The ``rich_text`` block Slack's client sends beside a person's text; formatting marks stay words."""
    elements: list[JsonObject] = []
    position = 0
    for match in _INSTRUCTION.finditer(text):
        elements += _words(text[position : match.start()])
        elements.append(_instruction(*match.groups()))
        position = match.end()
    elements += _words(text[position:])
    return [
        {
            "type": "rich_text",
            "block_id": block_id,
            "elements": [{"type": "rich_text_section", "elements": elements}],
        }
    ]


def _words(text: str) -> list[JsonObject]:
    return [{"type": "text", "text": unescape(text)}] if text else []


def _instruction(mark: str, target: str, label: str | None) -> JsonObject:
    if mark == "@":
        return {"type": "user", "user_id": target}
    if mark == "#":
        return {"type": "channel", "channel_id": target}
    if mark == "!":
        return {"type": "broadcast", "range": target}
    link: JsonObject = {"type": "link", "url": unescape(mark + target)}
    return {**link, "text": label} if label else link
