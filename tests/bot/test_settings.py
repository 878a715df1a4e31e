"""The environment is read once, and every fault is named at once."""

import re
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import LONGEST_CALL_S, LONGEST_S, Settings, SlackMode, StorageSettings, load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No .env and no setting from outside."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def set_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "12345678")


def test_every_missing_and_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message names all faults."""
    monkeypatch.setenv("PORT", "99999")
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere")
    monkeypatch.setenv("FIRSTLINE_ADMINS", "U1,bob@example.com")
    monkeypatch.setenv("FIRSTLINE_OFFER_S", "-1")
    monkeypatch.setenv("SLACK_MODE", "socket")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "PORT",
        "DATABASE_URL",
        "FIRSTLINE_ADMINS",
        "FIRSTLINE_OFFER_S",
        "SLACK_APP_TOKEN",
    ):
        assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_wrong_token_is_never_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the setting, not its value."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "hunter2-secret")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "s3cr3t")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "SLACK_BOT_TOKEN" in str(refused.value)
    assert "SLACK_SIGNING_SECRET" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


WORTH_HIDING = (
    "xoxb-hunter2",
    "xapp-hunter2 x",
    "http://u:hunter2@[::h/",
    "postgresql://u:hunter2/d",
    "Ü1,hunter2",
)
TAKEN = {"HOST", "MODEL_DIR", "ENCODER_DIR", "ANSWERS_FILE", "FIRSTLINE_CLOSE_LABEL", "SLACK_SIGNING_SECRET"}


@pytest.mark.parametrize("value", WORTH_HIDING)
def test_no_value_is_ever_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What was pasted into the wrong line may be a secret: each setting that cannot be it is named, and the value is not."""
    names = {name.upper() for name in Settings.model_fields} - TAKEN
    for name in names:
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)
    assert [name for name in names - {"SLACK_BOT_TOKEN"} if name not in str(refused.value)] == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2/db",
        "postgresql://u:hunter2@127.0.0.1:port/d",
        "postgresql://u:hunter2@[::1/d",
        "postgresql://u:hunter2@h1:1,h2:2/d",
        "sqlite:///",
        "sqlite:///?timeout=5",
        "sqlite:///hunter2.db?timeout=soon",
        "sqlite:///bot.db?hunter2=1",
        "mysql://u:hunter2@h/d",
    ],
)
def test_a_database_that_no_engine_takes_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """With every other fault, by name, and for the commands that need no Slack as well."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("PORT", "0")
    for kind in (Settings, StorageSettings):
        with pytest.raises(SettingsError, match="DATABASE_URL") as refused:
            load_settings(kind)
        assert "PORT" in str(refused.value)
        assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40q@127.0.0.1:5432/d?sslmode=require",
        "postgresql:///d",
        "postgresql://u@/d?host=h1:1&host=h2:2",
        "postgresql://[::1]/d",
        "sqlite:////srv/desk/bot.db",
        "sqlite:///bot.db?timeout=5",
        "sqlite:///:memory:",
    ],
)
def test_a_database_that_an_engine_takes_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Sockets, several hosts, options."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("DATABASE_URL", url)
    assert load_settings().database_url.endswith(url.partition("://")[2])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://u:hunter2@[::bad/", "cannot be read"),
        ("http://127.0.0.1:hunter2/api/", "cannot be read"),
        ("http://127.0.0.1:99999/hunter2/", "cannot be read"),
        ("https:///hunter2/", "no host"),
        ("https://u:hunter2@slack.com/api/", "no user or password"),
        ("http://:hunter2@/", "no user or password"),
        ("https://slack.com/api/?token=hunter2", "nor [?] or #"),
        ("https://slack.com/api/#hunter2", "nor [?] or #"),
        ("https://slack.com/hunter2 /", "does not look right"),
        ("https://slack.com/hunter2é/", "does not look right"),
        ("ftp://slack.com/hunter2", "does not look right"),
    ],
)
def test_an_address_that_slack_cannot_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    """A password in it would be in the log whenever Slack does not answer."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("SLACK_API_URL", url)
    with pytest.raises(SettingsError, match=f"SLACK_API_URL.*{words}") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3100/api", "http://[::1]:1/api/", "https://slack.com/api/"]
)
def test_an_address_of_slack_ends_with_a_slash(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The method's name is put behind it."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("SLACK_API_URL", url)
    assert load_settings().slack_api_url == url.removesuffix("/") + "/"


def test_who_is_no_user_is_named_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long list one wants to know which, and a token pasted there must not be told."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("FIRSTLINE_AGENTS", "U1,xoxb-hunter2,U2,@bob")
    with pytest.raises(SettingsError, match=r"FIRSTLINE_AGENTS: .*number 2, 4 of the list"):
        load_settings()


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("xoxb-1 2", "a space"),
        ("xoxb-1 ", "a space"),
        ("xoxb-", "does not look right"),
        ("xoxb-1é", "does not look right"),
        ("xapp-1", "of another kind"),
    ],
)
def test_what_is_wrong_with_a_token_is_said(monkeypatch: pytest.MonkeyPatch, token: str, words: str) -> None:
    """One that was copied with a space in it is not called swapped."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("SLACK_BOT_TOKEN", token)
    with pytest.raises(SettingsError, match=f"SLACK_BOT_TOKEN.*{words}"):
        load_settings()


@pytest.mark.parametrize(
    ("app_token", "mode", "expected"),
    [
        (None, None, SlackMode.HTTP),
        ("xapp-1", None, SlackMode.SOCKET),
        ("xapp-1", "http", SlackMode.HTTP),
        ("xapp-1", "socket", SlackMode.SOCKET),
    ],
)
def test_an_app_token_means_socket_mode_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, app_token: str | None, mode: str | None, expected: SlackMode
) -> None:
    """SLACK_MODE wins over the presence of SLACK_APP_TOKEN."""
    set_tokens(monkeypatch)
    if app_token:
        monkeypatch.setenv("SLACK_APP_TOKEN", app_token)
    if mode:
        monkeypatch.setenv("SLACK_MODE", mode)
    assert load_settings().mode is expected


def test_socket_mode_without_an_app_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """SLACK_MODE=socket names the setting it needs."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("SLACK_MODE", "socket")
    with pytest.raises(SettingsError, match="SLACK_APP_TOKEN"):
        load_settings()


