"""The state of the small Slack, and the questions one can ask it. It knows no HTTP, sends nothing and checks no rights."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from playground.block_tree import image_file, images
from playground.errors import not_found
from playground.model import BOT_USER, Channel, ConversationKind, File, JsonObject, Message, Person, View
from playground.people import DEFAULT_PEOPLE, bot_person, default_channels

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""

MODAL_STACK_LIMIT = 3


class Workspace:
    """People, conversations, messages, views and files. Values are replaced, never changed in place."""

    def __init__(self, clock: Clock, bot_name: str) -> None:
        self._clock = clock
        self._last_id = 0
        self._last_us = 0
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, dict[str, Message]] = {}
        self._threads: dict[tuple[str, str], list[str]] = {}
        self.files: dict[str, File] = {}
        self.homes: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        self.read_up_to: dict[tuple[str, str], str] = {}
        self.message_values: dict[tuple[str, str, str], dict[str, dict[str, JsonObject]]] = {}
        for channel in default_channels(self.now_s()):
            self.add_channel(channel)
        self.add_person(bot_person(bot_name))
        for person in DEFAULT_PEOPLE:
            self.add_person(person)

    def now(self) -> datetime:
        return self._clock()

    def now_s(self) -> int:
        return int(self._clock().timestamp())

    def next_ts(self) -> str:
        """A ``ts`` later than every one before it, even when the clock stands still."""
        self._last_us = max(self._last_us + 1, int(self._clock().timestamp() * 1e6))
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A new id such as "F000012": prefix and a running number, so that runs repeat."""
        self._last_id += 1
        return f"{prefix}{self._last_id:06d}"

    def new_event_id(self) -> str:
        """An id that no other event has had, not before a reset and not in an earlier run: apps drop what they know."""
        return f"Ev{self.next_ts().replace('.', '')}"

    # people and conversations

    def add_person(self, person: Person, channels: Iterable[str] = ()) -> None:
        """Take somebody in, with an (empty) DM with the app; "U0RILEY" gets "D0RILEY"."""
        self.people[person.id] = person
        if not person.is_app:
            members = (person.id, BOT_USER)
            self.add_channel(
                Channel(f"D{person.id[1:]}", ConversationKind.IM, members, self.now_s(), creator=person.id)
            )
        for channel_id in channels:
            channel = self.channels[channel_id]
            self.channels[channel_id] = replace(channel, members=(*channel.members, person.id))

    def person(self, user: str) -> Person:
        """Raises ControlError when nobody has that id."""
        found = self.people.get(user)
        if found is None:
            raise not_found(f"nobody here has the id {user!r}")
        return found

    def add_channel(self, channel: Channel) -> None:
        self.channels[channel.id] = channel
        self.messages.setdefault(channel.id, {})

    def app_dm(self, user: str) -> Channel:
        """This person's DM with the app."""
        return self.channels[f"D{user[1:]}"]

    def conversation_of(self, members: frozenset[str]) -> Channel | None:
        """The DM or group DM of exactly these members, if there is one."""
        private = (ConversationKind.IM, ConversationKind.MPIM)
        return next(
            (c for c in self.channels.values() if c.kind in private and frozenset(c.members) == members), None
        )

    def channel_for(self, user: str, channel_id: str) -> Channel:
        """A conversation this person is in. Raises ControlError otherwise."""
        channel = self.channels.get(channel_id)
        if channel is None or user not in channel.members:
            raise not_found(f"{user} is in no conversation {channel_id!r}")
        return channel

    # messages

    def put(self, message: Message) -> None:
        known = self.messages[message.channel]
        if message.thread_ts is not None and message.ts not in known:
            self._threads.setdefault((message.channel, message.thread_ts), []).append(message.ts)
        known[message.ts] = message

    def message(self, channel: str, ts: str) -> Message | None:
        return self.messages.get(channel, {}).get(ts)

    def replies(self, channel: str, ts: str) -> list[Message]:
        """The replies everybody sees in a thread, oldest first."""
        known = self.messages[channel]
        thread = [known[reply] for reply in self._threads.get((channel, ts), ()) if reply in known]
        return [m for m in thread if m.ephemeral_to is None]

    def seen_by(self, user: str, channel: str) -> list[Message]:
        """What one person sees in a conversation, oldest first, replies among them."""
        return [m for m in self.messages[channel].values() if m.ephemeral_to in (None, user)]

    def message_for(self, user: str, channel: str, ts: str) -> Message:
        """A message this person sees. Raises ControlError otherwise."""
        self.channel_for(user, channel)
        message = self.message(channel, ts)
        if message is None or message.ephemeral_to not in (None, user):
            raise not_found(f"{user} sees no message {ts!r} in {channel}")
        return message

    def unread(self, user: str, channel: str) -> int:
        """How many messages of others this person has not read."""
        seen_up_to = self.read_up_to.get((user, channel), "")
        return sum(
            1
            for m in self.seen_by(user, channel)
            if m.user != user and m.ts > seen_up_to and not m.is_tombstone
        )

    # views

    def view(self, view_id: str) -> View | None:
        """An open modal or a published home, by id."""
        everything = [*self.homes.values(), *(view for stack in self.modals.values() for view in stack)]
        return next((view for view in everything if view.id == view_id), None)

    def view_by_external_id(self, external_id: str) -> View | None:
        everything = [*self.homes.values(), *(view for stack in self.modals.values() for view in stack)]
        return next((view for view in everything if view.external_id == external_id), None)

    def view_for(self, user: str, view_id: str) -> View:
        """A view this person has before them. Raises ControlError otherwise."""
        view = self.view(view_id)
        if view is None or view.user != user:
            raise not_found(f"{user} has no open view {view_id!r}")
        return view

    def replace_view(self, view: View) -> None:
        """Put a new value in the place of the view with the same id."""
        home = self.homes.get(view.user)
        if home is not None and home.id == view.id:
            self.homes[view.user] = view
        stack = self.modals.get(view.user, [])
        self.modals[view.user] = [view if held.id == view.id else held for held in stack]

    # files

    def may_see_file(self, user: str, file: File) -> bool:
        """Whether it is theirs, shared where they are, or shown in a block they see."""
        if file.user == user or any(user in self.channels[c].members for c in file.shared_in):
            return True
        views = [*self.modals.get(user, []), *([self.homes[user]] if user in self.homes else [])]
        shown = [view.blocks for view in views]
        for channel in self.channels.values():
            if user in channel.members:
                shown += [m.blocks for m in self.seen_by(user, channel.id) if m.blocks]
        return any(image_file(image) == file.id for blocks in shown for image in images(blocks))
