"""The HTTP side, over a real socket."""

import json
import socket
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, text
from starlette.applications import Starlette

from bot.edge.guard import BODY_LIMIT_BYTES
from bot.edge.health import Trouble
from bot.edge.server import HttpServer, listen
from bot.errors import CannotListen, PortTaken
from bot.storage.tables import InboxRow

FORM = "application/x-www-form-urlencoded"


def count(database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(InboxRow)) or 0


def test_a_delivery_is_stored_before_it_is_acknowledged(run_edge, database, make_event) -> None:
    """200 means that the row is there; the same delivery again changes nothing."""
    edge = run_edge(database)
    assert edge.deliver(make_event()).status == 200
    assert count(database) == 1
    assert edge.deliver(make_event()).status == 200
    assert count(database) == 1


def test_an_unsigned_delivery_leaves_no_trace(run_edge, sqlite_database, make_event) -> None:
    """401, no row."""
    edge = run_edge(sqlite_database)
    assert edge.send("POST", "/slack/events", json.dumps(make_event()).encode()).status == 401
    assert count(sqlite_database) == 0


def test_a_large_body_is_refused_by_its_announced_length(run_edge, sqlite_database) -> None:
    """413 comes before the body is read."""
    edge = run_edge(sqlite_database)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as client:
        client.sendall(
            b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT_BYTES + 1)
        )
        assert b" 413 " in client.recv(200)


