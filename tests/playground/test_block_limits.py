"""Block Kit's limits: the largest that Slack takes, and one more."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from playground.block_limits import block_chars, check_message_blocks, check_view
from playground.block_tree import images, placed, settled, with_ids
from playground.markup import live_mentions


def plain(length):
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length):
    return {"type": "mrkdwn", "text": "x" * length}


def options(count, text=1, value=1):
    return [{"text": plain(text), "value": f"{n}".rjust(value, "v")} for n in range(count)]


def actions(*elements):
    return [{"type": "actions", "elements": list(elements)}]


def in_input(element, **extra):
    return [{"type": "input", "label": plain(3), "element": element, **extra}]


def a_button(**extra):
    return {"type": "button", "text": plain(2), **extra}


def select(**extra):
    return {"type": "static_select", "options": options(2), **extra}


def confirm(title=10, text=10, yes=5):
    return {"title": plain(title), "text": plain(text), "confirm": plain(yes), "deny": plain(2)}


def rich(*pieces):
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(pieces)}]}


def table(rows=1, cells=1, cell=None, **extra):
    filled = cell or {"type": "raw_text", "text": "x"}
    return [{"type": "table", "rows": [[filled] * cells] * rows, **extra}]


LIMITS = {
    "blocks": (lambda n: [{"type": "divider"}] * n, 50),
    "section text": (lambda n: [{"type": "section", "text": mrkdwn(n)}], 3000),
    "fields": (lambda n: [{"type": "section", "fields": [mrkdwn(1)] * n}], 10),
    "field text": (lambda n: [{"type": "section", "fields": [mrkdwn(n)]}], 2000),
    "header": (lambda n: [{"type": "header", "text": plain(n)}], 150),
    "context elements": (lambda n: [{"type": "context", "elements": [mrkdwn(1)] * n}], 10),
    "actions": (lambda n: actions(*[a_button() for _ in range(n)]), 25),
    "button text": (lambda n: actions(a_button(text=plain(n))), 75),
    "button value": (lambda n: actions(a_button(value="x" * n)), 2000),
    "action_id": (lambda n: actions(a_button(action_id="x" * n)), 255),
    "block_id": (lambda n: [{"type": "divider", "block_id": "x" * n}], 255),
    "button url": (lambda n: actions(a_button(url="https://".ljust(n, "x"))), 3000),
    "options": (lambda n: actions(select(options=options(n))), 100),
    "option text": (lambda n: actions(select(options=options(1, text=n))), 75),
    "option value": (lambda n: actions(select(options=options(1, value=n))), 150),
    "placeholder": (lambda n: actions(select(placeholder=plain(n))), 150),
    "overflow options": (lambda n: actions({"type": "overflow", "options": options(n)}), 5),
    "radio buttons": (lambda n: actions({"type": "radio_buttons", "options": options(n)}), 10),
    "checkboxes": (lambda n: actions({"type": "checkboxes", "options": options(n)}), 10),
    "confirm title": (lambda n: actions(a_button(confirm=confirm(title=n))), 100),
    "confirm text": (lambda n: actions(a_button(confirm=confirm(text=n))), 300),
    "confirm button": (lambda n: actions(a_button(confirm=confirm(yes=n))), 30),
    "alt text": (
        lambda n: [{"type": "image", "image_url": "https://x.org/a.png", "alt_text": "x" * n}],
        2000,
    ),
    "input label": (lambda n: in_input({"type": "plain_text_input"}, label=plain(n)), 2000),
    "input max_length": (lambda n: in_input({"type": "plain_text_input", "max_length": n}), 3000),
    "markdown": (lambda n: [{"type": "markdown", "text": "x" * n}], 12_000),
    "table rows": (lambda n: table(rows=n), 100),
    "table cells": (lambda n: table(cells=n), 20),
    "table columns": (lambda n: table(column_settings=[{"align": "right", "is_wrapped": True}] * n), 20),
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_is_taken_and_one_more_refused(name):
    """Exactly the documented figure passes; one more does not, with a pointer to the place."""
    build, limit = LIMITS[name]
    assert check_message_blocks(build(limit)) == []
    [problem] = check_message_blocks(build(limit + 1))
    assert "[json-pointer:/blocks" in problem


WRONG = {
    "no list": {"type": "divider"},
    "unknown block": [{"type": "carousel-of-dreams"}],
    "no type": [{"text": plain(3)}],
    "section without text": [{"type": "section"}],
    "empty text": [{"type": "section", "text": plain(0)}],
    "text is a string": [{"type": "section", "text": "hello"}],
    "header in mrkdwn": [{"type": "header", "text": mrkdwn(3)}],
    "button in mrkdwn": actions({"type": "button", "text": mrkdwn(3)}),
    "button without text": actions({"type": "button"}),
    "button style": actions(a_button(style="pink")),
    "button url": actions(a_button(url="javascript:alert(1)")),
    "no elements": [{"type": "actions", "elements": []}],
    "same block_id": [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
    "same action_id": actions(a_button(action_id="a"), a_button(action_id="a")),
    "text input among actions": actions({"type": "plain_text_input"}),
    "button in input": in_input(a_button()),
    "input without element": [{"type": "input", "label": plain(3)}],
    "input without label": [{"type": "input", "element": {"type": "plain_text_input"}}],
    "image without alt_text": [{"type": "image", "image_url": "https://x.org/a.png"}],
    "image without source": [{"type": "image", "alt_text": "a"}],
    "select without options": actions({"type": "static_select"}),
    "initial option not among them": actions(select(initial_option={"text": plain(1), "value": "other"})),
    "number input without kind": in_input({"type": "number_input"}),
    "context with a button": [{"type": "context", "elements": [a_button()]}],
    "block is a string": ["hello"],
    "file block": [{"type": "file", "external_id": "a", "source": "remote"}],
    "table without rows": [{"type": "table"}],
    "table row is an object": [{"type": "table", "rows": [{"type": "raw_text", "text": "x"}]}],
    "button in a table": table(cell=a_button()),
    "cell without text": table(cell={"type": "raw_text"}),
    "cell of broken rich text": table(cell=rich({"type": "text"})),
    "column aligned to nowhere": table(column_settings=[{"align": "top"}]),
    "rich text of words": [{"type": "rich_text", "elements": ["hello"]}],
    "rich mention of a list": [rich({"type": "user", "user_id": ["U1"]})],
    "type is a list": [{"type": ["section"]}],
    "action_id is a list": actions(a_button(action_id=["q"])),
    "options is a number": actions(select(options=5, initial_option={"value": "1"})),
    "initial options is a number": actions(
        {"type": "checkboxes", "options": options(1), "initial_options": 5}
    ),
    "max_length is a word": in_input({"type": "plain_text_input", "max_length": "abc", "initial_value": "x"}),
    "file of an image is a list": [{"type": "image", "slack_file": {"id": ["F1"]}, "alt_text": "a"}],
}


@pytest.mark.parametrize("name", WRONG)
def test_malformed_blocks_are_refused(name):
    """What Slack refuses is refused, never a crash."""
    assert check_message_blocks(WRONG[name]) != []


def test_tables_hold_plain_and_rich_cells():
    """Cells are raw_text or rich_text, a column's settings may be left out, and tables stand in messages only."""
    bold = {"type": "text", "text": "x", "style": {"bold": True}}
    blocks = table(rows=2, cells=2, cell=rich(bold), column_settings=[None, {"align": "center"}])
    assert check_message_blocks(blocks) == []
    assert check_view({"type": "home", "blocks": blocks}) != []


