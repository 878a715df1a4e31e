"""How the help was, through the front door on both databases: asked in the thread, answered, changed, counted, forgotten."""

from typing import Any

from sqlalchemy import select

from bot.storage.tables import SatisfactionQuestion
from tests.scenarios.conftest import CLOSE, Desk

QUESTION = "How was the help"


def resolve_one(desk: Desk) -> None:
    """Riley writes, and whoever is offered the request resolves it."""
    desk.riley.dm("my screen is broken")
    agent, offer = desk.offer_to()
    agent.press(offer, "Accept")
    work = desk.slack.eventually(
        lambda: next((m for m in reversed(agent.from_app()) if "Resolve" in m.buttons), None)
    )
    agent.press(work, "Resolve")


def test_a_requester_says_how_the_help_was(desk: Desk) -> None:
    """One question in the thread; a face, another face, a comment; administrators read it in the numbers."""
    desk.start_bot()
    riley, morgan = desk.riley, desk.person("U0MORGAN")
    resolve_one(desk)
    question = desk.sees(riley, QUESTION)
    assert question.buttons == ["🙂 Good", "😐 So so", "🙁 Bad"]
    riley.press(question, "🙁 Bad")
    thanks = desk.sees(riley, "You said: *🙁 Bad*")
    assert thanks.ts == question.ts
    riley.press(thanks, "🙂 Good")
    thanks = desk.sees(riley, "You said: *🙂 Good*")

    riley.press(thanks, "Add a comment")
    (form,) = riley.modals
    assert riley.submit(form, {"comment": {"comment": "Ana was quick, xylophonequokka"}})["ok"]
    assert riley.modals == []
    changed = desk.slack.eventually(
        lambda: next((m for m in riley.from_app() if "Change my comment" in m.buttons), None)
    )
    riley.press(changed, "Change my comment")
    (form,) = riley.modals
    assert "xylophonequokka" in str(form.blocks)

    morgan.command("/firstline", "stats")
    stats = desk.sees(morgan, "*1 good, 0 so so, 0 bad of 1 asked*")
    assert "> Ana was quick" in stats.words
    assert sum(QUESTION in message.words for message in riley.from_app()) == 1

    riley.dm("the vpn drops")
    riley.press(desk.sees(riley, "This may help"), CLOSE)
    desk.sees(riley, "Closed with")
    assert len(desk.rows(SatisfactionQuestion)) == 1


def test_a_comment_is_forgotten_with_its_writer(desk: Desk) -> None:
    """After erasing, the answer is still counted and no word of the comment is left."""
    bot = desk.start_bot()
    riley, morgan = desk.riley, desk.person("U0MORGAN")
    resolve_one(desk)
    riley.press(desk.sees(riley, QUESTION), "🙂 Good")
    riley.press(desk.sees(riley, "You said"), "Add a comment")
    (form,) = riley.modals
    assert riley.submit(form, {"comment": {"comment": "call me at the lake"}})["ok"]

    def question() -> Any:
        with bot.deps.db.reading() as session:
            return session.scalars(select(SatisfactionQuestion)).one()

    assert question().comment == "call me at the lake"
    morgan.command("/firstline", "erase @Riley Chen")
    morgan.press(desk.sees(morgan, "Forget"), "Forget this person")
    desk.sees(morgan, "Forgotten: 1 requests")
    assert (question().answer, question().comment) == ("good", None)
