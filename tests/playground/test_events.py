"""What the app hears of what people do, how it is signed, and what happens when it does not answer."""

import time

import pytest

from playground.errors import ControlError
from playground.faults import DeliveryFaults
from playground.manifest import AppManifest
from playground.testing import DeliveryTiming, PlaygroundServer


def test_every_request_is_signed(slack, app):
    """Slack's own verifier accepts the signature of each request."""
    slack.person("U0RILEY").dm("hello")
    slack.person("U0RILEY").command("/go")
    slack.eventually(lambda: len(app.requests) == 2)
    assert all(received.is_signed for received in app.requests)


def test_a_dm_arrives_in_slacks_shape(slack, app):
    """A DM's event has the wrapper, ids, channel type and rich text that Slack sends."""
    said = slack.person("U0RILEY").dm("my screen is <black> & cold")
    received = slack.eventually(lambda: app.of("message"))[0]
    wrapper, event = received.payload, received.event
    assert wrapper["type"] == "event_callback"
    assert (wrapper["team_id"], wrapper["api_app_id"]) == ("T0PLAY", "A0PLAY")
    assert wrapper["event_id"].startswith("Ev")
    assert wrapper["authorizations"][0]["user_id"] == "U0BOT"
    assert (event["user"], event["channel"], event["channel_type"]) == ("U0RILEY", "D0RILEY", "im")
    assert event["ts"] == event["event_ts"] == said.ts
    assert event["text"] == "my screen is &lt;black&gt; &amp; cold"
    words = event["blocks"][0]["elements"][0]["elements"]
    assert words == [{"type": "text", "text": "my screen is <black> & cold"}]
    assert "bot_id" not in event
    assert event["client_msg_id"]


def test_a_reply_names_its_thread(slack, app, client):
    """A reply carries its parent's ts and author."""
    parent = client.chat_postMessage(channel="D0RILEY", text="which one?")
    riley = slack.person("U0RILEY")
    riley.reply(riley.messages()[0], "the blue one")
    event = slack.eventually(lambda: [r for r in app.of("message") if r.event["user"] == "U0RILEY"])[0].event
    assert (event["thread_ts"], event["parent_user_id"]) == (parent["ts"], "U0BOT")


def test_edits_and_deletions_are_told(slack, app):
    """An edit arrives as message_changed with both versions, a deletion as message_deleted."""
    riley = slack.person("U0RILEY")
    said = riley.dm("my moniter")
    riley.edit(said, "my monitor")
    changed = slack.eventually(
        lambda: [r.event for r in app.of("message") if r.event.get("subtype") == "message_changed"]
    )[0]
    assert changed["message"]["text"] == "my monitor"
    assert changed["previous_message"]["text"] == "my moniter"
    assert changed["message"]["edited"]["user"] == "U0RILEY"
    assert changed["channel"] == "D0RILEY"
    riley.delete(said)
    deleted = slack.eventually(
        lambda: [r.event for r in app.of("message") if r.event.get("subtype") == "message_deleted"]
    )[0]
    assert deleted["deleted_ts"] == said.ts


def test_a_deleted_parent_leaves_a_tombstone(slack, client):
    """A message with replies that is deleted stays as a place for its thread."""
    riley = slack.person("U0RILEY")
    said = riley.dm("help")
    client.chat_postMessage(channel="D0RILEY", text="how?", thread_ts=said.ts)
    riley.delete(said)
    stone, reply = riley.messages()
    assert stone.row["deleted"]
    assert stone.text == "This message was deleted."
    assert reply.text == "how?"


def test_the_apps_own_messages_are_events_too(slack, app, client):
    """What the app posts comes back to it, marked as a bot's."""
    client.chat_postMessage(channel="D0RILEY", text="hi")
    event = slack.eventually(lambda: app.of("message"))[0].event
    assert (event["user"], event["bot_id"]) == ("U0BOT", "B0PLAY")


def test_group_dms_have_their_own_channel_type(slack, app, client):
    """A message in a group DM with the app arrives as an mpim message."""
    channel = client.conversations_open(users="U0RILEY,U0ANA")["channel"]["id"]
    slack.person("U0ANA").say(channel, "I take it from here")
    event = slack.eventually(lambda: app.of("message"))[0].event
    assert event["channel_type"] == "mpim"