def test_blocks_nested_without_end_are_refused():
    """Lists in lists are refused in words at any depth."""
    deep = []
    for _ in range(50_000):
        deep = [deep]
    for blocks in (deep, [{"type": "divider", "more": deep}]):
        assert check_message_blocks(blocks) != []
    assert check_view({"type": "home", "blocks": [], "more": deep}) != []


TYPES = (
    "section",
    "actions",
    "rich_text",
    "table",
    "image",
    "button",
    "mrkdwn",
    "plain_text",
    "user",
    "text",
)
KEYS = ("type", "text", "elements", "options", "action_id", "block_id", "user_id", "initial_options", "rows")
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(TYPES)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
SOUND = [build(2) for build, _limit in LIMITS.values()] + [[rich({"type": "user", "user_id": "U1"})]]


def spots(node):
    """Every container in a tree with each of its keys."""
    for key in range(len(node)) if isinstance(node, list) else list(node):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from spots(node[key])


@st.composite
def broken_blocks(draw):
    """Blocks that Slack would take, with anything at all in one or two places."""
    blocks = copy.deepcopy(draw(st.sampled_from(SOUND)))
    for _ in range(draw(st.integers(1, 2))):
        container, key = draw(st.sampled_from(list(spots(blocks))))
        container[key] = draw(JSON)
    return blocks


