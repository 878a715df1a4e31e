"""How one small Slack behaves."""

from dataclasses import dataclass, field

from playground.delivery import DeliveryTiming
from playground.journal import KEPT
from playground.manifest import AppManifest
from playground.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class PlaygroundOptions:
    """How this small Slack behaves. The tokens given here are for tests; the command line makes new ones at every start."""

    manifest: AppManifest = field(default_factory=AppManifest)
    bot_token: str = "xoxb-playground-bot-token"
    app_token: str = "xapp-1-playground-app-token"
    signing_secret: str = "playground-signing-secret"
    timing: DeliveryTiming = field(default_factory=DeliveryTiming)
    rate_limit: RateLimit | None = field(default_factory=RateLimit)
    journal_kept: int | None = KEPT
