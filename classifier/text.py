"""The one preparation of text: training, evaluation and the running bot all read a message through `clean`."""

import re
import unicodedata

from classifier.personal_data import redact

MAX_CHARACTERS = 2_000
"""Of the prepared text. Encoders read at most 512 tokens, and the request is in the first sentences."""

_READ_CHARACTERS = 4 * MAX_CHARACTERS  # markup shrinks; what lies beyond this cannot reach the encoder

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_SUBTEAM = re.compile(r"<!subteam\^[^|>]*(?:\|@?([^>]*))?>")
_BROADCAST = re.compile(r"<!(?:here|channel|everyone|group)(?:\|[^>]*)?>")
_PERSON = re.compile(r"<@[UWB][A-Z0-9]*(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#C?[A-Z0-9]*(?:\|([^>]*))?>")
_LINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^|>\s]+)(?:\|([^>]*))?>", re.IGNORECASE)
_SHORTCODE = re.compile(r"(?<!\w)(?<!\w:)(?::(?=[^:\s]*[a-z+])[a-z0-9_+'-]{1,80}:)+(?!\w)")
# *bold*, _italic_ and ~struck~ around something, as Slack and Markdown write them; "****" and "rm *.txt" hold nothing.
_BOLD = re.compile(r"(?<![\w*])(\*{1,2})(?=[^\s*])([^*\n]*[^\s*])\1(?![\w*])")
_ITALIC = re.compile(r"(?<![\w_])_(?=[^\s_])([^_\n]*[^\s_])_(?![\w_])")
_STRUCK = re.compile(r"(?<![\w~])~(?=[^\s~])([^~\n]*[^\s~])~(?![\w~])")
_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s+")
_MASK = re.compile(r"\[?(?:redacted|masked|removed|hidden)\]?", re.IGNORECASE)
_EDGE_PUNCTUATION = ".,;:!?()\"'<>"
_MASK_RUN = re.compile(r"[*•█▇▒░]{2,}")


def clean(text: str) -> str:
    """Plain words of a message: NFC, no markup, no control characters or emoji, personal data as placeholders, single
    spaces, at most 2,000 characters.

    Empty when the message holds nothing but those.
    """
    text = text[:_READ_CHARACTERS]
    # Half a surrogate pair cannot be encoded, and tokenizers raise on it.
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = redact(_unmark(unicodedata.normalize("NFC", text)))
    text = "".join(map(_keep, _SHORTCODE.sub(" ", text)))
    return _SPACE.sub(" ", text).strip()[:MAX_CHARACTERS].rstrip()


def _unmark(text: str) -> str:
    """Slack's markup as plain words; its three entities last, so that typed `&lt;@U1&gt;` stays what was typed."""
    text = _DATE.sub(r"\1", text)
    text = _SUBTEAM.sub(lambda match: match[1] or "a team", text)
    text = _BROADCAST.sub(" ", text)
    text = _PERSON.sub(lambda match: match[1] or "someone", text)
    text = _CHANNEL.sub(lambda match: f"#{match[1]}" if match[1] else "a channel", text)
    text = _LINK.sub(lambda match: match[2] or match[1].removeprefix("mailto:"), text)
    text = text.replace("`", " ")
    text = _STRUCK.sub(r"\1", _ITALIC.sub(r"\1", _BOLD.sub(r"\2", text)))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _keep(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else " "
    if "\ufe00" <= character <= "\ufe0f" or character == "\u20e3":  # emoji presentation, keycap
        return ""
    if "\u2580" <= character <= "\u259f":  # block elements: people mask with them
        return character
    category = unicodedata.category(character)
    if category == "Cf":  # zero-width and bidirectional controls: invisible, and break words apart
        return ""
    if category in {"So", "Cc", "Cs", "Co", "Cn"} or "\U0001f3fb" <= character <= "\U0001f3ff":
        return " "
    return character


def has_words(text: str) -> bool:
    """Whether a cleaned text holds at least one letter or digit."""
    return any(character.isalnum() for character in text)


def word_set(text: str) -> frozenset[str]:
    """The words of a cleaned text without case, order or number: texts with the same set say the same."""
    return frozenset(_WORD.findall(text.casefold()))


def mask_ratio(text: str) -> float:
    """Share of words in [0, 1] that stand for something removed, such as `****` or `[redacted]`; 0 for no words."""
    words = [word.strip(_EDGE_PUNCTUATION) for word in text.split()]
    words = [word for word in words if word]
    return sum(map(_is_mask, words)) / len(words) if words else 0.0


def _is_mask(word: str) -> bool:
    hidden = sum(map(len, _MASK_RUN.findall(_BOLD.sub(r"\2", word))))
    if hidden * 2 >= len(word):
        return True
    # "xxx" and "____", but neither "xx" (a mistyped word) nor "Maxxx".
    return bool(_MASK.fullmatch(word)) or (len(word) >= 3 and set(word.lower()) in ({"x"}, {"_"}, {"#"}))
