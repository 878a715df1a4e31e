"""Pull mode and the reasons, through the front door on both databases."""

from tests.scenarios.conftest import Desk


def test_an_agent_pulls_and_an_administrator_asks_why(desk: Desk) -> None:
    """With everybody away nothing is offered; who asks gets the request at once; the administrator reads why, and why not."""
    desk.start_bot()
    ana, ben = desk.agents
    for agent in (ana, ben):
        agent.command("/firstline", "away")
        desk.sees(agent, "You are away")
    desk.riley.dm("my screen is broken")
    desk.slack.eventually(lambda: desk.cards(desk.riley))

    ana.command("/firstline", "next")
    desk.sees(ana, "is yours")
    card = desk.sees(ana, "You are helping")
    assert card.buttons == ["Resolve", "Hand back"]
    desk.sees(desk.riley, "will help")
    ana.command("/firstline", "next")
    desk.sees(ana, "Nothing waits")

    morgan = desk.person("U0MORGAN")
    morgan.command("/firstline", "why 1")
    desk.sees(morgan, "Request 1")
    morgan.command("/firstline", "why 1 @Ben Fischer")
    desk.sees(morgan, "Why not")
    ana.command("/firstline", "why")
    desk.sees(ana, "the lower, the better")
    desk.sam.command("/firstline", "why 1")
    desk.sees(desk.sam, "Only agents and administrators")


def test_whoever_accepts_first_has_it(desk: Desk) -> None:
    """Two agents are asked one after the other; the second is quicker, and the first reads that nothing is left to do."""
    desk.start_bot(firstline_hedge_s=0.3)
    desk.riley.dm("my screen is broken")
    first, _ = desk.offer_to()
    second = next(agent for agent in desk.agents if agent.id != first.id)
    _, card = desk.offer_to(second)
    assert "Somebody else was asked before you" in card.words
    second.press(card, "Accept")
    desk.sees(second, "You are helping")
    desk.sees(first, "Somebody else was quicker")
    desk.sees(desk.riley, "will help")
    assert not any("Accept" in message.buttons for agent in desk.agents for message in agent.from_app())
