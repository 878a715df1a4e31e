"""Opens modals. The only thing said without the outbox: a trigger lives three seconds, and a modal can be asked for again."""

from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.delivery.faults import CALL_ERRORS

NOT_OPENED = "The form could not be opened in time. Please try once more."


def open_modal(client: WebClient, trigger_id: str, view: View) -> bool:
    """Show ``view`` to whoever pulled the trigger; False when Slack does not take it or cannot be reached."""
    try:
        client.views_open(trigger_id=trigger_id, view=view)
    except CALL_ERRORS:
        return False
    return True
