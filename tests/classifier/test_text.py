"""What the classifier reads of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import clean, is_greeting, mask_ratio
from classifier.text import MAX_CHARACTERS, has_words


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  VPN \n\n drops\tagain ", "VPN drops again"),
        ("please add <@U012AB3CD> to <#C024BE7LR|finance>", "please add someone to #finance"),
        ("please add <@U012AB3CD|jana>", "please add jana"),
        ("<!channel> the <https://intranet.example.com/x|intranet> is down", "the intranet is down"),
        ("see <https://intranet.example.com/x>", "see <URL>"),
        ("from <mailto:a@example.com|a@example.com>", "from <EMAIL>"),
        ("ask <!subteam^S012|@helpdesk>", "ask helpdesk"),
        ("due <!date^1392734382^{date}|Feb 18>", "due Feb 18"),
        ("R&amp;D drive, 5 &lt; 6", "R&D drive, 5 < 6"),
        ("&lt;@U012AB3CD&gt; is what I typed", "<@U012AB3CD> is what I typed"),
        ("printer :fire::fire: is jammed 😡🔥", "printer is jammed"),
        ("std::vector::size fails", "std::vector::size fails"),
        ("meeting at 10:30:15 sharp", "meeting at 10:30:15 sharp"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("zero\u200bwidth and \u202eturned", "zerowidth and turned"),
        ("cafe\u0301", "café"),
        ("half a pair \ud83d here", "half a pair ? here"),
        (
            "*PC* kaputt, **sehr** _dringend_ und ~egal~ (*bitte*)",
            "PC kaputt, sehr dringend und egal (bitte)",
        ),
        ("rm *.txt and *.pdf, 5*3*2, my_file_name, ****", "rm *.txt and *.pdf, 5*3*2, my_file_name, ****"),
        ("```Error 0x80070005```", "Error 0x80070005"),
        ("شبكة الواي فاي لا تعمل", "شبكة الواي فاي لا تعمل"),
        ("🙏🏽👍", ""),
        ("   ", ""),
    ],
)
def test_a_message_is_read_as_plain_words(written: str, read: str) -> None:
    """Markup, emoji and control characters become plain words or nothing."""
    assert clean(written) == read


@given(st.text())
def test_any_text_becomes_one_line(text: str) -> None:
    """Whatever is typed gives one line that can be encoded, is never too long, and holds no control characters."""
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert len(cleaned) <= MAX_CHARACTERS
    assert cleaned == " ".join(cleaned.split())
    assert "\x00" not in cleaned


def test_a_huge_message_is_cut() -> None:
    """Of 40,000 characters the first 2,000 are read."""
    assert len(clean("vpn is down " * 3_400)) <= MAX_CHARACTERS
    assert clean("vpn is down " * 3_400).startswith("vpn is down")


@pytest.mark.parametrize(
    ("words", "ratio"),
    [
        ("my name is **** and my phone is ****", 2 / 9),
        ("**** **** (****), [redacted].", 1.0),
        ("call me at ***-***-1234 please", 1 / 5),
        ("███ lost his laptop", 1 / 4),
        ("xxx ____ ###", 1.0),
        ("Exxon paid Maxx xx", 0.0),
        ("please send it to <EMAIL>", 0.0),
        ("*important* do not delete", 0.0),
        ("*PC* **is** kaputt", 0.0),
        ("", 0.0),
    ],
)
def test_masked_words_are_counted(words: str, ratio: float) -> None:
    """Only words that stand for something removed count as masked."""
    assert mask_ratio(words) == pytest.approx(ratio)


@pytest.mark.parametrize(
    "text",
    [
        "hi", "Hi!", "hello there", "Good morning :wave:", "hey team 👋", "heyyy", "HELLO", "hi <@U012AB3CD>", ":wave:", "👋",
        "hallo zusammen", "Guten Tag", "moin moin", "Guten Morgen liebes Team", "Grüß Gott",
        "bonjour", "Bonjour à tous !", "salut, ça va ?", "coucou l'équipe",
        "hola", "¡Buenos días!", "Holaaa, ¿qué tal?", "buenas",
        "olá", "Bom dia pessoal", "oi, tudo bem?", "boa tarde",
        "hoi", "Goedemorgen allemaal", "hallo daar", "goede middag",
        "hi, is anyone there?", "hello, how are you?",
    ],
)  # fmt: skip
def test_a_bare_greeting_is_one(text: str) -> None:
    """A greeting in any of the six languages, with company and emoji, says nothing else."""
    assert is_greeting(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "🙏", "hi my vpn is down", "hello printer", "morning, locked out", "hi 4711", "hola no funciona el wifi",
        "bonjour, imprimante en panne", "guten tag drucker", "oi senha", "hoi wachtwoord kwijt", "team", "there", "password",
        "hi ERR_CONNECTION", "hey https://intranet.example.com", "hello 你好 打印机", "thanks", "help",
    ],
)  # fmt: skip
def test_a_message_with_content_is_not_a_greeting(text: str) -> None:
    """One word that is not part of a greeting makes it a request."""
    assert not is_greeting(text)


def test_words_need_letters_or_digits() -> None:
    """Punctuation alone holds no words."""
    assert has_words("0x1")
    assert not has_words("??? !!")
