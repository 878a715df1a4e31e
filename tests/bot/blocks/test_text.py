"""People's words: read as they were meant, and harmless wherever they are shown."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks.text import SECTION_LIMIT, duration, escape, moment, plain, quote

ANYTHING = st.text(st.characters(codec=None), max_size=200)


@pytest.mark.parametrize(
    ("mrkdwn", "words"),
    [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("ask <@U123|ana> or <@U123>", "ask ana or @U123"),
        ("in <#C1|help>", "in help"),
        ("<!channel> and <!here|here>", "@channel and @here"),
        ("<!subteam^S1|@it-team>", "@it-team"),
        ("see <https://a.example/x|a.example/x>", "see https://a.example/x"),
        ("see <https://a.example|the page>", "see the page (https://a.example)"),
        ("<https://a.example>", "https://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("two\nlines :tada: 🎉", "two\nlines :tada: 🎉"),
        ("nul\x00 and \u202eback\u202c", "nul and back"),
        ("&lt;!channel&gt; typed", "<!channel> typed"),
        ("", ""),
    ],
)
def test_a_message_reads_as_its_author_saw_it(mrkdwn: str, words: str) -> None:
    """Slack's markup becomes words; what nobody can see is gone."""
    assert plain(mrkdwn) == words


@given(ANYTHING, st.integers(10, 300))
def test_escaped_words_are_never_live(words: str, limit: int) -> None:
    """Whatever people write holds no instruction, no NUL and no broken character once escaped, and fits its limit."""
    safe = escape(words, limit)
    assert not re.search(r"[<>\x00\ud800-\udfff]", safe)
    assert not re.search(r"&(?!(amp|lt|gt);)", safe)
    assert len(safe) <= limit
    safe.encode()


@given(ANYTHING)
def test_escaping_loses_nothing(words: str) -> None:
    """What fits is shown whole: read back, it is what was written, less what nobody can see."""
    assert plain(escape(words, 10_000)) == plain(escape(plain(escape(words, 10_000)), 10_000))
    if words.isprintable():
        assert plain(escape(words, 10_000)) == words.strip()


@given(ANYTHING, st.integers(20, 300))
def test_every_quoted_line_is_marked(words: str, limit: int) -> None:
    """No line of a quotation passes for the bot's own words, and it fits its limit."""
    quoted = quote(words, limit)
    assert all(line.startswith("> ") for line in quoted.split("\n"))
    assert len(quoted) <= limit


def test_a_cut_is_shown() -> None:
    """Words that do not fit end in an ellipsis; those that just fit are whole."""
    assert escape("abcde", 5) == "abcde"
    assert escape("abcdef", 5) == "abcd…"
    assert escape("abc&", 5) == "abc…"
    assert quote("x" * 9000).endswith("…")
    assert len(quote("\n" * 9000)) <= SECTION_LIMIT


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (9000, "2.5 h"),
        (4 * 86400, "4 days"),
    ],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    """Lengths of time are said as people say them."""
    assert duration(seconds) == words


def test_a_moment_is_in_the_readers_zone() -> None:
    """A time is Slack's date instruction, with UTC for clients that do not know it."""
    shown = moment(datetime(2026, 3, 2, 9, 5, tzinfo=UTC))
    assert shown == "<!date^1772442300^{date_short_pretty} at {time}|2026-03-02 09:05 UTC>"