def test_conversations_without_the_app_stay_private(slack, app):
    """People's own DMs are not told to the app."""
    ana = slack.person("U0ANA")
    channel = slack.look(lambda p: p.open_conversation(frozenset({"U0ANA", "U0BEN"}), "U0ANA").id)
    ana.say(channel, "psst")
    ana.dm("hello app")
    slack.eventually(lambda: app.of("message"))
    assert [r.event["text"] for r in app.of("message")] == ["hello app"]


def test_a_mention_in_a_channel_is_an_app_mention(slack, app):
    """Naming the app in a channel sends app_mention beside the message."""
    slack.person("U0ANA").say("C0HELP", "@App are you there?")
    event = slack.eventually(lambda: app.of("app_mention"))[0].event
    assert event["text"] == "<@U0BOT> are you there?"


def test_only_subscribed_events_are_sent(app):
    """An event that the manifest does not name is not sent."""
    manifest = AppManifest(events=frozenset({"app_home_opened"}), messages_tab=True)
    with PlaygroundServer(manifest=manifest) as slack:
        slack.set_request_url(app.url)
        slack.person("U0RILEY").dm("anybody?")
        slack.person("U0RILEY").open_home()
        slack.eventually(lambda: slack.deliveries("app_home_opened"))
        assert slack.deliveries("message.im") == []


def test_reactions_are_told(slack, app, client):
    """A reaction names the message it stands on."""
    posted = client.chat_postMessage(channel="D0RILEY", text="done?")
    riley = slack.person("U0RILEY")
    riley.react(riley.messages()[0], "thumbsup")
    event = slack.eventually(lambda: app.of("reaction_added"))[0].event
    assert event["item"] == {"type": "message", "channel": "D0RILEY", "ts": posted["ts"]}


def test_the_request_url_is_verified_by_a_challenge(slack, app):
    """An app that echoes the challenge passes, one that does not fails."""
    app.answer = lambda received: (200, {}, {"challenge": received.payload["challenge"]})
    assert slack.verify_request_url()
    app.answer = lambda received: (200, {}, "")
    assert not slack.verify_request_url()


def test_an_event_is_retried_until_it_is_acknowledged(slack, app):
    """A 500 is retried with Slack's headers and the same event id; after a 200 there is no further attempt."""
    app.answer = lambda received: (500 if len(app.requests) < 3 else 200, {}, "")
    slack.person("U0RILEY").dm("hello")
    slack.eventually(lambda: len(app.requests) == 3)
    time.sleep(0.3)
    first, second, third = app.requests
    assert "x-slack-retry-num" not in first.headers
    assert (second.headers["x-slack-retry-num"], second.headers["x-slack-retry-reason"]) == (
        "1",
        "http_error",
    )
    assert third.headers["x-slack-retry-num"] == "2"
    assert len({r.payload["event_id"] for r in app.requests}) == 1


def test_slack_gives_up_after_three_retries(slack, app):
    """Four attempts are all there are."""
    app.answer = lambda received: (500, {}, "")
    slack.person("U0RILEY").dm("hello")
    slack.eventually(lambda: len(app.requests) == 4)
    time.sleep(0.3)
    assert len(app.requests) == 4


def test_an_app_can_refuse_retries(slack, app):
    """x-slack-no-retry: 1 ends the attempts."""
    app.answer = lambda received: (500, {"X-Slack-No-Retry": "1"}, "")
    slack.person("U0RILEY").dm("hello")
    slack.eventually(lambda: slack.deliveries())
    time.sleep(0.3)
    assert len(app.requests) == 1


def test_a_late_acknowledgement_counts_as_none(app):
    """An answer after the time limit is a timeout, and the event comes again with that reason."""
    timing = DeliveryTiming(ack_timeout_s=0.2, retry_delays_s=(0.05,))

    def slowly_at_first(received):
        if len(app.requests) == 1:
            time.sleep(0.5)
        return 200, {}, ""

    app.answer = slowly_at_first
    with PlaygroundServer(timing=timing) as slack:
        slack.set_request_url(app.url)
        slack.person("U0RILEY").dm("hello")
        slack.eventually(lambda: len(app.requests) == 2)
        assert app.requests[1].headers["x-slack-retry-reason"] == "http_timeout"


