"""The cards: complete, harmless, and within Slack's limits whatever is in them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

import routing
from bot.blocks import agent_cards, help, request_cards, satisfaction
from bot.blocks.agent_form import agent_form
from bot.blocks.home import home_blocks
from bot.blocks.message import Message
from bot.blocks.stats import stats_message
from bot.blocks.why import pulled_message, why_message
from bot.lifecycle import OPEN_ASSIGNMENTS, AssignmentState, RequestState
from bot.services.agent_profile import Profile
from bot.services.agents import Presence
from bot.services.assignments import Answered
from bot.services.home import AgentDesk, Home, Overview
from bot.services.periods import Period
from bot.services.pulling import Pulled
from bot.services.satisfaction import LONGEST_COMMENT, Rated
from bot.services.sites import Site
from bot.services.stats import Counts, SatisfactionCounts, Stats
from bot.services.views import OfferView, RequestView, Shown
from bot.services.why import Explained, Why, WhyNotThem
from bot.storage.tables import Satisfaction
from classifier import Answer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NASTY = "<!channel> <@U0BOSS> <https://evil.example|click> & *bold* ```\n" * 150 + "\x00\u202e"
REQUEST = RequestView(
    id=17,
    team_id="T",
    requester_id="URILEY",
    channel_id="D",
    thread_ts="1.1",
    text=NASTY,
    state=RequestState.WAITING,
    category="network_vpn",
    confidence=0.87,
    opened_at=NOW,
    waiting_since=NOW - timedelta(minutes=12),
    deadline_at=NOW + timedelta(hours=4),
    reopened_count=0,
    agent_id="UANA",
)
OFFER = OfferView(93, "UANA", "Why you: <best> & free.", NOW, NOW + timedelta(minutes=2), REQUEST, NASTY)
NASTY_ANSWER = Answer("c", "n", NASTY, tuple([NASTY] * 30), "https://a.example/" + "x" * 4000, True)
STATS = Stats(
    Period.WEEK,
    NOW,
    NOW,
    Counts(
        opened=40,
        suggested=30,
        engaged=20,
        escalated=10,
        abstained=8,
        deflected=12,
        pending=3,
        resolved=9,
        still_open=16,
    ),
    (*((f"{'<' * 60}{n}", Counts(opened=1)) for n in range(30)), (None, Counts(opened=1))),
    (("unsupported_language", 5), ("unsure", 2), ("<a reason of another version>", 1)),
    (("de", 4), ("fr", 1)),
    3.2,
    None,
    7200.0,
    SatisfactionCounts(
        50, 24, 4, 2, ((Satisfaction.BAD, NASTY), (Satisfaction.GOOD, NASTY), (Satisfaction.SO_SO, "ok"))
    ),
)
HOME = Home(
    "UBOSS",
    (REQUEST,) * 10,
    AgentDesk(True, True, True, 5, 3, (OFFER,) * 10, 2),
    Overview(1, 2, 3, STATS, None, "no model at <path>", 1, 0),
)
ANSWERS = {REQUEST.category or "": NASTY_ANSWER}
WHY = Why(
    17,
    REQUEST.category,
    "UANA",
    AssignmentState.OFFERED,
    NOW,
    NASTY,
    -0.5,
    tuple(routing.Term(f"term_{n}", -0.05, NASTY) for n in range(10)),
    routing.RunnerUp("UBEN", -0.4, 0.1),
    None,
    f"If UBEN had 2 tasks in hand instead of 3, {NASTY} would get it.",
    frozenset({"UANA", "UBEN"}),
    0.6,
)
MESSAGES: dict[str, Message] = {
    "question": request_cards.question_card(),
    "one": request_cards.suggestion_card(REQUEST, [Shown(1, 1, "Yes", NASTY_ANSWER)]),
    "two": request_cards.suggestion_card(
        REQUEST, [Shown(1, 1, "Yes", NASTY_ANSWER), Shown(2, 2, "Y" * 75, NASTY_ANSWER)]
    ),
    "closed": request_cards.closed_card(REQUEST, NASTY),
    "closed for good": request_cards.closed_card(REQUEST, NASTY, for_good=True),
    "waiting": request_cards.waiting_card(REQUEST, NASTY, ask_reason=True, thanks=True),
    "in progress": request_cards.in_progress_card(REQUEST),
    "resolved": request_cards.resolved_card(REQUEST, 4 * 86400),
    "resolved for good": request_cards.resolved_card(REQUEST, None),
    "withdrawn": request_cards.withdrawn_card(),
    "how was it": satisfaction.question_card(REQUEST),
    **{
        f"it was {answer}": satisfaction.thanks_card(
            Rated(REQUEST, answer, answer is Satisfaction.BAD, True, 1)
        )
        for answer in Satisfaction
    },
    "offer": agent_cards.offer_card(OFFER, NOW, ANSWERS),
    "accepted": agent_cards.accepted_card(OFFER, NOW, ANSWERS),
    **{f"ended {state}": agent_cards.ended_card(OFFER, state) for state in agent_cards.ENDINGS},
    "introduction": agent_cards.introduction(OFFER),
    "forwarded": agent_cards.forwarded(REQUEST, NASTY),
    "no longer needed": agent_cards.no_longer_needed(REQUEST),
    "nobody free": agent_cards.nobody_free(REQUEST, NASTY, ANSWERS),
    "somebody took": agent_cards.somebody_took(REQUEST),
    "nobody needed": agent_cards.nobody_needed(REQUEST),
    "stats": stats_message(STATS, ANSWERS),
    "no stats": stats_message(replace(STATS, total=Counts()), ANSWERS),
    "help": help.help_message(is_admin=True),
    "why": why_message(
        Explained(
            (
                WHY,
                replace(
                    WHY,
                    terms=(),
                    runner_up=None,
                    flip=None,
                    not_them=WhyNotThem("UBEN", f"no skill for {NASTY}"),
                ),
            )
            * 3,
            for_admin=True,
        ),
        ANSWERS,
    ),
    "why for an agent": why_message(Explained((WHY,), for_admin=False), ANSWERS),
    "site": help.site_message(Site(NASTY[:40], (NASTY[:40], NASTY[40:80]) * 40)),
    "pulled": pulled_message(Pulled(Answered(OFFER, AssignmentState.ACCEPTED, 1))),
    "not pulled": pulled_message(Pulled(None, NASTY)),
    "presence": help.presence_message(Presence("UANA", is_on=False, changed=True)),
    "home": Message("", home_blocks(HOME, ANSWERS)),
    "empty home": Message("", home_blocks(Home("U", (), None, None), ANSWERS)),
}


def texts(blocks: Sequence[Block]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every text object in them, with its block's type."""
    for block in blocks:
        drawn = block.to_dict()  # the SDK refuses what is over a limit it knows
        found: list[Any] = [drawn]
        while found:
            node = found.pop()
            if isinstance(node, dict):
                if node.get("type") in ("mrkdwn", "plain_text"):
                    yield drawn["type"], node
                found += node.values()
            elif isinstance(node, list):
                found += node