@settings(max_examples=300, deadline=None)
@given(broken_blocks() | JSON)
def test_any_json_gives_a_list_of_problems(blocks):
    """Whatever an app sends is refused in sentences or can be used; it is never a crash."""
    problems = check_message_blocks(blocks)
    modal = {"type": "modal", "title": plain(3), "submit": plain(3), "blocks": blocks}
    for found in (problems, check_view(blocks), check_view(modal)):
        assert all(isinstance(problem, str) for problem in found)
    if blocks and (problems == [] or check_view(modal) == []):
        filled = with_ids(blocks, lambda: "new")
        assert all(spot.action_id and spot.block_id for spot in placed(filled))
        settled(filled, {})
        live_mentions("", filled)
        list(images(filled))
        assert block_chars(filled) >= 0


def test_every_problem_is_reported_at_once():
    """Two mistakes give two sentences."""
    assert len(check_message_blocks([{"type": "header", "text": plain(151)}, {"type": "section"}])) == 2


MODAL_LIMITS = {
    "title": (lambda n: {"title": plain(n)}, 24),
    "submit": (lambda n: {"submit": plain(n)}, 24),
    "close": (lambda n: {"close": plain(n)}, 24),
    "private_metadata": (lambda n: {"private_metadata": "x" * n}, 3000),
    "callback_id": (lambda n: {"callback_id": "x" * n}, 255),
    "blocks": (lambda n: {"blocks": [{"type": "divider"}] * n}, 100),
}


@pytest.mark.parametrize("name", MODAL_LIMITS)
def test_modals_have_limits_too(name):
    """The largest modal passes, one more does not."""
    build, limit = MODAL_LIMITS[name]
    modal = {"type": "modal", "title": plain(3), "blocks": []}
    assert check_view({**modal, **build(limit)}) == []
    assert len(check_view({**modal, **build(limit + 1)})) == 1


def test_a_modal_with_inputs_needs_a_submit_button():
    """Input blocks without submit are refused; markdown blocks are for messages only; a home needs no title."""
    modal = {"type": "modal", "title": plain(3), "blocks": in_input({"type": "plain_text_input"})}
    assert check_view(modal) != []
    assert check_view({**modal, "submit": plain(4)}) == []
    assert check_view({"type": "home", "blocks": [{"type": "markdown", "text": "x"}]}) != []
    assert check_view({"type": "home", "blocks": []}) == []


def test_the_app_is_told_what_is_wrong_with_its_blocks(client):
    """chat.postMessage answers invalid_blocks with the sentences; views answer invalid_arguments."""
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="D0RILEY", text="x", blocks=[{"type": "section"}])
    assert caught.value.response["error"] == "invalid_blocks"
    assert "json-pointer:/blocks/0" in caught.value.response["response_metadata"]["messages"][0]
    with pytest.raises(SlackApiError) as caught:
        client.views_publish(user_id="U0RILEY", view={"type": "home", "blocks": [{"type": "section"}]})
    assert caught.value.response["error"] == "invalid_arguments"
    assert "json-pointer:/view/blocks/0" in caught.value.response["response_metadata"]["messages"][0]


def test_too_much_text_in_all_blocks_is_refused(client):
    """Blocks of 13,200 characters in total are too long although each is within its limit."""
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        client.chat_postMessage(
            channel="D0RILEY", text="x", blocks=[{"type": "section", "text": mrkdwn(3000)}] * 5
        )