def test_an_app_that_is_away_is_found_later(slack, app):
    """When nobody listens the attempt fails as connection_failed, and a retry reaches the app once it is there."""
    slack.set_request_url("http://127.0.0.1:1/slack/events")
    slack.person("U0RILEY").dm("hello")
    slack.eventually(lambda: slack.deliveries())
    slack.set_request_url(app.url)
    slack.eventually(lambda: app.of("message"))
    assert slack.deliveries()[0].outcome == "connection_failed"
    assert app.requests[0].headers["x-slack-retry-reason"] == "connection_failed"


def test_duplicated_delivery_repeats_the_event_id(slack, app):
    """A duplicated event arrives twice with one id."""
    slack.set_faults(delivery=DeliveryFaults(duplicate=1.0))
    slack.person("U0RILEY").dm("hello")
    slack.eventually(lambda: len(app.requests) == 2)
    assert app.requests[0].payload["event_id"] == app.requests[1].payload["event_id"]


def test_dropped_events_never_arrive(slack, app):
    """A dropped event is noted and not sent."""
    slack.set_faults(delivery=DeliveryFaults(drop=1.0))
    slack.person("U0RILEY").dm("hello")
    slack.set_faults()
    slack.person("U0RILEY").dm("again")
    slack.eventually(lambda: app.requests)
    assert [r.event["text"] for r in app.requests] == ["again"]
    assert slack.deliveries()[0].outcome == "dropped"


def test_reordered_events_all_arrive_in_another_order(slack, app):
    """Events of one window arrive shuffled, and all of them."""
    slack.set_faults(delivery=DeliveryFaults(reorder_window_s=0.1), seed=4)
    for number in range(8):
        slack.person("U0RILEY").dm(str(number))
    slack.eventually(lambda: len(app.requests) == 8)
    arrived = [r.event["text"] for r in app.requests]
    assert sorted(arrived) == [str(number) for number in range(8)]
    assert arrived != sorted(arrived)


def test_a_late_event_is_overtaken(slack, app):
    """A late event is sent within its time, after those that came later."""
    slack.set_faults(delivery=DeliveryFaults(late=1.0, late_s=0.5))
    slack.person("U0RILEY").dm("early")
    slack.set_faults()
    slack.person("U0RILEY").dm("later")
    slack.eventually(lambda: len(app.requests) == 2)
    assert [r.event["text"] for r in app.requests] == ["later", "early"]


def test_so_many_events_are_late_as_the_share_says(slack, app):
    """Of a hundred about a third; the others are sent at once, and in the end all have come."""
    slack.set_faults(delivery=DeliveryFaults(late=0.3, late_s=1.0), seed=1)
    texts = [f"{number:03d}" for number in range(100)]
    for text in texts:
        slack.person("U0RILEY").dm(text)
    slack.eventually(lambda: len(app.requests) == 100, timeout_s=20)
    arrived = [r.event["text"] for r in app.requests]
    assert sorted(arrived) == texts
    overtaken = [max(arrived[:position], default="") > text for position, text in enumerate(arrived)]
    assert 15 < sum(overtaken) < 60


def test_all_that_happened_is_kept_for_whoever_wants_it(app):
    """The journal forgets the oldest, or nothing."""
    for kept, remembered in ((2, 2), (None, 5)):
        with PlaygroundServer(journal_kept=kept) as slack:
            slack.set_request_url(app.url)
            for number in range(5):
                slack.person("U0RILEY").dm(str(number))
            slack.eventually(lambda slack=slack: [row.id for row in slack.deliveries()][-1:] == [5])
            assert len(slack.deliveries()) == remembered


def test_uninstalling_ends_the_token(slack, app, client):
    """The app hears of its removal, and its token is refused from then on."""
    slack.uninstall()
    slack.eventually(lambda: app.of("app_uninstalled") and app.of("tokens_revoked"))
    with pytest.raises(Exception, match="account_inactive"):
        client.auth_test()


def test_writing_can_be_turned_off_by_the_manifest():
    """Without a messages tab nobody can write to the app."""
    with PlaygroundServer(manifest=AppManifest(messages_tab=False)) as slack:
        with pytest.raises(ControlError, match="turned off"):
            slack.person("U0RILEY").dm("hello")


def test_instances_do_not_know_each_other(app):
    """Two playgrounds run side by side with their own state."""
    with PlaygroundServer() as one, PlaygroundServer() as other:
        one.person("U0RILEY").dm("only here")
        assert len(one.person("U0RILEY").messages()) == 1
        assert other.person("U0RILEY").messages() == []
