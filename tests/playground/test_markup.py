"""What people type, and what a text means."""

import pytest

from playground.markup import escape, live_mentions, rich_text, typed, unescape
from playground.people import DEFAULT_PEOPLE, default_channels

CHANNELS = default_channels(0)


@pytest.mark.parametrize(
    ("words", "stored"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <@U0ANA>", "&lt;!channel&gt; &lt;@U0ANA&gt;"),
        ("@channel!", "<!channel>!"),
        ("ask @Ana Souza, please", "ask <@U0ANA>, please"),
        ("@Ana", "@Ana"),
        ("in #it-help", "in <#C0HELP|it-help>"),
        ("see https://x.org/a?b=1&c=2.", "see <https://x.org/a?b=1&amp;c=2>."),
        ("(https://x.org)", "(<https://x.org>)"),
        ("mail a.b@example.com", "mail <mailto:a.b@example.com|a.b@example.com>"),
        ("&amp;", "&amp;amp;"),
    ],
)
def test_what_people_type_is_stored_as_slack_does(words, stored):
    """Special characters become entities; names, links and addresses come alive."""
    assert typed(words, DEFAULT_PEOPLE, CHANNELS) == stored


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("<!channel> <!here|here> <!everyone>", ("channel", "here", "everyone")),
        ("<@U0ANA> <@U0ANA|ana> <#C0HELP|x> <!subteam^S1|team>", ("U0ANA", "C0HELP", "S1")),
        ("&lt;!channel&gt; @channel <!date^1^x|y> <https://x.org|!channel>", ()),
    ],
)
def test_only_unescaped_mentions_are_live(text, live):
    """Each live mention is named once; words that look like mentions are not."""
    assert live_mentions(text) == live


def test_link_names_brings_words_to_life():
    """With link_names a bare @channel notifies."""
    assert live_mentions("@channel", link_names=True) == ("channel",)


def test_mentions_in_rich_text_are_live():
    """Elements of rich text that name people or everybody count."""
    assert live_mentions("", rich_text("<@U0ANA> and <!here>", "b")) == ("U0ANA", "here")


@pytest.mark.parametrize("text", ["<&>", "&lt;", "a && b", ""])
def test_escaping_is_undone(text):
    """Unescape is the inverse of escape."""
    assert unescape(escape(text)) == text
