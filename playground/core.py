"""The parts together. Whatever happens in the workspace passes through here: it is stored, those who watch are told, and so is the app."""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from playground.changes import Changes, What
from playground.delivery import Delivery, Letter
from playground.errors import bad_request
from playground.faults import FaultPlan
from playground.journal import DeliveryKind, Journal
from playground.markup import live_mentions
from playground.model import BOT_USER, SLACKBOT, Channel, ConversationKind, JsonObject, Message
from playground.options import PlaygroundOptions
from playground.payloads import event_json, message_json
from playground.rate_limit import Buckets
from playground.sockets import Sockets
from playground.triggers import Tickets
from playground.workspace import Clock, Workspace

GROUP_DM_LIMIT = 8


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Playground:
    """One small Slack. Every method is called on the event loop's thread."""

    def __init__(
        self,
        options: PlaygroundOptions,
        base_url: str,
        *,
        clock: Clock = utc_now,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self.base_url = base_url
        self.clock = clock
        self._monotonic_s = monotonic_s
        self.journal = Journal(options.journal_kept)
        self.changes = Changes()
        self.sockets = Sockets(self.changes)
        self.delivery = Delivery(
            clock=clock,
            journal=self.journal,
            changes=self.changes,
            sockets=self.sockets,
            signing_secret=options.signing_secret,
            timing=options.timing,
        )
        self._begin()

    def _begin(self) -> None:
        self.workspace = Workspace(self.clock, self.options.manifest.name)
        self.tickets = Tickets()
        self.buckets = (
            Buckets(self.options.rate_limit, self._monotonic_s) if self.options.rate_limit else None
        )
        self.uploads: dict[str, str] = {}
        self.is_installed = True

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong at present; the delivery follows the same plan."""
        return self.delivery.faults

    @faults.setter
    def faults(self, plan: FaultPlan) -> None:
        self.delivery.faults = plan

    def reset(self) -> None:
        """Back to the start: nothing said, nobody new, no faults. The request URL and open sockets stay."""
        self.delivery.cancel()
        self.faults = FaultPlan()
        self.journal.clear()
        self._begin()
        for what in What:
            self.changes.notice(what)

    # messages

    def post(
        self,
        channel: Channel,
        user: str,
        text: str,
        *,
        blocks: list[JsonObject] | None = None,
        thread_ts: str | None = None,
        ephemeral_to: str | None = None,
        metadata: JsonObject | None = None,
        files: tuple[str, ...] = (),
        link_names: bool = False,
        is_broadcast: bool = False,
    ) -> Message:
        """Say something in a conversation; ``text`` is mrkdwn as Slack stores it."""
        by_app = user == BOT_USER
        message = Message(
            ts=self.workspace.next_ts(),
            channel=channel.id,
            user=user,
            text=text,
            blocks=blocks,
            thread_ts=thread_ts,
            by_app=by_app,
            subtype=_subtype(files, is_broadcast),
            metadata=metadata,
            ephemeral_to=ephemeral_to,
            files=files,
            client_msg_id=None if by_app or user == SLACKBOT else str(uuid.uuid4()),
            live_mentions=live_mentions(text, blocks, link_names=link_names),
            is_broadcast=is_broadcast,
        )
        self.workspace.put(message)
        self._share_files(message)
        self._tell_watchers(message)
        if ephemeral_to is None:
            self._emit_message(message)
        return message

    def edit(self, message: Message, by: str, **changed: Any) -> Message:
        """Replace fields of a message; it counts as edited when its words or blocks changed."""
        edited = replace(message, **changed)
        if (edited.text, edited.blocks) != (message.text, message.blocks) and message.ephemeral_to is None:
            edited = replace(edited, edited_ts=self.workspace.next_ts(), edited_by=by)
        edited = replace(edited, live_mentions=live_mentions(edited.text, edited.blocks))
        self._put_changed(edited, message)
        return edited

    def delete(self, message: Message) -> None:
        """Take a message back; a thread's parent with replies leaves a tombstone, as in Slack."""
        if message.ephemeral_to is None and self.workspace.replies(message.channel, message.ts):
            stone = Message(
                message.ts,
                message.channel,
                SLACKBOT,
                "This message was deleted.",
                subtype="tombstone",
                by_app=False,
            )
            self._put_changed(stone, message)
            return
        del self.workspace.messages[message.channel][message.ts]
        self._tell_watchers(message)
        if message.ephemeral_to is None:
            self._emit_in(
                message.channel,
                {
                    "type": "message",
                    "subtype": "message_deleted",
                    "previous_message": self._json(message),
                    "hidden": True,
                    "deleted_ts": message.ts,
                },
            )

    def react(self, message: Message, user: str, name: str, *, remove: bool = False) -> bool:
        """Add or remove a reaction. False when that was so already."""
        users = message.reactions.get(name, ())
        if (user in users) != remove:
            return False
        users = tuple(u for u in users if u != user) if remove else (*users, user)
        reactions = {**message.reactions, name: users}
        self.workspace.put(replace(message, reactions={n: u for n, u in reactions.items() if u}))
        self._tell_watchers(message)
        kind = "reaction_removed" if remove else "reaction_added"
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        if BOT_USER in self.workspace.channels[message.channel].members:
            self.emit(
                kind, {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.user}
            )
        return True

    def _put_changed(self, message: Message, before: Message) -> None:
        self.workspace.put(message)
        self._tell_watchers(message)
        if message.ephemeral_to is None:
            changed = {"message": self._json(message), "previous_message": self._json(before), "hidden": True}
            self._emit_in(message.channel, {"type": "message", "subtype": "message_changed", **changed})

    def _share_files(self, message: Message) -> None:
        for file_id in message.files:
            file = self.workspace.files[file_id]
            self.workspace.files[file_id] = replace(file, shared_in=(*file.shared_in, message.channel))

    def _tell_watchers(self, message: Message) -> None:
        channel = self.workspace.channels[message.channel]
        users = [message.ephemeral_to] if message.ephemeral_to else channel.members
        self.changes.notice(What.MESSAGES, users, channel.id)

    def _json(self, message: Message) -> JsonObject:
        return message_json(self.workspace, message, self.base_url)

    # conversations

    def open_conversation(self, members: frozenset[str], creator: str) -> Channel:
        """The DM or group DM of exactly these people, made when there is none."""
        found = self.workspace.conversation_of(members)
        if found is not None:
            return found
        if len(members) < 2 or len(members) > GROUP_DM_LIMIT + 1:
            raise bad_request("a conversation needs one to eight others")
        kind = ConversationKind.IM if len(members) == 2 else ConversationKind.MPIM
        ordered = tuple(sorted(members))
        handles = "--".join(self.workspace.people[member].handle for member in ordered)
        name = "" if kind is ConversationKind.IM else f"mpdm-{handles}-1"
        channel_id = self.workspace.new_id("D0X" if kind is ConversationKind.IM else "G0X")
        channel = Channel(channel_id, kind, ordered, self.workspace.now_s(), name, creator)
        self.workspace.add_channel(channel)
        self.changes.notice(What.MESSAGES, ordered, channel.id)
        return channel

    # events

    def emit(self, name: str, event: JsonObject) -> None:
        """Tell the app, if it subscribed to events of this name."""
        if name not in self.options.manifest.events or not self.is_installed:
            return
        event_id = self.workspace.new_event_id()
        event.setdefault("event_ts", self.workspace.next_ts())
        payload = event_json(event, event_id, self.workspace.now_s())
        self.delivery.send_event(Letter(DeliveryKind.EVENT, name, payload, event_id))

    def uninstall(self) -> None:
        """The app is removed: it is told, and its tokens are worth nothing from then on."""
        self.emit("tokens_revoked", {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
        self.emit("app_uninstalled", {"type": "app_uninstalled"})
        self.is_installed = False
        self.changes.notice(What.APP)

    def _emit_message(self, message: Message) -> None:
        event = self._json(message)
        for about_thread in (
            "reply_count",
            "reply_users",
            "reply_users_count",
            "latest_reply",
            "is_locked",
            "subscribed",
        ):
            event.pop(about_thread, None)
        event["event_ts"] = message.ts
        self._emit_in(message.channel, event)
        channel = self.workspace.channels[message.channel]
        is_called = BOT_USER in message.live_mentions and channel.kind is not ConversationKind.IM
        if is_called and not message.by_app and BOT_USER in channel.members:
            self.emit("app_mention", {**event, "type": "app_mention", "channel": channel.id})

    def _emit_in(self, channel_id: str, event: JsonObject) -> None:
        """Tell the app of something in a conversation, if it is in there."""
        channel = self.workspace.channels[channel_id]
        if BOT_USER not in channel.members:
            return
        suffix = {ConversationKind.CHANNEL: "channels", ConversationKind.GROUP: "groups"}.get(
            channel.kind, channel.kind.value
        )
        event = {**event, "channel": channel.id, "channel_type": channel.kind.value}
        event.setdefault("ts", self.workspace.next_ts())
        event.setdefault("event_ts", event["ts"])
        self.emit(f"message.{suffix}", event)


def _subtype(files: tuple[str, ...], is_broadcast: bool) -> str | None:
    if is_broadcast:
        return "thread_broadcast"
    return "file_share" if files else None
