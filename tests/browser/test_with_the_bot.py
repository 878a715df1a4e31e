"""What a new user does on the first day, in the browser, with the real bot behind the page."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from playground.manifest import read_manifest
from playground.testing import PlaygroundServer
from tests.scenarios.conftest import ASK_TWO, CLOSE, migrated
from tests.scenarios.conftest import Desk as FrontDesk
from tests.serving import ROOT

from .conftest import OpenDesk

pytestmark = pytest.mark.browser

NAMES = {"U0ANA": "Ana Souza", "U0BEN": "Ben Fischer"}


@pytest.fixture
def front(tmp_path: Path) -> Iterator[FrontDesk]:
    """A playground with the bot at work."""
    with PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml")) as slack:
        front = FrontDesk(slack, migrated(f"sqlite:///{tmp_path}/bot.db"))
        front.start_bot()
        yield front
        front.stop_bots()


def test_a_request_from_first_words_to_numbers(front: FrontDesk, open_desk: OpenDesk) -> None:
    """Suggested, closed, undone, declined by one agent, accepted by another, resolved, and in the stats."""
    desk = open_desk(front.slack.url)
    requester, agent, admin = desk.requester, desk.agent, desk.admin

    requester.say("my vpn drops every few minutes since this morning")
    expect(requester.message("This may help")).to_be_visible()
    requester.press(CLOSE)
    expect(requester.message("Closed with")).to_be_visible()
    requester.press("Undo")
    expect(requester.message("A person will look at this")).to_be_visible()

    first, _offer = front.offer_to()
    agent.become(NAMES[first.id])
    agent.press("Decline")
    [other] = [person for person in front.agents if person.id != first.id]
    front.offer_to(other)
    agent.become(NAMES[other.id])
    expect(agent.message("Why you")).to_be_visible()
    agent.press("Accept")
    expect(requester.message("has taken your request").first).to_be_visible()
    agent.press("Resolve")
    expect(requester.message("marked your request as resolved").first).to_be_visible()

    admin.say("/firstline stats")
    expect(admin.message("1 request")).to_be_visible()
    requester.say("/firstline stats")
    expect(requester.message("Only administrators")).to_be_visible()
    requester.tab("Home")
    expect(requester.home).to_contain_text("my vpn drops every few minutes")


def test_none_of_two_suggestions_brings_a_person(front: FrontDesk, open_desk: OpenDesk) -> None:
    """Pressing "None of these - ask a person" takes the suggestions away; an agent is offered the words, accepts, and both see it."""
    desk = open_desk(front.slack.url)
    requester, agent = desk.requester, desk.agent
    words = "the vpn asks for a password that I never had"

    requester.say(words)
    expect(requester.message("One of these may help").get_by_role("button", name=CLOSE)).to_have_count(2)
    requester.press(ASK_TWO)
    expect(requester.message("A person will look at this")).to_be_visible()
    expect(requester.node.get_by_role("button", name=CLOSE)).to_have_count(0)

    holder, _offer = front.offer_to()
    agent.become(NAMES[holder.id])
    expect(agent.message("A request for you from @Riley Chen")).to_contain_text(words)
    agent.press("Accept")
    expect(agent.message("You are helping @Riley Chen")).to_contain_text(words)
    expect(requester.message("has taken your request").first).to_be_visible()
    for screen in (requester, agent):
        screen.node.get_by_test_id("conversation").filter(has_text="unread").first.click()
        expect(screen.message("will help")).to_contain_text(words)


def test_the_picture_in_the_readme(front: FrontDesk, open_desk: OpenDesk, tmp_path: Path) -> None:
    """A request closed, one offered, numbers for the admin; FIRSTLINE_PICTURE=docs/playground.png takes the README's picture."""
    desk = open_desk(front.slack.url)
    requester, agent, admin = desk.requester, desk.agent, desk.admin
    requester.say("forgot my password and the reset page says my account is locked")
    expect(requester.message("This may help")).to_be_visible()
    requester.press(CLOSE)
    expect(requester.message("Closed with")).to_be_visible()
    requester.say("since this morning the vpn drops every few minutes, always in calls")
    expect(requester.message("Get connected again").last).to_be_visible()
    front.sam.dm("the scanner in the warehouse reads nothing since the update, 40 parcels are waiting")
    holder, _offer = front.offer_to()
    agent.become(NAMES[holder.id])
    expect(agent.message("Why you")).to_be_visible()
    admin.say("/firstline stats")
    expect(admin.message("3 requests")).to_be_visible()
    picture = Path(os.environ.get("FIRSTLINE_PICTURE", tmp_path / "playground.png"))
    desk.picture(picture)
    assert picture.stat().st_size > 20_000