@pytest.mark.parametrize("name", MESSAGES)
def test_people_and_answers_cannot_mention_anybody(name: str) -> None:
    """Words from outside never become a mention or a link, and nothing comes alive on its own."""
    message = MESSAGES[name]
    shown = [text for _, text in texts(message.blocks)]
    for words in [message.text, *(text["text"] for text in shown)]:
        assert not any(live in words for live in ("<!channel", "<@U0BOSS", "<https://evil", "\x00", "\u202e"))
    assert all(text.get("verbatim") is True for text in shown if text["type"] == "mrkdwn")


@pytest.mark.parametrize("name", MESSAGES)
def test_within_slacks_limits(name: str) -> None:
    """At most 50 blocks in a message (100 in a view), 3,000 characters in a section, none empty; texts say something."""
    message = MESSAGES[name]
    assert len(message.blocks) <= (100 if "home" in name else 50)
    for kind, text in texts(message.blocks):
        assert 1 <= len(text["text"]) <= {"header": 150}.get(kind, 3000)
    assert "home" in name or 1 <= len(message.text) <= 3000
    for block in message.blocks:
        elements = block.to_dict().get("elements", [])
        ids = [element["action_id"] for element in elements if "action_id" in element]
        assert len(ids) == len(set(ids)), "action ids must be unique in a block"


