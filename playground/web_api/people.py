"""users.*, reactions.*, auth.test, api.test and apps.connections.open."""

from playground.core import Playground
from playground.directory import user_json
from playground.errors import ApiError
from playground.model import APP_ID, BOT_ID, BOT_USER, TEAM_ID, TEAM_NAME, JsonObject
from playground.web_api.call import Args, Method, TokenKind, channel_of, message_of, page_of


def auth_test(playground: Playground, args: Args) -> JsonObject:
    return {
        "url": f"{playground.base_url}/",
        "team": TEAM_NAME,
        "user": playground.workspace.people[BOT_USER].handle,
        "team_id": TEAM_ID,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def api_test(playground: Playground, args: Args) -> JsonObject:
    if args.text("error"):
        raise ApiError(args.text("error"), args=dict(args.values))
    return {"args": dict(args.values)}


def connections_open(playground: Playground, args: Args) -> JsonObject:
    ticket = playground.sockets.new_ticket()
    address = playground.base_url.replace("http", "ws", 1)
    return {"url": f"{address}/link/?ticket={ticket}&app_id={APP_ID}"}


def users_info(playground: Playground, args: Args) -> JsonObject:
    person = playground.workspace.people.get(args.required("user"))
    if person is None:
        raise ApiError("user_not_found")
    return {"user": user_json(person, playground.clock(), with_email=_sees_mail(playground))}


def users_list(playground: Playground, args: Args) -> JsonObject:
    page, cursor = page_of(
        list(playground.workspace.people.values()), args, args.number("limit", 1000, 1, 1000)
    )
    people = [user_json(person, playground.clock(), with_email=_sees_mail(playground)) for person in page]
    return {
        "members": people,
        "cache_ts": playground.workspace.now_s(),
        "response_metadata": {"next_cursor": cursor},
    }


def _sees_mail(playground: Playground) -> bool:
    return "users:read.email" in playground.options.manifest.scopes


def reactions_add(playground: Playground, args: Args) -> JsonObject:
    if not _react(playground, args, remove=False):
        raise ApiError("already_reacted")
    return {}


def reactions_remove(playground: Playground, args: Args) -> JsonObject:
    if not _react(playground, args, remove=True):
        raise ApiError("no_reaction")
    return {}


def _react(playground: Playground, args: Args, *, remove: bool) -> bool:
    channel = channel_of(playground, args.required("channel"))
    message = message_of(playground, channel, args.required("timestamp"))
    name = args.required("name")
    if not name.strip(":").replace("_", "").replace("-", "").replace("+", "").isalnum():
        raise ApiError("invalid_name")
    return playground.react(message, BOT_USER, name.strip(":"), remove=remove)


METHODS = {
    "auth.test": Method(auth_test),
    "api.test": Method(api_test, token=TokenKind.NONE),
    "apps.connections.open": Method(connections_open, token=TokenKind.APP),
    "users.info": Method(users_info, ("users:read",)),
    "users.list": Method(users_list, ("users:read",)),
    "reactions.add": Method(reactions_add, ("reactions:write",)),
    "reactions.remove": Method(reactions_remove, ("reactions:write",)),
}
