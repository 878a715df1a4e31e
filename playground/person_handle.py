"""A test's way to be a person: write, press, command, and see what that person sees."""

from collections.abc import Mapping, Sequence
from typing import Any

from playground import interactions
from playground.control import deeds, shown
from playground.core import Playground
from playground.model import JsonObject, View
from playground.seen import SeenMessage, element_named
from playground.server import ServerThread
from playground.web_api.files import new_file


class PersonHandle:
    """Acts as one person. Deeds return the control API's answer (API.md) or what was made; impossible ones raise ControlError."""

    def __init__(self, server: ServerThread, user: str) -> None:
        self._server = server
        self.id = user

    @property
    def dm_channel(self) -> str:
        """The DM with the app."""
        return self._server.call(lambda playground: playground.workspace.app_dm(self.id).id)

    def dm(self, text: str, *, files: Sequence[str] = ()) -> SeenMessage:
        """Say something to the app."""
        return self.say(self.dm_channel, text, files=files)

    def say(
        self, channel: str, text: str, *, thread_ts: str | None = None, files: Sequence[str] = ()
    ) -> SeenMessage:
        body = {"channel": channel, "text": text, "thread_ts": thread_ts, "files": list(files)}
        answer = self._server.call(lambda playground: deeds.write(playground, self.id, body))
        return self._seen(channel, answer["message"]["ts"])

    def reply(self, to: SeenMessage, text: str) -> SeenMessage:
        """Answer in the message's thread."""
        return self.say(to.channel, text, thread_ts=to.thread_ts or to.ts)

    def edit(self, said: SeenMessage, text: str) -> SeenMessage:
        body = {"channel": said.channel, "ts": said.ts, "text": text}
        self._server.call(lambda playground: deeds.edit(playground, self.id, body))
        return self._seen(said.channel, said.ts)

    def delete(self, said: SeenMessage) -> None:
        body = {"channel": said.channel, "ts": said.ts}
        self._server.call(lambda playground: deeds.delete(playground, self.id, body))

    def react(self, said: SeenMessage, name: str) -> None:
        body = {"channel": said.channel, "ts": said.ts, "name": name}
        self._server.call(lambda playground: deeds.react(playground, self.id, body))

    def press(
        self,
        on: SeenMessage | View,
        element: str,
        value: Any = None,
        *,
        values: Mapping[str, Any] | None = None,
    ) -> JsonObject:
        """Press a button by its label, or use any element by its action_id; ``value`` as in API.md."""
        action_id, block_id = element_named(on.blocks, element)
        body: JsonObject = {"action_id": action_id, "block_id": block_id, "value": value, "values": values}
        if isinstance(on, View):
            body["view_id"] = on.id
        else:
            body |= {"channel": on.channel, "message_ts": on.ts}
        return self._server.run(lambda playground: deeds.act(playground, self.id, body))

    def command(self, command: str, text: str = "", *, channel: str | None = None) -> JsonObject:
        body = {"command": command, "text": text, "channel": channel}
        return self._server.run(lambda playground: deeds.command(playground, self.id, body))

    def open_home(self, tab: str = "home") -> None:
        """Open the app's page; the app answers in its own time (see `home`)."""
        self._server.call(lambda playground: deeds.open_home(playground, self.id, {"tab": tab}))

    @property
    def home(self) -> View | None:
        """The App Home as published for this person."""
        return self._server.call(lambda playground: playground.workspace.homes.get(self.id))

    @property
    def modals(self) -> list[View]:
        """Open modals, the uppermost last."""
        return self._server.call(lambda playground: list(playground.workspace.modals.get(self.id, [])))

    def submit(self, view: View, values: Mapping[str, Mapping[str, Any]] | None = None) -> JsonObject:
        """Submit a modal; ``values``: block_id -> action_id -> value, as in API.md."""
        body = {"values": values or {}}
        return self._server.run(lambda playground: deeds.submit(playground, self.id, view.id, body))

    def close(self, view: View, *, everything: bool = False) -> JsonObject:
        return self._server.run(
            lambda playground: interactions.close(playground, self.id, view.id, everything=everything)
        )

    def messages(self, channel: str | None = None, *, thread_ts: str | None = None) -> list[SeenMessage]:
        """What this person sees in a conversation (the DM with the app when none is named), oldest first."""

        def look(playground: Playground) -> list[SeenMessage]:
            where = channel or playground.workspace.app_dm(self.id).id
            playground.workspace.channel_for(self.id, where)
            seen = playground.workspace.seen_by(self.id, where)
            wanted = [m for m in seen if thread_ts is None or thread_ts in (m.ts, m.thread_ts)]
            return [SeenMessage(m, shown.message(playground, m, self.id)) for m in wanted]

        return self._server.call(look)

    def from_app(self, channel: str | None = None) -> list[SeenMessage]:
        """What the app said to this person, oldest first."""
        return [m for m in self.messages(channel) if m.by_app]

    def find(self, words: str, channel: str | None = None) -> SeenMessage | None:
        """The newest message by the app that shows these words; without a channel, in any conversation."""
        channels = [channel] if channel else [row["id"] for row in self.conversations()]
        fitting = [m for c in channels for m in self.from_app(c) if words in m.words or words in m.text]
        return max(fitting, key=lambda m: m.ts, default=None)

    def conversations(self) -> list[JsonObject]:
        """The side bar, as in API.md, newest first."""
        return self._server.call(lambda playground: shown.conversations(playground, self.id))

    def upload(self, name: str, content: bytes, mimetype: str = "image/png") -> str:
        """A file of one's own, to send with a message; returns its id."""
        return self._server.call(lambda p: new_file(p, name, mimetype, content, self.id).id)

    def _seen(self, channel: str, ts: str) -> SeenMessage:
        def look(playground: Playground) -> SeenMessage:
            message = playground.workspace.message_for(self.id, channel, ts)
            return SeenMessage(message, shown.message(playground, message, self.id))

        return self._server.call(look)
