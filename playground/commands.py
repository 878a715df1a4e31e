"""Slash commands, and what an app says through their answer or a response_url."""

from typing import Any

from playground.block_limits import check_message_blocks
from playground.block_tree import with_ids
from playground.core import Playground
from playground.delivery import Letter, Reply
from playground.directory import channel_name
from playground.errors import ApiError, not_found
from playground.interactions import failure_word, response_url
from playground.journal import DeliveryKind, Outcome
from playground.manifest import SlashCommand
from playground.markup import typed
from playground.model import APP_ID, BOT_USER, SLACKBOT, TEAM_DOMAIN, TEAM_ID, Channel, JsonObject, Message
from playground.payloads import VERIFICATION_TOKEN
from playground.triggers import ResponseTarget
from playground.web_api.call import Args
from playground.web_api.chat import thread_of


async def run_command(
    playground: Playground, user: str, command: str, text: str, channel: Channel
) -> JsonObject:
    """Send a command to the app and show its answer. Returns the control API's answer."""
    declared = _declared(playground, command)
    if declared is None:
        return {"ok": False, "error": "unknown_command", "shown": f"{command} is not a valid command."}
    if declared.should_escape:
        text = typed(text, playground.workspace.people.values(), playground.workspace.channels.values())
    url = response_url(playground, user, channel)
    reply = await playground.delivery.send_once(
        Letter(DeliveryKind.COMMAND, command, _fields(playground, user, command, text, channel, url))
    )
    if reply.outcome is not Outcome.OK:
        return _failed(playground, user, command, channel, reply)
    if reply.answer:
        return _show_answer(playground, user, command, channel, url, reply.answer)
    return {"ok": True}


def _show_answer(
    playground: Playground, user: str, command: str, channel: Channel, url: str, answer: Any
) -> JsonObject:
    content = answer if isinstance(answer, dict) else {"text": str(answer)}
    target = ResponseTarget(user, channel.id, playground.workspace.now())
    try:
        message = say_in_response(playground, target, content)
    except ApiError as error:
        return _say_failed(playground, user, command, channel, error.error)
    if message is not None:
        playground.tickets.remember_message(url.removeprefix(playground.base_url), message.ts)
    return {"ok": True}


def say_in_response(playground: Playground, target: ResponseTarget, content: JsonObject) -> Message | None:
    """Post, replace or delete as an app's response says. Returns what it said, or None. Raises ApiError in Slack's words."""
    workspace = playground.workspace
    original = workspace.message(target.channel, target.message_ts) if target.message_ts else None
    if content.get("delete_original"):
        if original is None:
            raise ApiError("message_not_found")
        playground.delete(original)
        return None
    text, blocks = _content(playground, content)
    if content.get("replace_original"):
        if original is None:
            raise ApiError("message_not_found")
        return playground.edit(original, BOT_USER, text=text, blocks=blocks)
    in_channel = content.get("response_type") == "in_channel"
    return playground.post(
        workspace.channels[target.channel],
        BOT_USER,
        text,
        blocks=blocks,
        thread_ts=thread_of(playground, workspace.channels[target.channel], Args(content)),
        ephemeral_to=None if in_channel else target.user,
    )


def _content(playground: Playground, content: JsonObject) -> tuple[str, list[JsonObject] | None]:
    text, blocks = content.get("text") or "", content.get("blocks")
    if not isinstance(text, str):
        raise ApiError("invalid_payload")
    if not text and not blocks:
        raise ApiError("no_text")
    if blocks is None:
        return text, None
    problems = check_message_blocks(blocks)
    if problems:
        raise ApiError("invalid_blocks", messages=problems)
    return text, with_ids(blocks, lambda: playground.workspace.new_id("b"))


def _declared(playground: Playground, command: str) -> SlashCommand | None:
    """The command as the manifest declares it; without a manifest every command is the app's."""
    commands = playground.options.manifest.commands
    if not playground.is_installed or "commands" not in playground.options.manifest.scopes:
        return None
    if commands is None:
        return SlashCommand(command)
    return next((declared for declared in commands if declared.command == command), None)


def _fields(
    playground: Playground, user: str, command: str, text: str, channel: Channel, url: str
) -> JsonObject:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user,
        "user_name": playground.workspace.person(user).handle,
        "command": command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": url,
        "trigger_id": playground.tickets.new_trigger(user, playground.workspace.now()),
    }


def _failed(playground: Playground, user: str, command: str, channel: Channel, reply: Reply) -> JsonObject:
    return _say_failed(playground, user, command, channel, failure_word(reply))


def _say_failed(playground: Playground, user: str, command: str, channel: Channel, error: str) -> JsonObject:
    shown = f'{command} failed with the error "{error}"'
    playground.post(channel, SLACKBOT, shown, ephemeral_to=user)
    return {"ok": False, "error": error, "shown": shown}


def answer_by_url(playground: Playground, path: str, content: Any) -> None:
    """One use of a response_url. Raises ApiError in Slack's words."""
    target = playground.tickets.spend_response(path, playground.workspace.now())
    if not isinstance(content, dict):
        raise ApiError("invalid_payload")
    message = say_in_response(playground, target, content)
    if message is not None and target.message_ts is None:
        playground.tickets.remember_message(path, message.ts)


def conversation_for(playground: Playground, user: str, channel_id: str | None) -> Channel:
    """The conversation a person means; none named: the DM with the app. Raises ControlError."""
    workspace = playground.workspace
    person = workspace.person(user)
    if person.is_app:
        raise not_found("the app is no person")
    return workspace.channel_for(user, channel_id) if channel_id else workspace.app_dm(user)