def test_a_lease_shorter_than_slack_may_take_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker would say again what the first is still saying."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("FIRSTLINE_LEASE_S", "5")
    with pytest.raises(SettingsError, match="FIRSTLINE_LEASE_S"):
        load_settings()


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e12", "-1"])
@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name.endswith("_s")])
def test_a_period_that_no_calendar_holds_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Dates and waits of such a length do not exist: each would fail far from the setting that caused it."""
    set_tokens(monkeypatch)
    monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("PORT", "0")
    with pytest.raises(SettingsError, match=name.upper()) as refused:
        load_settings()
    assert "PORT" in str(refused.value)


def test_ten_years_are_a_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest one is taken as it is, but for one call of Slack, which a socket could not wait for so long."""
    set_tokens(monkeypatch)
    periods = {name for name in Settings.model_fields if name.endswith("_s")} - {"firstline_slack_timeout_s"}
    for name in periods:
        monkeypatch.setenv(name.upper(), str(LONGEST_S))
    settings = load_settings()
    assert {getattr(settings, name) for name in periods} == {LONGEST_S}
    monkeypatch.setenv("FIRSTLINE_SLACK_TIMEOUT_S", str(LONGEST_CALL_S + 1))
    with pytest.raises(SettingsError, match="FIRSTLINE_SLACK_TIMEOUT_S"):
        load_settings()


def test_only_a_hedge_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A period of nothing would be a loop without a pause; for FIRSTLINE_HEDGE_S it means never."""
    set_tokens(monkeypatch)
    periods = [name.upper() for name in Settings.model_fields if name.endswith("_s")]
    for name in periods:
        monkeypatch.setenv(name, "0")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert [name for name in periods if name not in str(refused.value)] == ["FIRSTLINE_HEDGE_S"]


def test_lists_of_people_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces and empty parts do not matter."""
    set_tokens(monkeypatch)
    monkeypatch.setenv("FIRSTLINE_AGENTS", " U1, W2 ,,U3 ")
    assert load_settings().firstline_agents == ("U1", "W2", "U3")


def test_commands_on_the_database_need_no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrating or exporting works without Slack, and is not refused for a setting of Slack's."""
    monkeypatch.setenv("SLACK_MODE", "socket")
    assert load_settings(StorageSettings).database_url == "sqlite:///var/firstline.db"


def test_a_file_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    """In one line, without what is in it."""
    (tmp_path / ".env").write_bytes(
        "SLACK_BOT_TOKEN=xoxb-hunter2\nFIRSTLINE_CLOSE_LABEL=Schließen".encode("latin-1")
    )
    with pytest.raises(SettingsError, match=r"^\.env is not UTF-8.*$") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """As one of another user would be; this one not even root can read."""
    (tmp_path / ".env").symlink_to("/proc/self/mem")
    with pytest.raises(SettingsError, match=r"^\.env cannot be read: .*$"):
        load_settings()


def test_the_example_file_names_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """.env.example and the code agree, both ways."""
    set_tokens(monkeypatch)
    settings = load_settings()
    lines = (ROOT / ".env.example").read_text().splitlines()
    written = dict(
        re.match(r"(?:# )?([A-Z_]+)=(.*)", line).groups()
        for line in lines
        if re.match(r"(?:# )?[A-Z_]+=", line)
    )  # type: ignore[union-attr]
    assert set(written) == {name.upper() for name in Settings.model_fields}
    for name, value in written.items():
        default = getattr(settings, name.lower())
        if name.startswith("SLACK_") and name != "SLACK_API_URL":
            continue
        assert value == _as_written(default), name
    for number, line in enumerate(lines):
        if re.match(r"(?:# )?[A-Z_]+=", line):
            assert lines[number - 1].startswith("# "), f"{line} has no sentence above it"
            assert lines[number - 1].rstrip().endswith((".", ":")), f"{line} has no sentence above it"


def _as_written(value: object) -> str:
    if value is None or value == ():
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
