"""``/firstline next`` and ``/firstline why``: work for whoever asks, and the reasons of what was offered."""

import re
from datetime import datetime

from sqlalchemy.orm import Session

from bot.blocks.message import Message
from bot.blocks.why import pulled_message, why_message
from bot.delivery import say
from bot.deps import Deps
from bot.errors import NotAllowed
from bot.listeners.clicks import Click, answering, read_person
from bot.services.pulling import pull
from bot.services.why import Question, explain

WHY = "why"
_LINK = re.compile(
    r"<?HTTPS?://[^\s<>|]*/ARCHIVES/(?P<channel>[CDG][A-Z0-9]+)/P(?P<s>\d{9,11})(?P<us>\d{6})\b.*"
)
_NUMBER = re.compile(r"#?(\d{1,18})")


def next_request(deps: Deps, session: Session, now: datetime, asked: Click) -> Message:
    """Give an agent who asks for it the next request. Raises NotAllowed."""
    pulled = pull(session, now, **asked.who(), settings=deps.settings)
    if pulled.answered is not None:
        say.taken_over(session, now, pulled.answered, deps.settings, deps.answers)
    return pulled_message(pulled)


def answer_why(deps: Deps, asked: Click) -> None:
    """Explain. Read beforehand, so that nobody who wants to write waits for it."""
    message: Message | NotAllowed
    try:
        with deps.db.reading() as session:
            question = read_question(asked.value)
            explained = explain(session, **asked.who(), question=question, settings=deps.settings)
        message = why_message(explained, deps.answers)
    except NotAllowed as refusal:
        message = refusal
    with answering(deps, asked) as session:
        if isinstance(message, NotAllowed):
            raise message
        say.answer(session, deps.clock(), asked.team_id, asked.response_url, asked.version, message)


def read_question(written: str) -> Question | None:
    """What follows ``why``: a number or a link, a person, both or neither, in any order; None when it is anything else."""
    request_id, message, person = None, None, None
    for word in written.upper().split():
        if (number := _NUMBER.fullmatch(word)) and request_id is None:
            request_id = int(number[1])
        elif (link := _LINK.fullmatch(word)) and message is None:
            message = (link["channel"], f"{link['s']}.{link['us']}")
        elif person is None and (person := read_person(word)):
            continue
        else:
            return None
    return Question(request_id, message, person)
