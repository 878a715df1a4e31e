"""/metrics after a day in small: what was done is counted and timed, what stands is shown, and asking is cheap."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update

from bot import VERSION
from bot.edge.gauges import StoredGauges
from bot.ids import EventKind
from bot.lifecycle import RequestState
from bot.services import promise
from bot.services.deciding import Decider
from bot.services.promise import Judged, Promised
from bot.storage import schema
from bot.storage.database import Database, open_engine
from bot.storage.tables import (
    Feedback,
    FeedbackKind,
    InboxRow,
    OutboxRow,
    RowState,
    Suggestion,
    SupportRequest,
)
from playground.faults import FaultKind, FaultRule
from tests.fakes import WordClassifier
from tests.reliability.apparatus.metrics_page import read, value
from tests.reliability.apparatus.rows import inbox_row, outbox_row, request_row
from tests.reliability.apparatus.statements import listening, plan_of, whole_tables
from tests.scenarios.conftest import CLOSE, Desk, utc_now
from tests.serving import ROOT
from tests.sizes import at_full_size

STATEMENTS = (
    5  # of one scrape: inbox, outbox, requests, those who were left waiting, and the schema's revision
)
SETTLED = 20_000 if at_full_size() else 2_000


def test_one_request_is_counted_and_timed(sqlite_desk: Desk) -> None:
    """A message, its answer, a person, an offer, an acceptance, one 429: each shows where it should."""
    bot = sqlite_desk.start_bot()
    slack, riley = sqlite_desk.slack, sqlite_desk.riley
    slack.set_faults(FaultRule(FaultKind.RATE_LIMITED, "chat.postMessage", times=1, retry_after_s=1))
    riley.dm("the projector is on strike")
    agent, offer = sqlite_desk.offer_to(timeout_s=30)
    agent.press(offer, "Accept")
    sqlite_desk.sees(riley, "has taken your request", 30)
    slack.eventually(lambda: value(bot, "firstline_events_total", kind="accepted") == 1, 30)

    shown = read(bot)

    def at(metric: str, /, **labels: str) -> float:
        return shown[metric, tuple(sorted(labels.items()))]

    for kind in (EventKind.OPENED, EventKind.ABSTAINED, EventKind.OFFERED, EventKind.ACCEPTED):
        assert at("firstline_events_total", kind=kind.value) == 1, kind
    assert at("firstline_events_total", kind="expired") == 0
    assert at("firstline_decision_seconds_count", kind="abstain") == 1
    assert at("firstline_handled_seconds_count") >= 2
    assert at("firstline_answer_seconds_count", kind="post") >= 1
    assert at("firstline_answer_seconds_sum", kind="post") >= 1, "the 429's second is part of the wait"
    assert at("firstline_slack_calls_total", method="chat.postMessage", outcome="ratelimited") == 1
    assert at("firstline_slack_calls_total", method="chat.postMessage", outcome="ok") >= 3
    assert at("firstline_slack_call_seconds_count", method="auth.test") == 1
    assert at("firstline_requests", state="in_progress") == 1
    assert at("firstline_waiting_oldest_age_seconds") == 0
    assert at("firstline_model_info", model_id="words-1", encoder="words") == 1
    assert at("firstline_promise_target", of="shown") == 0.9
    assert at("firstline_check_ok", check="threads") == 1
    assert at("firstline_database_up") == 1
    assert at("firstline_job_period_seconds", name="prune") == 3600
    assert time.time() - at("firstline_job_last_success_timestamp_seconds", name="prune") < 120
    assert any(name == "firstline_build_info" and ("version", VERSION) in labels for name, labels in shown)


def test_the_version_is_the_projects() -> None:
    """What /metrics calls it is what pyproject.toml does."""
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()


def test_what_stands_is_shown_by_state_and_age(sqlite_desk: Desk) -> None:
    """Queues with their oldest and their dead, requests late and not, on a desk whose bot has stopped working."""
    bot = sqlite_desk.start_bot(firstline_agents=())
    riley = sqlite_desk.riley
    riley.dm("the projector is on strike")
    sqlite_desk.sees(riley, "A person will look at this", 30)
    past = utc_now() - timedelta(minutes=10)
    with bot.deps.db.writing() as session:
        session.execute(update(SupportRequest).values(waiting_since=past, deadline_at=past))
        for number, state in enumerate((RowState.CLAIMED, RowState.DEAD)):
            lease = {"lease": "x", "lease_until": utc_now() + timedelta(hours=1)} if number == 0 else {}
            session.execute(insert(InboxRow).values(**inbox_row(f"k{number}", state, past), **lease))
        session.execute(insert(OutboxRow).values(**outbox_row("k", RowState.DEAD, past)))
    shown = read(bot)

    def at(metric: str, /, **labels: str) -> float:
        return shown[metric, tuple(sorted(labels.items()))]

    assert at("firstline_inbox_rows", state="claimed") == at("firstline_inbox_dead_letters") == 1
    assert 600 <= at("firstline_inbox_oldest_age_seconds") < 700
    assert at("firstline_outbox_dead_letters") == 1
    assert at("firstline_outbox_oldest_age_seconds") < 600, "what was given up is not waited for"
    assert at("firstline_requests", state="waiting") == at("firstline_waiting_overdue_requests") == 1
    assert 600 <= at("firstline_waiting_oldest_age_seconds") < 700
    sqlite_desk.slack.eventually(
        lambda: value(bot, "firstline_left_waiting_requests", reason="nobody_on") == 1, 30
    )


def test_a_database_that_is_away_leaves_the_rest(sqlite_desk: Desk) -> None:
    """Acknowledgements and calls are still shown, and that the database is away; no 503."""
    bot = sqlite_desk.start_bot()
    with bot.deps.db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO away"))
    shown = read(bot)
    assert shown["firstline_database_up", ()] == 0
    assert ("firstline_inbox_dead_letters", ()) not in shown
    assert ("firstline_ack_seconds_count", (("status", "200"),)) in shown
    assert shown["firstline_check_ok", (("check", "threads"),)] == 1


def test_a_scrape_costs_few_statements(sqlite_desk: Desk) -> None:
    """So many while the promise, which is measured once a minute, is known."""
    bot = sqlite_desk.start_bot()
    read(bot)
    for part in (bot.worker, bot.sender, bot.matcher):
        part.stop(5)
    bot.scheduler.pause()
    with listening(bot.deps.db.engine) as listener:
        read(bot)
    assert 0 < len(listener.asked) <= STATEMENTS, listener.asked


def test_a_scrape_reads_an_index_and_not_the_history(database_url: str) -> None:
    """With thousands of settled rows and closed requests, no statement looks at all of them."""
    engine = open_engine(database_url)
    database, now = Database(engine), utc_now()
    with database.writing() as session:
        session.execute(insert(InboxRow), [inbox_row(f"k{n}", RowState.DONE, now) for n in range(SETTLED)])
        session.execute(insert(OutboxRow), [outbox_row(f"k{n}", RowState.DONE, now) for n in range(SETTLED)])
        session.execute(insert(SupportRequest), [request_row(n, RequestState.CLOSED) for n in range(SETTLED)])
    gauges = StoredGauges(database, utc_now, Decider(WordClassifier()))  # type: ignore[arg-type]
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    with listening(engine) as listener:
        shown = {metric.name for metric in gauges.collect()}
    assert {"firstline_inbox_rows", "firstline_requests", "firstline_promise_alarm"} <= shown
    assert len(listener.asked) == 4
    with engine.connect() as connection:
        for statement, parameters in listener.asked.items():
            plan = plan_of(connection, statement, parameters, as_it_is=True)
            assert not whole_tables(plan, ("inbox", "outbox", "support_requests")), plan
    engine.dispose()


@pytest.mark.parametrize(
    ("right", "n", "rings"),
    [(0, 0, False), (90, 100, False), (84, 100, False), (80, 100, True), (0, 3, True)],
)
def test_the_alarm_rings_when_chance_does_not_explain_it(right: int, n: int, rings: bool) -> None:
    """A promise of .9: of a hundred, 84 right ones can be bad luck, 80 cannot."""
    assert Judged(right, n).is_broken(0.9) is rings


def test_the_promise_is_measured_on_clicks(sqlite_desk: Desk) -> None:
    """Closing says right, until it is undone; "not what I asked" says wrong; asking a person alone says nothing."""
    bot = sqlite_desk.start_bot()
    people = [sqlite_desk.riley, sqlite_desk.sam, sqlite_desk.slack.add_person("U0NIA", "Nia")]
    for person in people:
        person.dm("the vpn drops")
    cards = [sqlite_desk.sees(person, "This may help", 30) for person in people]
    people[0].press(cards[0], CLOSE)
    people[1].press(cards[1], "Ask a person")
    people[2].press(cards[2], CLOSE)
    undo = sqlite_desk.slack.eventually(lambda: people[2].find("Undo"), 30)
    people[2].press(undo, "Undo")
    asked = sqlite_desk.slack.eventually(lambda: people[1].find("Not what I asked"), 30)
    people[1].press(asked, "Not what I asked")
    sqlite_desk.slack.eventually(lambda: len(sqlite_desk.rows(Feedback)) == 5, 30, what="five clicks stored")
    with bot.deps.db.reading() as session:
        judged = promise.measure(session, utc_now(), "words-1")
        assert promise.measure(session, utc_now(), "another-model")[Promised.SHOWN] == Judged(0, 0)
        assert promise.measure(session, utc_now() + timedelta(days=29), "words-1")[Promised.SHOWN].n == 0
    assert judged == {Promised.SHOWN: Judged(1, 2), Promised.ONE: Judged(1, 2)}
    assert value(sqlite_desk.start_bot(), "firstline_promise_measured_share", of="one") == 0.5


def test_two_suggestions_do_not_count_for_the_promise_of_one(sqlite_url: str) -> None:
    """Nor does another model's request; the newest click of a request decides."""
    engine = open_engine(sqlite_url)
    database, now = Database(engine), utc_now()
    with database.writing() as session:
        for number, (model, shown, kinds) in enumerate(
            [
                ("m", 1, [FeedbackKind.ASKED_PERSON, FeedbackKind.DID_NOT_WORK]),
                ("m", 2, [FeedbackKind.ASKED_PERSON, FeedbackKind.NOT_WHAT_I_ASKED]),
                ("m", 2, [FeedbackKind.CLOSED]),
                ("old", 1, [FeedbackKind.NOT_WHAT_I_ASKED]),
            ]
        ):
            row = request_row(number, RequestState.WAITING) | {"model_id": model, "id": number + 1}
            session.execute(insert(SupportRequest).values(**row))
            for position in range(1, shown + 1):
                suggestion = {
                    "request_id": number + 1,
                    "position": position,
                    "category": "c",
                    "probability": 0.5,
                }
                session.execute(insert(Suggestion).values(**suggestion, close_label="Yes", shown_at=now))
            for kind in kinds:
                click = {"team_id": "T1", "request_id": number + 1, "user_id": "U1", "at": now}
                session.execute(insert(Feedback).values(**click, kind=kind))
    with database.reading() as session:
        assert promise.measure(session, now, "m") == {
            Promised.SHOWN: Judged(2, 3),
            Promised.ONE: Judged(1, 1),
        }
    engine.dispose()


def test_the_schema_of_build_info_is_the_codes(sqlite_desk: Desk) -> None:
    """So that a half-done upgrade can be seen."""
    shown = read(sqlite_desk.start_bot())
    assert any(n == "firstline_build_info" and ("schema", schema.head()) in labels for n, labels in shown)
