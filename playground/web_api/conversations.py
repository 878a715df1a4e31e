"""conversations.*: opening, listing and reading."""

from playground.core import GROUP_DM_LIMIT, Playground
from playground.directory import channel_json
from playground.errors import ApiError
from playground.model import BOT_USER, Channel, ConversationKind, JsonObject, Message
from playground.payloads import message_json
from playground.web_api.call import Args, Method, channel_of, need_kind_scope, need_scope, page_of

_KINDS = {
    "public_channel": ConversationKind.CHANNEL,
    "private_channel": ConversationKind.GROUP,
    "im": ConversationKind.IM,
    "mpim": ConversationKind.MPIM,
}


def open_conversation(playground: Playground, args: Args) -> JsonObject:
    if args.text("channel"):
        channel = channel_of(playground, args.text("channel"))
        return {"no_op": True, "already_open": True, "channel": _opened(channel, args)}
    users = args.names("users")
    if not users:
        raise ApiError("users_list_not_supplied")
    if any(user not in playground.workspace.people for user in users):
        raise ApiError("user_not_found")
    others = frozenset(users) - {BOT_USER}
    if not others:
        raise ApiError("cannot_dm_bot")
    if len(others) > GROUP_DM_LIMIT:
        raise ApiError("too_many_users")
    need_scope(playground, "im:write" if len(others) == 1 else "mpim:write")
    members = others | {BOT_USER}
    existed = playground.workspace.conversation_of(members) is not None
    channel = playground.open_conversation(members, BOT_USER)
    return {"no_op": existed, "already_open": existed, "channel": _opened(channel, args)}


def _opened(channel: Channel, args: Args) -> JsonObject:
    return (
        channel_json(channel)
        if args.flag("return_im") or channel.kind is not ConversationKind.IM
        else {"id": channel.id}
    )


def history(playground: Playground, args: Args) -> JsonObject:
    channel = _readable(playground, args)
    limit = args.number("limit", 100, 1, 999)
    everybody = [m for m in playground.workspace.messages[channel.id].values() if m.ephemeral_to is None]
    top = [m for m in everybody if (m.thread_ts is None or m.is_broadcast) and _within(m, args)]
    page, cursor = page_of(list(reversed(top)), args, limit)
    return {"messages": [_json(playground, m, args) for m in page], "pin_count": 0, **_more(cursor)}


def replies(playground: Playground, args: Args) -> JsonObject:
    channel = _readable(playground, args)
    limit = args.number("limit", 1000, 1, 1000)
    ts = args.required("ts")
    named = playground.workspace.message(channel.id, ts)
    if named is None or named.ephemeral_to is not None:
        raise ApiError("thread_not_found")
    parent = playground.workspace.message(channel.id, named.thread_ts or ts) or named
    thread = [m for m in playground.workspace.replies(channel.id, parent.ts) if _within(m, args)]
    page, cursor = page_of(thread, args, limit)
    messages = [parent, *page]  # Slack puts the parent first on every page
    return {"messages": [_json(playground, m, args) for m in messages], **_more(cursor)}


def info(playground: Playground, args: Args) -> JsonObject:
    channel = channel_of(playground, args.required("channel"))
    need_kind_scope(playground, channel.kind, "read")
    return {"channel": channel_json(channel)}


def members(playground: Playground, args: Args) -> JsonObject:
    channel = channel_of(playground, args.required("channel"))
    need_kind_scope(playground, channel.kind, "read")
    page, cursor = page_of(list(channel.members), args, args.number("limit", 100, 1, 999))
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def list_conversations(playground: Playground, args: Args) -> JsonObject:
    return _listed(playground, args, [c for c in playground.workspace.channels.values() if _is_visible(c)])


def users_conversations(playground: Playground, args: Args) -> JsonObject:
    user = args.text("user") or BOT_USER
    if user not in playground.workspace.people:
        raise ApiError("user_not_found")
    mine = [c for c in playground.workspace.channels.values() if user in c.members and _is_visible(c)]
    return _listed(playground, args, mine)


def _listed(playground: Playground, args: Args, channels: list[Channel]) -> JsonObject:
    kinds = []
    for name in args.names("types") or ["public_channel"]:
        if name not in _KINDS:
            raise ApiError("invalid_types")
        need_kind_scope(playground, _KINDS[name], "read")
        kinds.append(_KINDS[name])
    chosen = [c for c in channels if c.kind in kinds]
    page, cursor = page_of(chosen, args, args.number("limit", 100, 1, 999))
    return {"channels": [channel_json(c) for c in page], "response_metadata": {"next_cursor": cursor}}


def _is_visible(channel: Channel) -> bool:
    return channel.kind is ConversationKind.CHANNEL or BOT_USER in channel.members


def _readable(playground: Playground, args: Args) -> Channel:
    channel = channel_of(playground, args.required("channel"))
    need_kind_scope(playground, channel.kind, "history")
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def _within(message: Message, args: Args) -> bool:
    """Whether it lies between oldest and latest; the bounds themselves only if ``inclusive``."""
    try:
        ts, oldest, latest = (
            float(message.ts),
            float(args.text("oldest") or 0),
            float(args.text("latest") or "inf"),
        )
    except ValueError as error:
        raise ApiError("invalid_ts_oldest") from error
    return oldest <= ts <= latest if args.flag("inclusive") else oldest < ts < latest


def _json(playground: Playground, message: Message, args: Args) -> JsonObject:
    with_metadata = args.flag("include_all_metadata")
    return message_json(playground.workspace, message, playground.base_url, with_metadata=with_metadata)


def _more(cursor: str) -> JsonObject:
    return {"has_more": bool(cursor), **({"response_metadata": {"next_cursor": cursor}} if cursor else {})}


METHODS = {
    "conversations.open": Method(open_conversation),
    "conversations.history": Method(history),
    "conversations.replies": Method(replies),
    "conversations.info": Method(info),
    "conversations.members": Method(members),
    "conversations.list": Method(list_conversations),
    "users.conversations": Method(users_conversations),
}
