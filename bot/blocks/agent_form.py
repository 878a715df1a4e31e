"""The form in which agents say what they can do and when: a modal, filled with what they said last."""

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    InputInteractiveElement,
    NumberInputElement,
    Option,
    PlainTextInputElement,
    StaticMultiSelectElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.message import section
from bot.blocks.text import category_name
from bot.ids import CallbackId
from bot.services.agent_profile import FULL_LEVEL, LANGUAGES, LEVELS, MOST_CAPACITY, Field, Profile
from bot.services.working_hours import say_hours
from classifier import Answer

MOST_SKILLS = 80  # of the 100 blocks that a view may have
LEVEL_NAMES: Mapping[str, str] = {
    "none": "not for me",
    "basic": "the basics",
    "good": "well",
    "expert": "very well",
}
INTRODUCTION = "Requests are offered to you by what you say here. What you leave empty narrows nothing down."


def agent_form(profile: Profile, default_capacity: int, answers: Mapping[str, Answer]) -> View:
    """The modal; each block is called as its field is, and so is the input in it."""
    blocks: list[Block] = [
        section(INTRODUCTION),
        _capacity(profile, default_capacity),
        *[_skill(category, profile, answers) for category in categories_for(profile, answers)],
        _languages(profile),
        _sites(profile),
        *_hours(profile),
    ]
    return View(
        type="modal",
        callback_id=CallbackId.AGENT_FORM,
        title="My work",
        submit="Save",
        close="Cancel",
        blocks=blocks,
    )


def categories_for(profile: Profile, answers: Mapping[str, Answer]) -> Sequence[str]:
    """The skills that the form asks for: categories with an answer, and those the agent has a level for."""
    known = {*answers, *profile.skills}
    return sorted(known, key=lambda category: category_name(category, answers).casefold())[:MOST_SKILLS]


def _input(
    field: str,
    label: str,
    element: InputInteractiveElement,
    hint: str | None = None,
    *,
    optional: bool = True,
) -> InputBlock:
    return InputBlock(block_id=field, label=label[:2000], element=element, hint=hint, optional=optional)


def _hint(profile: Profile, field: Field, hint: str) -> str:
    return (
        f"What was kept here cannot be read any more: write it again. {hint}"
        if field in profile.lost
        else hint
    )


def _capacity(profile: Profile, default: int) -> InputBlock:
    element = NumberInputElement(
        action_id=Field.CAPACITY,
        is_decimal_allowed=False,
        min_value="1",
        max_value=str(MOST_CAPACITY),
        initial_value=None if profile.capacity is None else str(profile.capacity),
    )
    hint = f"Offers that wait for your answer count. Empty: {default}, as for everybody."
    return _input(Field.CAPACITY, "Requests at the same time", element, _hint(profile, Field.CAPACITY, hint))


def _skill(category: str, profile: Profile, answers: Mapping[str, Answer]) -> InputBlock:
    level = profile.skills.get(category, 0.0 if profile.skills else FULL_LEVEL)
    nearest = min(LEVELS, key=lambda name: abs(LEVELS[name] - level))
    field = f"{Field.SKILL}:{category}"
    options = {name: Option(value=name, label=LEVEL_NAMES[name]) for name in LEVELS}
    element = StaticSelectElement(
        action_id=field, options=list(options.values()), initial_option=options[nearest]
    )
    return _input(field, category_name(category, answers), element, optional=False)


def _languages(profile: Profile) -> InputBlock:
    options = {code: Option(value=code, label=name) for code, name in LANGUAGES.items()}
    element = StaticMultiSelectElement(
        action_id=Field.LANGUAGES,
        options=sorted(options.values(), key=lambda option: str(option.label)),
        initial_options=[options[code] for code in profile.languages if code in options] or None,
    )
    return _input(Field.LANGUAGES, "Languages", element, _hint(profile, Field.LANGUAGES, "Empty: any."))


def _sites(profile: Profile) -> InputBlock:
    element = PlainTextInputElement(action_id=Field.SITES, initial_value=", ".join(profile.sites) or None)
    hint = "Offices or markets you look after, separated by commas. Empty: any."
    return _input(Field.SITES, "Sites", element, _hint(profile, Field.SITES, hint))


def _hours(profile: Profile) -> tuple[InputBlock, InputBlock]:
    hours = profile.hours
    written = PlainTextInputElement(
        action_id=Field.HOURS,
        multiline=True,
        max_length=1000,
        placeholder="Mon-Fri 9:00-17:00",
        initial_value=None if hours is None else say_hours(hours),
    )
    zone = PlainTextInputElement(
        action_id=Field.ZONE,
        placeholder="Europe/Amsterdam",
        initial_value=None if hours is None else hours.zone,
    )
    hint = "A line for each stretch of days; a shift may end after midnight. Empty: whenever you are on."
    return (
        _input(Field.HOURS, "Weekly hours", written, _hint(profile, Field.HOURS, hint)),
        _input(Field.ZONE, "Time zone of these hours", zone),
    )
