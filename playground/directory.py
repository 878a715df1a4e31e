"""People and conversations as Slack describes them to an app."""

from datetime import datetime
from zoneinfo import ZoneInfo

from playground.model import APP_ID, BOT_ID, BOT_USER, TEAM_ID, Channel, ConversationKind, JsonObject, Person


def user_json(person: Person, now: datetime, *, with_email: bool) -> JsonObject:
    """A user as users.info answers. The e-mail address is there only with its scope."""
    first, _, last = person.name.partition(" ")
    offset = ZoneInfo(person.tz).utcoffset(now)
    profile = {
        "real_name": person.name,
        "real_name_normalized": person.name,
        "display_name": person.handle,
        "display_name_normalized": person.handle,
        "first_name": first,
        "last_name": last,
        "title": person.title,
        "status_text": "",
        "status_emoji": "",
        "team": TEAM_ID,
    }
    if with_email and not person.is_app:
        profile["email"] = f"{person.handle}@example.com"
    if person.is_app:
        profile |= {"api_app_id": APP_ID, "bot_id": BOT_ID}
    return {
        "id": person.id,
        "team_id": TEAM_ID,
        "name": person.handle,
        "deleted": False,
        "color": person.color.lstrip("#"),
        "real_name": person.name,
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": profile,
        "is_admin": person.is_workspace_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": person.is_app,
        "is_app_user": False,
        "updated": 0,
    }


def channel_json(channel: Channel) -> JsonObject:
    """A conversation as conversations.info answers."""
    is_im = channel.kind is ConversationKind.IM
    shown: JsonObject = {
        "id": channel.id,
        "created": channel.created_s,
        "is_archived": False,
        "is_im": is_im,
        "is_mpim": channel.kind is ConversationKind.MPIM,
        "is_group": channel.kind is ConversationKind.GROUP,
        "is_channel": channel.kind is ConversationKind.CHANNEL,
        "is_private": channel.kind is not ConversationKind.CHANNEL,
        "is_org_shared": False,
        "context_team_id": TEAM_ID,
    }
    if is_im:
        return {
            **shown,
            "user": next((m for m in channel.members if m != BOT_USER), BOT_USER),
            "is_open": True,
        }
    return {
        **shown,
        "name": channel.name,
        "name_normalized": channel.name,
        "creator": channel.creator,
        "is_member": BOT_USER in channel.members,
        "is_general": False,
        "num_members": len(channel.members),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def channel_name(channel: Channel) -> str:
    """How interactions and commands call a conversation."""
    return {ConversationKind.IM: "directmessage"}.get(channel.kind, channel.name)
