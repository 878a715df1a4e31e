"""What Slack accepts inside blocks: buttons, selects, inputs, and the objects they are made of.

The figures are those of Slack's reference of block elements and composition objects.
"""

from collections.abc import Callable, Iterator

from playground.inspection import Inspection
from playground.model import JsonObject

_SELECTS = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
_MULTI_SELECTS = tuple(f"multi_{kind}" for kind in _SELECTS)
_PICKERS = ("datepicker", "timepicker")

SECTION_ACCESSORIES = frozenset(
    (
        "button",
        "overflow",
        "image",
        "checkboxes",
        "radio_buttons",
        *_PICKERS,
        *_SELECTS,
        *_MULTI_SELECTS,
        "workflow_button",
    )
)
ACTION_ELEMENTS = frozenset(
    (
        "button",
        "overflow",
        "checkboxes",
        "radio_buttons",
        "datetimepicker",
        *_PICKERS,
        *_SELECTS,
        *_MULTI_SELECTS,
        "rich_text_input",
        "workflow_button",
    )
)
INPUT_ELEMENTS = frozenset(
    (
        "checkboxes",
        "radio_buttons",
        "datetimepicker",
        *_PICKERS,
        *_SELECTS,
        *_MULTI_SELECTS,
        "plain_text_input",
        "number_input",
        "email_text_input",
        "url_text_input",
        "file_input",
        "rich_text_input",
    )
)

_ACTION_ID = 255
_OPTIONS = 100
_FEW_OPTIONS = 10


def check_element(inspection: Inspection, element: object, pointer: str, allowed: frozenset[str]) -> None:
    """Report what is wrong with one element of a block that takes the ``allowed`` types."""
    if not isinstance(element, dict):
        inspection.report("must provide an object", pointer)
        return
    kind = element.get("type")
    if not isinstance(kind, str):
        inspection.report("missing required field: type", pointer)
        return
    if kind not in allowed:
        inspection.report(f"unsupported type: {kind}", f"{pointer}/type")
        return
    if kind != "image":
        inspection.string(element, "action_id", pointer, limit=_ACTION_ID)
        inspection.text(element, "placeholder", pointer, limit=150)
        _check_confirm(inspection, element, pointer)
    _CHECKS.get(kind, _nothing_more)(inspection, element, pointer)


def check_image(inspection: Inspection, image: JsonObject, pointer: str) -> None:
    """An image's source and its alternative text, as block or as element."""
    if "slack_file" in image:
        source = image["slack_file"]
        named = (source.get("id") or source.get("url")) if isinstance(source, dict) else None
        if not isinstance(named, str):
            inspection.report("must have an id or a url", f"{pointer}/slack_file")
    else:
        inspection.url(image, "image_url", pointer, required=True)
    inspection.string(image, "alt_text", pointer, limit=2000, required=True)


