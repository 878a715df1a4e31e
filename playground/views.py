"""Modals and App Homes: made from what an app sends, shown to one person, updated, stacked and closed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from playground.block_limits import VIEW_BYTES, check_view
from playground.block_tree import placed, settled, state_of, with_ids
from playground.changes import What
from playground.core import Playground
from playground.errors import ApiError
from playground.model import JsonObject, Values, View, ViewKind
from playground.workspace import MODAL_STACK_LIMIT


def make_view(playground: Playground, user: str, payload: Any, kind: ViewKind) -> View:
    """A view of this kind from an app's JSON. Raises ApiError in Slack's words when it would refuse it."""
    problems = check_view(payload)
    if not problems and payload["type"] != kind:
        problems = [f"[ERROR] must be a {kind} view [json-pointer:/view/type]"]
    if problems:
        raise ApiError("invalid_arguments", messages=problems)
    if len(repr(payload).encode("utf-8", "replace")) > VIEW_BYTES:
        raise ApiError("view_too_large")
    workspace = playground.workspace
    view_id = workspace.new_id("V")
    return View(
        id=view_id,
        kind=kind,
        user=user,
        blocks=with_ids(payload["blocks"], lambda: workspace.new_id("b")),
        hash=_new_hash(playground),
        title=payload.get("title"),
        submit=payload.get("submit"),
        close=payload.get("close"),
        private_metadata=payload.get("private_metadata") or "",
        callback_id=payload.get("callback_id") or "",
        external_id=payload.get("external_id") or "",
        clear_on_close=bool(payload.get("clear_on_close")),
        notify_on_close=bool(payload.get("notify_on_close")),
        root_id=view_id,
    )


def open_modal(playground: Playground, view: View) -> View:
    """Show a modal in place of whatever modals the person had open."""
    _refuse_taken_external_id(playground, view)
    _set_stack(playground, view.user, [view])
    return view


def push_modal(playground: Playground, view: View) -> View:
    """Lay a modal on top of the open ones, of which there may be three."""
    stack = playground.workspace.modals.get(view.user, [])
    if not stack:
        raise ApiError("not_found")
    if len(stack) >= MODAL_STACK_LIMIT:
        raise ApiError("push_limit_reached")
    _refuse_taken_external_id(playground, view)
    pushed = replace(view, root_id=stack[0].id, previous_id=stack[-1].id)
    _set_stack(playground, view.user, [*stack, pushed])
    return pushed


def update_view(playground: Playground, held: View, view: View) -> View:
    """Put new content into an open view; what was entered stays where block_id and action_id stay."""
    if view.external_id and view.external_id != held.external_id:
        _refuse_taken_external_id(playground, view)
    updated = replace(
        view,
        id=held.id,
        root_id=held.root_id,
        previous_id=held.previous_id,
        values=settled(view.blocks, held.values),
    )
    playground.workspace.replace_view(updated)
    _tell(playground, updated)
    return updated


def publish_home(playground: Playground, view: View) -> View:
    """Show this App Home to the person from now on."""
    held = playground.workspace.homes.get(view.user)
    published = replace(view, id=held.id, root_id=held.id) if held else view
    playground.workspace.homes[view.user] = published
    _tell(playground, published)
    return published


def close_top(playground: Playground, user: str) -> None:
    """Take the uppermost modal away."""
    _set_stack(playground, user, playground.workspace.modals.get(user, [])[:-1])


def close_all(playground: Playground, user: str) -> None:
    """Take all modals away."""
    _set_stack(playground, user, [])


def enter(playground: Playground, view: View, values: Mapping[str, Mapping[str, Any]]) -> View:
    """Put a person's values (API.md) into a view's inputs; what is not named stays."""
    entered: dict[str, dict[str, JsonObject]] = settled(view.blocks, view.values)
    for spot in placed(view.blocks):
        named: Mapping[str, Any] = values.get(spot.block_id) or {}
        if spot.action_id in named and spot.action_id in entered.get(spot.block_id, {}):
            entered[spot.block_id][spot.action_id] = state_of(spot.element, named[spot.action_id])
    filled: Values = entered
    changed = replace(view, values=filled)
    playground.workspace.replace_view(changed)
    return changed


def _set_stack(playground: Playground, user: str, stack: list[View]) -> None:
    playground.workspace.modals[user] = stack
    playground.changes.notice(What.MODALS, [user])


def _tell(playground: Playground, view: View) -> None:
    playground.changes.notice(What.HOME if view.kind is ViewKind.HOME else What.MODALS, [view.user])


def _refuse_taken_external_id(playground: Playground, view: View) -> None:
    if view.external_id and playground.workspace.view_by_external_id(view.external_id) is not None:
        raise ApiError("duplicate_external_id")


def _new_hash(playground: Playground) -> str:
    return f"{playground.workspace.now_s()}.{playground.workspace.new_id('h')}"
