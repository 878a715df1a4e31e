"""Who may see and do what concerns everybody: the administrators named in FIRSTLINE_ADMINS."""

from bot.errors import NotAllowed
from bot.settings import Settings

ONLY_ADMINS = "Only administrators can do that. They are named in FIRSTLINE_ADMINS."


def require_admin(user_id: str, settings: Settings) -> None:
    """Raise NotAllowed unless ``user_id`` is an administrator."""
    if user_id not in settings.firstline_admins:
        raise NotAllowed(ONLY_ADMINS)