def _nothing_more(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    """Elements whose common fields are all there is to check."""


def _button(inspection: Inspection, button: JsonObject, pointer: str) -> None:
    inspection.text(button, "text", pointer, limit=75, required=True)
    inspection.string(button, "value", pointer, limit=2000)
    inspection.url(button, "url", pointer)
    inspection.choice(button, "style", pointer, ("primary", "danger"))
    inspection.string(button, "accessibility_label", pointer, limit=75)


def _overflow(inspection: Inspection, menu: JsonObject, pointer: str) -> None:
    for option, where in inspection.items(menu, "options", pointer, limit=5, required=True):
        _check_option(inspection, option, where)


def _static_select(inspection: Inspection, select: JsonObject, pointer: str) -> None:
    if "option_groups" in select:
        for group, where in inspection.items(select, "option_groups", pointer, limit=_OPTIONS):
            _check_group(inspection, group, where)
    else:
        for option, where in inspection.items(select, "options", pointer, limit=_OPTIONS, required=True):
            _check_option(inspection, option, where)
    _check_initial(inspection, select, pointer)


def _check_group(inspection: Inspection, group: object, pointer: str) -> None:
    if not isinstance(group, dict):
        inspection.report("must provide an object", pointer)
        return
    inspection.text(group, "label", pointer, limit=75, required=True)
    for option, where in inspection.items(group, "options", pointer, limit=_OPTIONS, required=True):
        _check_option(inspection, option, where)


def _few_options(inspection: Inspection, choice: JsonObject, pointer: str) -> None:
    for option, where in inspection.items(choice, "options", pointer, limit=_FEW_OPTIONS, required=True):
        _check_option(inspection, option, where, plain=False)
    _check_initial(inspection, choice, pointer)


def _multi(inspection: Inspection, select: JsonObject, pointer: str) -> None:
    inspection.integer(select, "max_selected_items", pointer, 1, 10**6)
    if select["type"] == "multi_static_select":
        _static_select(inspection, select, pointer)


def _text_input(inspection: Inspection, field: JsonObject, pointer: str) -> None:
    inspection.integer(field, "min_length", pointer, 0, 3000)
    inspection.integer(field, "max_length", pointer, 1, 3000)
    longest = field.get("max_length")
    inspection.string(
        {"initial_value": field.get("initial_value") or None},
        "initial_value",
        pointer,
        limit=longest if isinstance(longest, int) and longest > 0 else 3000,
    )


def _number_input(inspection: Inspection, field: JsonObject, pointer: str) -> None:
    if not isinstance(field.get("is_decimal_allowed"), bool):
        inspection.report("missing required field: is_decimal_allowed", pointer)


def _check_option(inspection: Inspection, option: object, pointer: str, *, plain: bool = True) -> None:
    if not isinstance(option, dict):
        inspection.report("must provide an object", pointer)
        return
    inspection.text(option, "text", pointer, limit=75, plain=plain, required=True)
    inspection.string(option, "value", pointer, limit=150)
    inspection.text(option, "description", pointer, limit=75, plain=plain)
    inspection.url(option, "url", pointer)


def _check_initial(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    """Slack refuses an initial option that is not literally one of the options."""
    named = inspection.items(element, "initial_options", pointer, limit=_OPTIONS, at_least=0)
    chosen = [option for option, _where in named]
    if element.get("initial_option") is not None:
        chosen.append(element["initial_option"])
    available = [(_key(option)) for option in options_of(element)]
    for option in chosen:
        if _key(option) not in available:
            inspection.report("initial option must match one of the options", pointer)


def _key(option: object) -> object:
    if not isinstance(option, dict):
        return None
    text = option.get("text")
    return option.get("value"), text.get("text") if isinstance(text, dict) else None


def options_of(element: JsonObject) -> Iterator[JsonObject]:
    """All options of a choosing element, those in groups included."""
    options, groups = element.get("options"), element.get("option_groups")
    for option in options if isinstance(options, list) else []:
        if isinstance(option, dict):
            yield option
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict):
            yield from options_of(group)


def _check_confirm(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    if "confirm" not in element:
        return
    confirm, where = element["confirm"], f"{pointer}/confirm"
    if not isinstance(confirm, dict):
        inspection.report("must provide an object", where)
        return
    inspection.text(confirm, "title", where, limit=100, required=True)
    inspection.text(confirm, "text", where, limit=300, plain=False, required=True)
    inspection.text(confirm, "confirm", where, limit=30, required=True)
    inspection.text(confirm, "deny", where, limit=30, required=True)


_CHECKS: dict[str, Callable[[Inspection, JsonObject, str], None]] = {
    "button": _button,
    "overflow": _overflow,
    "image": check_image,
    "static_select": _static_select,
    "radio_buttons": _few_options,
    "checkboxes": _few_options,
    "plain_text_input": _text_input,
    "number_input": _number_input,
    **dict.fromkeys(_MULTI_SELECTS, _multi),
}
