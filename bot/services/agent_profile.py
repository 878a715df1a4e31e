"""What an agent says about themselves: capacity, skills, languages, sites and hours. Matching obeys it from then on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import available_timezones

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.errors import NotAllowed
from bot.ids import EventKind
from bot.services import agents
from bot.services.agent_rows import unreadable_columns
from bot.services.moves import record
from bot.services.working_hours import HoursRefused, parse_hours, store_hours
from bot.settings import Settings
from bot.storage.tables import Agent
from bot.storage.work import MATCHING_DUE
from routing import WeeklyHours

ONLY_AGENTS = "Only agents have this form. An administrator names agents in FIRSTLINE_AGENTS."
MOST_CAPACITY = 100
MOST_SITES, LONGEST_SITE = 20, 40
FULL_LEVEL = 1.0
LEVELS: Mapping[str, float] = {"none": 0.0, "basic": 0.4, "good": 0.7, "expert": FULL_LEVEL}
LANGUAGES: Mapping[str, str] = {
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "it": "Italian",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "sv": "Swedish",
    "tr": "Turkish",
}


class Field(StrEnum):
    """The inputs of the form; each skill's is called ``skill:<category>``."""

    CAPACITY = "capacity"
    LANGUAGES = "languages"
    SITES = "sites"
    ZONE = "zone"
    HOURS = "hours"
    SKILL = "skill"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an agent has said. No capacity: the setting's; no skills: every category; no languages or sites: any;
    no hours: whenever they are on. ``lost``: columns of which something was kept that cannot be read any more."""

    capacity: int | None = None
    skills: Mapping[str, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    hours: WeeklyHours | None = None
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entered:
    """The form as it was filled in, unchecked. ``skills`` maps a category to a name in LEVELS."""

    capacity: str = ""
    skills: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    sites: str = ""
    zone: str = ""
    hours: str = ""


class FormRefused(ValueError):
    """``faults`` holds a sentence for each field that cannot be taken."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = dict(faults)


def profile_of(agent: Agent) -> Profile:
    """What the row holds."""
    lost = unreadable_columns(agent)  # the form opens without them, and what is saved mends them
    return Profile(
        capacity=None if "capacity" in lost else agent.capacity,
        skills={} if "skills" in lost else dict(agent.skills),
        languages=() if "languages" in lost else tuple(agent.languages),
        sites=() if "sites" in lost else tuple(agent.sites or ()),
        hours=None if "hours" in lost else agents.hours_of(agent),
        lost=lost,
    )


def read_profile(session: Session, *, team_id: str, user_id: str, settings: Settings) -> Profile:
    """An agent's own profile; nothing is written. Raises NotAllowed for people who are no agents."""
    for agent in agents.active_agents(session, team_id, settings):
        if agent.user_id == user_id:
            return profile_of(agent)
    raise NotAllowed(ONLY_AGENTS)


def check(entered: Entered) -> Profile:
    """The profile that the form describes. Raises FormRefused with every fault at once."""
    faults: dict[str, str] = {}
    profile = Profile(
        capacity=_check_capacity(entered.capacity, faults),
        skills=_check_skills(entered.skills, faults),
        languages=_check_languages(entered.languages, faults),
        sites=_check_sites(entered.sites, faults),
        hours=_check_hours(entered.hours, entered.zone, faults),
    )
    if faults:
        raise FormRefused(faults)
    return profile


def save_profile(
    session: Session, now: datetime, *, team_id: str, user_id: str, profile: Profile, settings: Settings
) -> None:
    """Keep it; what waits is matched anew at once. Raises NotAllowed for people who are no agents."""
    if user_id not in settings.firstline_agents:
        raise NotAllowed(ONLY_AGENTS)
    agents.seed(session, now, team_id, settings)
    session.execute(
        update(Agent)
        .where(Agent.team_id == team_id, Agent.user_id == user_id)
        .values(
            capacity=profile.capacity,
            skills=dict(profile.skills),
            languages=list(profile.languages),
            sites=list(profile.sites),
            hours=store_hours(profile.hours),
        )
    )
    said = {"capacity": profile.capacity, "skills": dict(profile.skills), "languages": [*profile.languages]}
    said |= {"sites": len(profile.sites), "hours": store_hours(profile.hours)}
    record(session, now, team_id, EventKind.AGENT_PROFILE, actor_id=user_id, data=said)
    session.info[MATCHING_DUE] = True


def _check_capacity(text: str, faults: dict[str, str]) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST_CAPACITY):
        faults[Field.CAPACITY] = f"A whole number from 1 to {MOST_CAPACITY}, or nothing."
        return None
    return int(text)


def _check_skills(chosen: Mapping[str, str], faults: dict[str, str]) -> dict[str, float]:
    for category, level in chosen.items():
        if level not in LEVELS:
            faults[f"{Field.SKILL}:{category}"] = "Choose one of the levels."
            return {}
    if chosen and all(LEVELS[level] == 0.0 for level in chosen.values()):
        faults[f"{Field.SKILL}:{next(iter(chosen))}"] = (
            "Choose at least one category; to get no requests at all, type /firstline away."
        )
    if all(LEVELS[level] == FULL_LEVEL for level in chosen.values()):
        return {}  # everything, a category that comes later included
    return {category: LEVELS[level] for category, level in chosen.items()}


def _check_languages(codes: tuple[str, ...], faults: dict[str, str]) -> tuple[str, ...]:
    if unknown := [code for code in codes if code not in LANGUAGES]:
        faults[Field.LANGUAGES] = f"Not known: {', '.join(unknown)[:100]}."
    return tuple(sorted({*codes}))


def _check_sites(text: str, faults: dict[str, str]) -> tuple[str, ...]:
    sites = tuple(dict.fromkeys(site for part in text.split(",") if (site := site_name(part))))
    if len(sites) > MOST_SITES or any(len(site) > LONGEST_SITE for site in sites):
        faults[Field.SITES] = f"At most {MOST_SITES} sites of at most {LONGEST_SITE} characters each."
    return sites


def site_name(text: str) -> str:
    """A site as it is compared: in lower case, with single spaces."""
    return " ".join(text.split()).casefold()


def _check_hours(text: str, zone: str, faults: dict[str, str]) -> WeeklyHours | None:
    zone = zone.strip()
    if zone and zone not in available_timezones():
        faults[Field.ZONE] = "No such time zone; write it like Europe/Amsterdam, America/New_York or UTC."
    elif text.strip() and not zone:
        faults[Field.ZONE] = "Your hours need a time zone, such as Europe/Amsterdam."
    try:
        return parse_hours(text, "UTC" if Field.ZONE in faults else zone or "UTC")
    except HoursRefused as refusal:
        faults[Field.HOURS] = str(refusal)
        return None
