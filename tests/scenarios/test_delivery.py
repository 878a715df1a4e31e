"""Slack promises neither order nor that it says a thing once; people must not notice."""

from collections import Counter

from bot.storage.tables import RequestMessage, SupportRequest
from playground.testing import DeliveryFaults
from tests.scenarios.conftest import ASK_ONE, CLOSE, Desk


def test_duplicated_deliveries_have_one_effect(desk: Desk) -> None:
    """Every event and click comes twice; each person has one request with one card."""
    desk.slack.set_faults(delivery=DeliveryFaults(duplicate=1.0), seed=1)
    desk.start_bot()
    people = [desk.slack.add_person(f"U0D{n}", f"Dana {n}") for n in range(8)]
    for person in people:
        person.dm(f"vpn trouble of {person.id}")
    for person in people:
        desk.sees(person, "This may help")
    desk.slack.eventually(
        lambda: all(told == 2 for told in Counter(d.event_id for d in desk.slack.deliveries()).values())
    )
    assert len(desk.rows(SupportRequest)) == len(people)
    assert [len(desk.cards(person)) for person in people] == [1] * len(people)


def test_reordered_deliveries_end_where_ordered_ones_do(desk: Desk) -> None:
    """Messages and replies arrive shuffled, over two replicas; nothing is lost, nothing is said twice."""
    desk.slack.set_faults(delivery=DeliveryFaults(reorder_window_s=0.5), seed=2)
    desk.start_bot()
    desk.start_bot()
    people = [desk.slack.add_person(f"U0R{n}", f"Robin {n}") for n in range(6)]
    for person in people:
        opener = person.dm("vpn is gone")
        person.reply(opener, "it says error 619")
    for person in people:
        desk.sees(person, "This may help")
    desk.slack.eventually(lambda: len(desk.rows(RequestMessage)) == 12, 20)
    assert len(desk.rows(SupportRequest)) == len(people)
    assert [len(desk.cards(person)) for person in people] == [1] * len(people)


def test_many_messages_at_once_are_each_answered_once(desk: Desk) -> None:
    """Thirty people write in the same moment to two replicas."""
    desk.start_bot()
    desk.start_bot()
    people = [desk.slack.add_person(f"U0M{n}", f"Mika {n}") for n in range(30)]
    for person in people:
        person.dm("vpn, please")
    for person in people:
        desk.sees(person, "This may help", timeout_s=20)
    assert len(desk.rows(SupportRequest)) == len(people)
    assert all(len(desk.cards(person)) == 1 for person in people)


def test_one_person_writing_fast_keeps_their_order(sqlite_desk: Desk) -> None:
    """Five messages in a row are five requests, opened in the order they were written."""
    sqlite_desk.start_bot()
    for number in range(5):
        sqlite_desk.riley.dm(f"vpn problem {number}")
    sqlite_desk.slack.eventually(lambda: len(sqlite_desk.cards(sqlite_desk.riley)) == 5, 20)
    assert [row.text for row in sqlite_desk.rows(SupportRequest)] == [f"vpn problem {n}" for n in range(5)]  # type: ignore[attr-defined]


def test_of_two_clicks_that_contradict_the_first_wins_and_the_second_is_told(sqlite_desk: Desk) -> None:
    """Close and "ask a person" pressed on the same card: one effect, and a private word about the other."""
    sqlite_desk.start_bot()
    riley = sqlite_desk.riley
    riley.dm("vpn")
    card = sqlite_desk.sees(riley, "This may help")
    riley.press(card, CLOSE)
    riley.press(card, ASK_ONE)
    refusal = sqlite_desk.slack.eventually(lambda: next((m for m in riley.from_app() if m.ephemeral), None))
    assert "already closed" in refusal.words
    assert "Undo" in sqlite_desk.sees(riley, "Closed with").buttons