def test_a_large_body_of_unknown_length_is_read_no_further_than_the_limit(run_edge, sqlite_database) -> None:
    """A chunked flood ends at the limit."""
    edge = run_edge(sqlite_database)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as client:
        client.sendall(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"x" * 65_536
        try:
            for _ in range(20):
                client.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        except ConnectionError:
            pass  # it answered and closed while we still sent
        assert b" 413 " in client.recv(200)


def test_a_database_that_is_away_means_503_and_never_200(run_edge, sqlite_database, make_event) -> None:
    """Slack keeps what we cannot, and sends it again."""
    edge = run_edge(sqlite_database)
    with sqlite_database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO inbox_away"))
    assert edge.deliver(make_event()).status == 503


def test_the_handshake_echoes_the_challenge(run_edge, sqlite_database) -> None:
    """Slack accepts the request URL."""
    answered = run_edge(sqlite_database).deliver({"type": "url_verification", "challenge": "abc"})
    assert (answered.status, answered.body) == (200, b"abc")


def test_other_paths_and_methods_are_not_found(run_edge, sqlite_database) -> None:
    """There is nothing else here."""
    edge = run_edge(sqlite_database)
    assert edge.send("GET", "/").status == 404
    assert edge.send("POST", "/slack/event").status == 404
    assert edge.send("POST", "/slack/events/").status == 404
    assert {edge.send(method, "/slack/events").status for method in ("GET", "PUT", "DELETE", "HEAD")} == {404}
    assert edge.send("POST", "/metrics").status == 404
    assert edge.send("GET", "/slack/events").body == b"not found"


@pytest.mark.parametrize("body", [b"\xff", b"{", b"[]", b"a=b", b'{"type":' * 900, b"payload=1"])
def test_no_signed_body_makes_a_traceback(run_edge, sqlite_database, body: bytes) -> None:
    """Malformed bodies are refused in a few words."""
    answered = run_edge(sqlite_database).deliver(body, FORM)
    assert answered.status in (400, 401)
    assert b"Traceback" not in answered.body
    assert len(answered.body) < 100


def modal(callback_id: str) -> dict[str, Any]:
    """A modal without inputs, as Slack sends it when it is handed in."""
    return {
        "id": "V1",
        "type": "modal",
        "callback_id": callback_id,
        "app_installed_team_id": "T1",
        "state": {"values": {}},
    }


def test_a_submitted_modal_is_answered_by_its_listener(run_edge, sqlite_database, bolt) -> None:
    """view_submission needs the listener's answer, so it does not go over the inbox."""

    @bolt.view("ask")
    def submitted(ack):
        ack(response_action="errors", errors={"b": "Too short"})

    payload = {
        "type": "view_submission",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "view": modal("ask"),
    }
    answered = run_edge(sqlite_database).deliver(urlencode({"payload": json.dumps(payload)}).encode(), FORM)
    assert answered.status == 200
    assert answered.json == {"response_action": "errors", "errors": {"b": "Too short"}}
    assert answered.content_type.startswith("application/json")
    assert count(sqlite_database) == 0


def test_a_modal_whose_listener_fails_is_a_503(run_edge, sqlite_database, bolt, caplog) -> None:
    """Slack shows the person that it did not work; nothing of what they wrote is in the log."""

    @bolt.view("ask")
    def submitted(ack, view):
        raise RuntimeError(view["private"])

    payload = {
        "type": "view_submission",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "view": modal("ask") | {"private": "my secret words"},
    }
    answered = run_edge(sqlite_database).deliver(urlencode({"payload": json.dumps(payload)}).encode(), FORM)
    assert answered.status == 503
    assert "RuntimeError" in caplog.text
    assert "secret words" not in caplog.text
    assert b"secret" not in answered.body


def test_a_modal_that_nobody_listens_for_is_acknowledged(run_edge, sqlite_database, caplog) -> None:
    """Bolt would answer 404 and log parts of the body."""
    payload = {
        "type": "view_submission",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "view": modal("secret words"),
    }
    answered = run_edge(sqlite_database).deliver(urlencode({"payload": json.dumps(payload)}).encode(), FORM)
    assert (answered.status, answered.body) == (200, b"")
    assert "secret words" not in caplog.text


def test_no_words_of_people_are_logged(run_edge, sqlite_database, make_event, caplog) -> None:
    """Even at DEBUG neither stored nor refused bodies show up in the log."""
    caplog.set_level("DEBUG")
    edge = run_edge(sqlite_database)
    edge.deliver(make_event("my secret words"))
    edge.deliver(b'{"my secret words"')
    assert "secret words" not in caplog.text


def test_ready_says_what_is_wrong(run_edge, sqlite_database) -> None:
    """Readiness lists its checks by name; a check that fails to answer counts as wrong."""

    def broken() -> Trouble | None:
        raise ValueError

    well = run_edge(sqlite_database, checks={"database": lambda: None})
    ill = run_edge(
        sqlite_database,
        checks={
            "database": lambda: None,
            "slack": lambda: Trouble("token refused", "renew it"),
            "model": broken,
        },
    )
    assert (well.send("GET", "/health/ready").status, well.send("GET", "/health/live").status) == (200, 200)
    answered = ill.send("GET", "/health/ready")
    assert answered.status == 503
    assert answered.json["checks"] == {
        "database": "ok",
        "slack": "token refused",
        "model": "could not be checked: ValueError",
    }
    assert ill.send("GET", "/health/live").status == 200


def test_metrics_show_queues_and_acknowledgements(run_edge, database, make_event) -> None:
    """Prometheus sees rows by state, dead letters, the oldest's age, and how quick acknowledgements are."""
    edge = run_edge(database)
    edge.deliver(make_event())
    shown = edge.send("GET", "/metrics").body.decode()
    assert 'firstline_inbox_rows{state="ready"} 1.0' in shown
    assert "firstline_inbox_dead_letters 0.0" in shown
    assert "firstline_outbox_oldest_age_seconds 0.0" in shown
    assert 'firstline_ack_seconds_count{status="200"} 1.0' in shown


def test_a_body_that_never_comes_does_not_hold_a_place_for_ever(
    run_edge, sqlite_database, monkeypatch
) -> None:
    """A slow sender is let go."""
    monkeypatch.setattr("bot.edge.http.READ_WITHIN_S", 0.2)
    edge = run_edge(sqlite_database)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as client:
        client.sendall(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert b" 400 " in client.recv(200)


def test_a_taken_port_is_named() -> None:
    """Starting beside another program on the port fails in words."""
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with pytest.raises(PortTaken, match=str(port)):
        listen("127.0.0.1", port)
    taken.close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "2001:db8::1", "é" * 300])
def test_an_address_that_is_not_this_machines_is_no_taken_port(host: str) -> None:
    """Another port would not help, so it is not called taken; the setting is named."""
    with pytest.raises(CannotListen, match=r"^HOST cannot be listened on"):
        listen(host, 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_server_that_does_not_start_says_so() -> None:
    """Nobody goes on as if deliveries were taken."""
    listening = listen("127.0.0.1", 0)
    server = HttpServer(Starlette(), listening)
    listening.close()
    with pytest.raises(CannotListen, match=str(server.port)):
        server.start()


def test_many_deliveries_at_once_are_each_stored_once(run_edge, database, make_event) -> None:
    """Concurrent and duplicated deliveries over HTTP end as one row each."""
    edge = run_edge(database)
    statuses: list[int] = []

    def run() -> None:
        for number in range(20):
            statuses.append(edge.deliver(make_event(event_id=f"Ev{number}")).status)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * 80
    assert count(database) == 20


def test_stopping_ends_within_seconds(run_edge, sqlite_database) -> None:
    """An idle connection that is kept alive does not hold up the end."""
    edge = run_edge(sqlite_database)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(500)
        began_s = time.monotonic()
        assert edge.stop()
        assert time.monotonic() - began_s < 4
