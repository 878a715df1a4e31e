"""Reads the environment once and says what is missing or wrong, all at once. Nobody else touches ``os.environ``.

Each setting is explained in ``.env.example``; a test compares the two.
"""

import warnings
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SAWarning

from bot.errors import SettingsError
from routing import Policy

ENV_FILE = ".env"
DEFAULT_PORT = 3000
DATABASE_URLS = "sqlite:///path or postgresql://user:password@host:port/name"
TOKENS = {"SLACK_BOT_TOKEN": "xox", "SLACK_APP_TOKEN": "xapp-"}  # and what each begins with


class SlackMode(StrEnum):
    """How Slack's events reach the bot."""

    HTTP = "http"
    SOCKET = "socket"


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


UserIds = Annotated[tuple[str, ...], NoDecode]  # "U1,U2" in the environment, not JSON

LONGEST_S = 10 * 365 * 86400  # ten years: much longer are dates and waits that Python does not have
LONGEST_CALL_S = 3600  # a socket takes no timeout beyond 24 days, and nobody waits for an answer so long
SecondsOrNone = Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]  # 0: never
Seconds = Annotated[SecondsOrNone, Field(gt=0)]
CallSeconds = Annotated[Seconds, Field(le=LONGEST_CALL_S)]


class Settings(BaseSettings):
    """Everything that can be set, with its default. Periods are in seconds."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, extra="ignore", frozen=True, env_ignore_empty=True)

    slack_bot_token: str = Field(min_length=1, pattern=r"^xox[a-z]-[!-~]+$")
    slack_signing_secret: str = Field(min_length=8)
    slack_mode: SlackMode | None = None
    slack_app_token: str | None = Field(default=None, pattern=r"^xapp-[!-~]+$", validate_default=True)
    slack_api_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://[!-~]+$")

    port: int | None = Field(default=None, ge=1, le=65535)
    host: str = "0.0.0.0"
    database_url: str = "sqlite:///var/firstline.db"
    model_dir: Path = Path("var/model")
    encoder_dir: Path = Path("var/encoders")
    answers_file: Path | None = None

    firstline_admins: UserIds = ()
    firstline_agents: UserIds = ()
    firstline_agent_capacity: int = Field(default=5, ge=1, le=100)
    firstline_agent_channel: str | None = Field(default=None, pattern=r"^[CG][A-Z0-9]+$")
    firstline_satisfaction: Switch = Switch.ON
    firstline_close_label: str = Field(default="Yes, close my request", min_length=1, max_length=75)

    firstline_workers: int = Field(default=4, ge=1, le=64)
    firstline_offer_s: Seconds = 120
    firstline_hedge_s: SecondsOrNone = 30
    firstline_deadline_s: Seconds = 4 * 3600
    firstline_reopen_window_s: Seconds = 4 * 86400
    firstline_routing_policy: Policy = Policy.ADAPTIVE
    firstline_match_tick_s: Seconds = 4
    firstline_slack_timeout_s: CallSeconds = 10
    firstline_lease_s: Seconds = 60
    firstline_poll_s: Seconds = 0.5
    firstline_max_attempts: int = Field(default=8, ge=1)
    firstline_retry_base_s: Seconds = 1
    firstline_inbox_limit: int = Field(default=20_000, ge=1)
    firstline_reconcile_s: Seconds = 300
    firstline_model_check_s: Seconds = 60
    firstline_keep_s: Seconds = 30 * 86400
    firstline_keep_words_s: Seconds = 365 * 86400
    firstline_redact: Switch = Switch.OFF

    @field_validator("firstline_admins", "firstline_agents", mode="before")
    @classmethod
    def _split_ids(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("firstline_admins", "firstline_agents")
    @classmethod
    def _look_like_users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [
            str(number)
            for number, user in enumerate(value, 1)
            if not user.startswith(("U", "W")) or not user.isalnum()
        ]
        if wrong:  # by number: it may be a token, pasted into the wrong line
            raise ValueError(f"not a Slack user id (U... or W...): number {', '.join(wrong)} of the list")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value.startswith(("postgres://", "postgresql://")):
            value = "postgresql+psycopg://" + value.split("://", 1)[1]
        if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        try:
            url = make_url(value)
            # As an engine does before it connects: this opens nothing, and warns of an option that no driver has.
            with warnings.catch_warnings(action="error", category=SAWarning):
                url.get_dialect()().create_connect_args(url)
        except (ValueError, ArgumentError, SAWarning):  # whose words hold parts of it
            raise ValueError(f"cannot be read: it is {DATABASE_URLS}") from None
        if not url.database and url.get_backend_name() == "sqlite":
            raise ValueError(f"names no file: it is {DATABASE_URLS}")
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        """Ends with a slash, and can be logged."""
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port  # both are read only when they are asked for
        except ValueError:
            raise ValueError("cannot be read: it is https://host/path/ or https://host:port/path/") from None
        if "@" in parts.netloc or set("?#") & set(value):
            raise ValueError("may hold no user or password, nor ? or #: it is written to the log")
        if not host:
            raise ValueError("names no host")
        return value if value.endswith("/") else value + "/"

    # Field validators, not a model's: those would wait until every field is right, and faults are to be named at once.
    @field_validator("slack_app_token")
    @classmethod
    def _socket_needs_token(cls, value: str | None, others: ValidationInfo) -> str | None:
        if value is None and others.data.get("slack_mode") is SlackMode.SOCKET:
            raise ValueError("SLACK_MODE=socket needs it")
        return value

    @field_validator("firstline_lease_s")
    @classmethod
    def _outlasts_slack(cls, value: float, others: ValidationInfo) -> float:
        timeout_s = others.data.get("firstline_slack_timeout_s")
        if timeout_s is not None and value < 3 * timeout_s:
            raise ValueError(
                "must be at least three times FIRSTLINE_SLACK_TIMEOUT_S, or things are said twice"
            )
        return value

    @property
    def mode(self) -> SlackMode:
        """Socket Mode when there is an app token, unless SLACK_MODE says otherwise."""
        if self.slack_mode is not None:
            return self.slack_mode
        return SlackMode.SOCKET if self.slack_app_token else SlackMode.HTTP


class StorageSettings(Settings):
    """What the commands that only read or change the database need: no Slack tokens."""

    slack_bot_token: str = ""
    slack_signing_secret: str = ""
    slack_app_token: str | None = Field(default=None, validate_default=False)


def load_settings(kind: Callable[[], Settings] = Settings) -> Settings:  # type: ignore[assignment]
    """Read the environment and ``.env``; raise SettingsError with one line that names every fault, never a value."""
    try:
        return kind()
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(fault) for fault in error.errors())) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE} is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} cannot be read: {error.strerror}") from None


def _sentence(fault: Any) -> str:
    name = str(fault["loc"][0]).upper() if fault["loc"] else "settings"
    if fault["type"] == "missing":
        return f"{name} is missing"
    if fault["type"] == "string_pattern_mismatch":
        return f"{name} {_what_is_odd(name, str(fault['input']))}"
    return f"{name}: {fault['msg'].removeprefix('Value error, ')}"


def _what_is_odd(name: str, value: str) -> str:
    """Why ``value`` is not what ``name`` needs, as far as that can be guessed; it is not repeated."""
    if name in TOKENS and any(map(str.isspace, value)):
        return "holds a space: copy the token again"
    if value.startswith(tuple(TOKENS.values())) and not value.startswith(TOKENS.get(name, " ")):
        return "holds a token of another kind: the bot's begins with xoxb-, the app's with xapp-; are they swapped?"
    return "does not look right (see .env.example)"
