"""views.*: modals and the App Home."""

from playground import views
from playground.core import Playground
from playground.errors import ApiError
from playground.model import JsonObject, View, ViewKind
from playground.payloads import view_json
from playground.triggers import Trigger
from playground.web_api.call import Args, Method


def views_open(playground: Playground, args: Args) -> JsonObject:
    trigger = _trigger(playground, args)
    return {
        "view": view_json(views.open_modal(playground, _new(playground, args, trigger.user, ViewKind.MODAL)))
    }


def views_push(playground: Playground, args: Args) -> JsonObject:
    trigger = _trigger(playground, args)
    stack = playground.workspace.modals.get(trigger.user, [])
    if trigger.view_id not in [view.id for view in stack]:
        raise ApiError(
            "invalid_trigger_id"
        )  # only what is done in an open modal gives the right to lay one on it
    return {
        "view": view_json(views.push_modal(playground, _new(playground, args, trigger.user, ViewKind.MODAL)))
    }


def views_update(playground: Playground, args: Args) -> JsonObject:
    held = _held(playground, args)
    if args.text("hash") and args.text("hash") != held.hash:
        raise ApiError("hash_conflict")
    return {
        "view": view_json(views.update_view(playground, held, _new(playground, args, held.user, held.kind)))
    }


def views_publish(playground: Playground, args: Args) -> JsonObject:
    if not playground.options.manifest.home_tab:
        raise ApiError("not_enabled")
    user = args.required("user_id")
    person = playground.workspace.people.get(user)
    if person is None or person.is_app:
        raise ApiError("user_not_found")
    held = playground.workspace.homes.get(user)
    if args.text("hash") and (held is None or args.text("hash") != held.hash):
        raise ApiError("hash_conflict")
    return {"view": view_json(views.publish_home(playground, _new(playground, args, user, ViewKind.HOME)))}


def _trigger(playground: Playground, args: Args) -> Trigger:
    trigger_id = args.text("trigger_id")
    if not trigger_id:
        raise ApiError("invalid_arguments", messages=["[ERROR] missing required field: trigger_id"])
    # A view that is refused leaves the trigger unused, so look at the view first.
    views.make_view(playground, "", args.structure("view", "invalid_arguments"), ViewKind.MODAL)
    return playground.tickets.spend_trigger(trigger_id, playground.clock())


def _new(playground: Playground, args: Args, user: str, kind: ViewKind) -> View:
    return views.make_view(playground, user, args.structure("view", "invalid_arguments"), kind)


def _held(playground: Playground, args: Args) -> View:
    view_id, external_id = args.text("view_id"), args.text("external_id")
    if not view_id and not external_id:
        raise ApiError("invalid_arguments", messages=["[ERROR] view_id or external_id is required"])
    workspace = playground.workspace
    held = workspace.view(view_id) if view_id else workspace.view_by_external_id(external_id)
    if held is None:
        raise ApiError("not_found")
    return held


METHODS = {
    "views.open": Method(views_open),
    "views.push": Method(views_push),
    "views.update": Method(views_update),
    "views.publish": Method(views_publish),
}