def buttons(message: Message) -> list[tuple[str, str]]:
    """(label, value) of each button."""
    return [
        (element["text"]["text"], element.get("value", ""))
        for block in message.blocks
        for element in block.to_dict().get("elements", [])
        if element["type"] == "button"
    ]


def test_each_suggestion_has_its_own_button() -> None:
    """Two suggestions have two closing buttons, and a person is one click away; the values hold ids only."""
    answer = Answer("network_vpn", "VPN", "Connect again", ("Quit.", "Start."), "", True)
    one, two = Shown(5, 1, "Yes, close my request", answer), Shown(6, 2, "Yes, close my request", answer)
    assert buttons(request_cards.suggestion_card(REQUEST, [one, two])) == [
        ("Yes, close my request", "17:5"),
        ("Yes, close my request", "17:6"),
        ("None of these - ask a person", "17"),
    ]
    assert buttons(request_cards.suggestion_card(REQUEST, [one]))[-1] == ("Ask a person", "17")


def test_steps_are_numbered() -> None:
    """An answer's steps come in order, numbered."""
    answer = Answer("c", "n", "Connect again", ("Quit & wait.", "Start."), "", True)
    card = request_cards.suggestion_card(REQUEST, [Shown(5, 1, "Yes", answer)])
    assert "1. Quit &amp; wait.\n2. Start." in [text["text"] for _, text in texts(card.blocks)]


def test_an_offer_holds_all_that_is_needed() -> None:
    """The words, category and confidence, waiting time, deadline, the reason, and when it runs out."""
    words = "\n".join(text["text"] for _, text in texts(agent_cards.offer_card(OFFER, NOW, {}).blocks))
    for part in (
        "> &lt;!channel&gt;",
        "network vpn (87% sure)",
        "waiting for 12 min",
        "deadline <!date^",
        "Why you: &lt;best&gt; &amp; free.",
    ):
        assert part in words
    assert "Without an answer by <!date^" in words


@pytest.mark.parametrize(
    ("category", "confidence", "shown"),
    [
        ("network_vpn", 0.35, "Category: perhaps network vpn (35% sure)"),
        ("network_vpn", 0.5, "Category: network vpn (50% sure)"),
        ("network_vpn", None, "Category: network vpn "),
        (None, None, "Category: unknown "),
    ],
)
def test_an_unsure_category_is_only_perhaps(
    category: str | None, confidence: float | None, shown: str
) -> None:
    """A category that is more likely wrong than right is shown as a guess, to agents and to the fallback."""
    request = replace(REQUEST, category=category, confidence=confidence)
    for card in (
        agent_cards.offer_card(replace(OFFER, request=request), NOW, {}),
        agent_cards.nobody_free(request, "nobody is on", {}),
    ):
        assert any(text["text"].startswith(shown) for _, text in texts(card.blocks))


def test_ended_offers_have_nothing_to_press() -> None:
    """Every way an assignment can end has its own sentence and no buttons."""
    ended = set(AssignmentState) - OPEN_ASSIGNMENTS
    assert set(agent_cards.ENDINGS) == ended
    assert len(set(agent_cards.ENDINGS.values())) == len(ended)
    assert all(buttons(agent_cards.ended_card(OFFER, state)) == [] for state in ended)


def test_the_chosen_face_is_shown_and_the_others_can_be_chosen() -> None:
    """Faces have words; thanks name the one that counts, and the rest, with a comment, are a click away."""
    faces = [("🙂 Good", "17"), ("😐 So so", "17"), ("🙁 Bad", "17")]
    assert buttons(MESSAGES["how was it"]) == faces
    assert buttons(MESSAGES["it was good"]) == [*faces[1:], ("Add a comment", "17")]
    assert buttons(MESSAGES["it was bad"]) == [*faces[:2], ("Change my comment", "17")]
    assert "You said: *😐 So so*" in MESSAGES["it was so_so"].text


