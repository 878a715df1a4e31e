"""What people do with an app's elements: press, choose, submit, close. Each tells the app and shows what it answers."""

from collections.abc import Mapping
from typing import Any

from playground import views
from playground.block_tree import Placed, find_element, has_state, settled, state_of
from playground.core import Playground
from playground.delivery import Letter, Reply
from playground.directory import channel_name
from playground.errors import ApiError, ControlError
from playground.forms import form_errors
from playground.journal import DeliveryKind, Outcome
from playground.model import Channel, JsonObject, Message, View, ViewKind
from playground.payloads import interaction_json, message_json, view_json
from playground.triggers import RESPONSE_LIFE, ResponseTarget

TROUBLE = "We had some trouble connecting. Try again?"


def failure_word(reply: Reply) -> str:
    """Slack's word for an app that did not do its part."""
    return "operation_timeout" if reply.outcome is Outcome.HTTP_TIMEOUT else "dispatch_failed"


async def press_in_message(
    playground: Playground,
    user: str,
    channel_id: str,
    ts: str,
    action_id: str,
    block_id: str | None,
    value: Any,
) -> JsonObject:
    """Use an element of a message. Returns the control API's answer."""
    workspace = playground.workspace
    message = workspace.message_for(user, channel_id, ts)
    spot = find_element(message.blocks, action_id, block_id)
    state = state_of(spot.element, value)
    held = workspace.message_values.setdefault((user, channel_id, ts), {})
    if has_state(spot.element):
        held.setdefault(spot.block_id, {})[spot.action_id] = state
    channel = workspace.channels[channel_id]
    payload = interaction_json(
        "block_actions",
        workspace.person(user),
        playground.tickets.new_trigger(user, workspace.now()),
        container=_message_container(message),
        channel={"id": channel.id, "name": channel_name(channel)},
        state={"values": settled(message.blocks, held)},
        response_url=response_url(playground, user, channel, message),
        actions=[_action(playground, spot, state)],
    )
    if message.ephemeral_to is None:
        payload["message"] = message_json(workspace, message, playground.base_url, with_metadata=True)
    return await _tell(playground, payload)


async def press_in_view(
    playground: Playground,
    user: str,
    view_id: str,
    action_id: str,
    block_id: str | None,
    value: Any,
    values: Mapping[str, Any],
) -> JsonObject:
    """Use an element of a modal or App Home; ``values`` is what stands in its other inputs."""
    workspace = playground.workspace
    view = views.enter(playground, workspace.view_for(user, view_id), values)
    spot = find_element(view.blocks, action_id, block_id)
    state = state_of(spot.element, value)
    if has_state(spot.element):
        view = views.enter(playground, view, {spot.block_id: {spot.action_id: value}})
    payload = interaction_json(
        "block_actions",
        workspace.person(user),
        playground.tickets.new_trigger(user, workspace.now(), view.id),
        container={"type": "view", "view_id": view.id},
        view=view_json(view),
        actions=[_action(playground, spot, state)],
    )
    return await _tell(playground, payload)


async def submit(playground: Playground, user: str, view_id: str, values: Mapping[str, Any]) -> JsonObject:
    """Submit a modal with these values. Returns the control API's answer."""
    workspace = playground.workspace
    view = views.enter(playground, _top_modal(playground, user, view_id), values)
    errors = form_errors(view)
    if errors:
        return {"ok": False, "error": "invalid", "errors": errors}
    trigger_id = playground.tickets.new_trigger(user, workspace.now(), view.id)
    payload = interaction_json(
        "view_submission", workspace.person(user), trigger_id, view=view_json(view), response_urls=[]
    )
    reply = await playground.delivery.send_once(Letter(DeliveryKind.INTERACTION, "view_submission", payload))
    if reply.outcome is not Outcome.OK:
        return {"ok": False, "error": failure_word(reply), "shown": TROUBLE}
    try:
        return _follow(playground, view, reply.answer)
    except ApiError as error:
        return {
            "ok": False,
            "error": "invalid_response",
            "shown": TROUBLE,
            "detail": "; ".join(error.messages) or error.error,
        }