@pytest.mark.parametrize(("answer", "may_reopen"), [("bad", True), ("bad", False), ("so_so", True)])
def test_who_is_unhappy_reads_how_to_come_back(answer: str, may_reopen: bool) -> None:
    """After a bad answer, and only while a reply would bring the request back."""
    card = satisfaction.thanks_card(Rated(REQUEST, Satisfaction(answer), False, may_reopen, 1))
    words = str([text["text"] for _, text in texts(card.blocks)])
    assert ("Reply in this thread" in words) is (answer == "bad" and may_reopen)


def test_the_comment_form_holds_what_was_written() -> None:
    """Within Slack's limits, with the request's id and nothing else of it, and who will read it."""
    form = satisfaction.comment_form(17, "x" * LONGEST_COMMENT).to_dict()
    (block,) = form["blocks"]
    assert form["private_metadata"] == "17"
    assert block["element"]["initial_value"] == "x" * LONGEST_COMMENT
    assert block["optional"]
    assert "Administrators" in block["hint"]["text"]
    assert len(block["hint"]["text"]) <= 2000
    assert "initial_value" not in satisfaction.comment_form(17, "").to_dict()["blocks"][0]["element"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            SatisfactionCounts(20, 12, 3, 1),
            "Satisfaction: *12 good, 3 so so, 1 bad of 20 asked*; too few answers to say more",
        ),
        (SatisfactionCounts(50, 24, 4, 2), "Satisfaction: *24 good, 4 so so, 2 bad of 50 asked*; 80% good"),
        (SatisfactionCounts(), None),
    ],
)
def test_satisfaction_is_counted_without_the_silent(said: SatisfactionCounts, line: str | None) -> None:
    """A share is of those who answered, from 30 answers on; nobody asked, nothing said."""
    shown = [
        text["text"] for _, text in texts(stats_message(replace(STATS, satisfaction=said), ANSWERS).blocks)
    ]
    assert [words for words in shown if words.startswith("Satisfaction")] == ([line] if line else [])


@pytest.mark.parametrize(
    ("doubt", "words"),
    [
        (0.59, "The answer bot was unsure (41% sure what it is about): that counts as a risk"),
        (0.08, "The answer bot was 92% sure what it is about: that makes it less of a risk"),
        (None, None),
    ],
)
def test_why_tells_how_sure_the_answer_bot_was(doubt: float | None, words: str | None) -> None:
    """To agents and administrators alike; nothing where no model spoke."""
    for for_admin in (True, False):
        told = why_message(Explained((replace(WHY, doubt=doubt),), for_admin=for_admin), ANSWERS)
        shown = [text["text"] for _, text in texts(told.blocks)]
        lines = [line for line in shown if line.startswith("The answer bot")]
        assert len(lines) == (words is not None)
        assert all(line.startswith(words or "") for line in lines)


def test_few_requests_say_so() -> None:
    """Shares of fewer than 30 requests are marked as too few to judge by."""
    few = replace(STATS, total=replace(STATS.total, opened=29))
    assert "too few" in str([text for _, text in texts(stats_message(few, ANSWERS).blocks)])
    assert "too few" not in str([text for _, text in texts(stats_message(STATS, ANSWERS).blocks)])


def test_stats_say_whose_language_was_not_read() -> None:
    """Requests turned away for their language are counted apart, with the languages."""
    told = str([text for _, text in texts(stats_message(STATS, ANSWERS).blocks)])
    assert "5 in a language that the model does not read (de: 4, fr: 1)" in told
    assert "2 too unsure to suggest anything" in told


@pytest.mark.parametrize("is_lost", [True, False])
def test_what_is_lost_is_told_where_it_is_written_anew(is_lost: bool) -> None:
    """On the agent's own App Home, and in the form that its button opens; never without need."""
    desk = AgentDesk(True, False, not is_lost, 5, 3, (), 2)
    home = str([text for _, text in texts(home_blocks(Home("UANA", (), desk, None), ANSWERS))])
    form = str(agent_form(Profile(lost=frozenset({"hours"} if is_lost else ())), 5, ANSWERS).to_dict())
    for told, words in ((home, "*cannot be read* any more"), (form, "cannot be read any more: write it")):
        assert (words in told) == is_lost