async def close(playground: Playground, user: str, view_id: str, *, everything: bool) -> JsonObject:
    """Close a modal, or the whole stack; views that asked for it have the app told."""
    view = _top_modal(playground, user, view_id)
    stack = playground.workspace.modals[user]
    whole = everything or view.clear_on_close
    closed = list(reversed(stack)) if whole else [view]
    if whole:
        views.close_all(playground, user)
    else:
        views.close_top(playground, user)
    for gone in closed:
        if gone.notify_on_close:
            await _tell_closed(playground, gone, is_cleared=whole)
    return {"ok": True}


async def _tell_closed(playground: Playground, view: View, *, is_cleared: bool) -> None:
    payload = interaction_json(
        "view_closed", playground.workspace.person(view.user), "", view=view_json(view), is_cleared=is_cleared
    )
    del payload["trigger_id"]
    await playground.delivery.send_once(Letter(DeliveryKind.INTERACTION, "view_closed", payload))


def open_home(playground: Playground, user: str, tab: str) -> View | None:
    """Open the app's page: the app hears of it; what is published so far is returned."""
    channel = playground.workspace.app_dm(playground.workspace.person(user).id)
    view = playground.workspace.homes.get(user)
    event: JsonObject = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
    if tab == "home" and view is not None:
        event["view"] = view_json(view)
    playground.emit("app_home_opened", event)
    return view


def response_url(playground: Playground, user: str, channel: Channel, message: Message | None = None) -> str:
    """A new response_url for an interaction in this conversation."""
    target = ResponseTarget(
        user,
        channel.id,
        playground.workspace.now() + RESPONSE_LIFE,
        message.ts if message else None,
        message.thread_ts if message else None,
    )
    return playground.base_url + playground.tickets.new_response_path(target)


async def _tell(playground: Playground, payload: JsonObject) -> JsonObject:
    if not playground.options.manifest.interactivity:
        return {
            "ok": False,
            "error": "interactivity_disabled",
            "shown": "This app is not configured to handle interactive responses.",
        }
    reply = await playground.delivery.send_once(Letter(DeliveryKind.INTERACTION, payload["type"], payload))
    if reply.outcome is Outcome.OK:
        return {"ok": True}
    return {"ok": False, "error": failure_word(reply), "shown": TROUBLE}


def _follow(playground: Playground, view: View, answer: Any) -> JsonObject:
    """Do what the app answered to a submission. Raises ApiError when it makes no sense."""
    user = view.user
    action = answer.get("response_action") if isinstance(answer, dict) else None
    if action is None and not answer:
        views.close_top(playground, user)
        return _shown(playground, user, "closed")
    if action == "clear":
        views.close_all(playground, user)
        return _shown(playground, user, "cleared")
    if action == "errors":
        return {"ok": False, "error": "invalid", "errors": _errors_for(view, answer.get("errors"))}
    if action == "update":
        views.update_view(
            playground, view, views.make_view(playground, user, answer.get("view"), ViewKind.MODAL)
        )
        return _shown(playground, user, "updated")
    if action == "push":
        views.push_modal(playground, views.make_view(playground, user, answer.get("view"), ViewKind.MODAL))
        return _shown(playground, user, "pushed")
    raise ApiError("invalid_response", messages=["[ERROR] unknown response_action"])


def _errors_for(view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise ApiError("invalid_response", messages=["[ERROR] errors must name input blocks of the view"])
    return errors


def _shown(playground: Playground, user: str, result: str) -> JsonObject:
    stack = [view_json(view) for view in playground.workspace.modals.get(user, [])]
    return {"ok": True, "result": result, "stack": stack}


def _top_modal(playground: Playground, user: str, view_id: str) -> View:
    view = playground.workspace.view_for(user, view_id)
    stack = playground.workspace.modals.get(user, [])
    if not stack or stack[-1].id != view.id:
        raise ControlError(409, "conflict", "this view is not the one on top")
    return view


def _message_container(message: Message) -> JsonObject:
    container: JsonObject = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    return container


def _action(playground: Playground, spot: Placed, state: JsonObject) -> JsonObject:
    """The entry of ``actions`` for a used element."""
    element = spot.element
    action: JsonObject = {"action_id": spot.action_id, "block_id": spot.block_id, **state}
    if element["type"] == "button":
        action["text"] = element["text"]
        action |= {key: element[key] for key in ("value", "style", "url") if key in element}
    if "placeholder" in element:
        action["placeholder"] = element["placeholder"]
    action["action_ts"] = playground.workspace.next_ts()
    return action
