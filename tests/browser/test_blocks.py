"""What an app shows in messages, forms and its Home, and what reaches it when people use that."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from slack_sdk import WebClient

from playground.testing import PlaygroundServer

if TYPE_CHECKING:
    from .conftest import Card, Desk

pytestmark = pytest.mark.browser


def test_a_pressed_button_changes_its_message_in_place(desk: "Desk", card: "Card") -> None:
    """The app updates the message whose button was pressed; nothing is added."""
    answer = card("press something")
    ts = answer.get_attribute("data-ts")
    desk.requester.press("Press me", within=answer)
    changed = desk.requester.node.locator(f'[data-ts="{ts}"][data-testid="message"]')
    expect(changed).to_contain_text("Pressed by @Riley Chen")
    expect(changed).to_contain_text("(edited)")
    expect(desk.requester.node.get_by_test_id("message")).to_have_count(2)


def test_a_button_with_a_confirmation_asks_first(desk: "Desk", card: "Card") -> None:
    """Refusing sends nothing; agreeing does what the button says."""
    answer = card("delete something")
    desk.requester.press("Delete", within=answer)
    question = desk.requester.node.get_by_role("alertdialog", name="Really?")
    question.get_by_role("button", name="Rather not").click()
    expect(question).to_have_count(0)
    expect(answer).to_be_visible()
    desk.requester.press("Delete", within=answer)
    question.get_by_role("button", name="Do it").click()
    expect(desk.requester.message("You said")).to_have_count(0)


def test_an_app_that_does_not_acknowledge_is_told_to_the_person(desk: "Desk", card: "Card") -> None:
    """The button shows that it waits, then a warning stands beside it."""
    answer = card("are you there")
    button = answer.get_by_role("button", name="Never answers")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    expect(answer.get_by_test_id("warning")).to_contain_text("trouble connecting")
    expect(button).not_to_have_attribute("aria-busy", "true")


def test_a_choice_in_a_select_reaches_the_app(desk: "Desk", card: "Card") -> None:
    """The app answers the chosen option, to the one who chose only."""
    answer = card("choose something")
    answer.get_by_role("combobox", name="Colour").select_option("Blue")
    told = desk.requester.message("Blue it is")
    expect(told).to_contain_text("Only visible to you")


def test_every_layout_is_drawn(desk: "Desk", echo: PlaygroundServer) -> None:
    """Block Kit's layouts stand in a message as Slack shows them; none is left out."""
    image = f"{echo.url}/icon.svg"
    words = [{"type": "text", "text": "rich", "style": {"bold": True}}, {"type": "emoji", "name": "rocket"}]
    layouts = [
        {"type": "header", "text": {"type": "plain_text", "text": "A header"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*left*\n1 &lt; 2"}, {"type": "mrkdwn", "text": "right"}]},
        {"type": "section", "text": {"type": "mrkdwn", "text": "> a quote"}, "accessory": {"type": "image", "image_url": image, "alt_text": "side"}},
        {"type": "divider"},
        {"type": "image", "image_url": image, "alt_text": "a mark", "title": {"type": "plain_text", "text": "Its title"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "small `print` <!date^0^{date}|then>"}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": words}]},
        {"type": "markdown", "text": "# Big\n- **one**\n- [two](https://example.com)\n\n| Name | Count |\n|---|--:|\n| VPN | 41 |"},
    ]  # fmt: skip
    WebClient(token=echo.bot_token, base_url=echo.api_url).chat_postMessage(
        channel="U0RILEY", text="all", blocks=layouts
    )
    message = desk.requester.message("A header")
    expect(message.get_by_role("heading", name="A header")).to_be_visible()
    expect(message.locator(".field").first).to_have_text(re.compile(r"left\s*1 < 2"))
    expect(message.locator("blockquote")).to_have_text("a quote")
    expect(message.get_by_role("img", name="a mark")).to_have_js_property("complete", True)
    expect(message.locator("code")).to_have_text("print")
    expect(message).to_contain_text("small print 1 January 1970")
    expect(message.locator("strong", has_text="rich")).to_be_visible()
    expect(message.get_by_role("link", name="two")).to_have_attribute("target", "_blank")
    expect(message.get_by_role("cell", name="41")).to_be_visible()
    expect(message.locator(".unsupported")).to_have_count(0)
    expect(message.locator(".block")).to_have_count(len(layouts))


def test_every_element_tells_the_app_what_was_chosen(desk: "Desk", echo: PlaygroundServer) -> None:
    """Menus, ticks and pickers in a message send their value at once."""
    options = [
        {"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("Low", "High")
    ]
    elements = [
        {"type": "overflow", "action_id": "any_overflow", "options": options},
        {"type": "radio_buttons", "action_id": "any_radio", "options": options},
        {"type": "checkboxes", "action_id": "any_ticks", "options": options},
        {"type": "timepicker", "action_id": "any_time", "initial_time": "09:00"},
    ]
    multi = {
        "type": "multi_static_select",
        "action_id": "any_multi",
        "placeholder": {"type": "plain_text", "text": "Several"},
    }
    blocks = [
        {"type": "actions", "elements": elements},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "more"},
            "accessory": {**multi, "options": options},
        },
    ]
    WebClient(token=echo.bot_token, base_url=echo.api_url).chat_postMessage(
        channel="U0RILEY", text="all", blocks=blocks
    )
    message = desk.requester.message("more").first
    message.get_by_role("button", name="More actions").click()
    desk.page.get_by_role("menuitem", name="High").click()
    expect(desk.requester.message("any_overflow: high")).to_be_visible()
    message.get_by_role("radio", name="Low").check()
    expect(desk.requester.message("any_radio: low")).to_be_visible()
    message.get_by_role("checkbox", name="High").check()
    expect(desk.requester.message("any_ticks: high")).to_be_visible()
    message.locator('input[type="time"]').fill("14:30")
    expect(desk.requester.message("any_time: 14:30")).to_be_visible()
    message.get_by_role("button", name="Several").click()
    desk.page.get_by_role("menuitemcheckbox", name="Low").click()
    desk.page.get_by_role("menuitemcheckbox", name="High").click()
    desk.page.keyboard.press("Escape")
    expect(desk.requester.message("any_multi: low high")).to_be_visible()


def test_a_form_shows_its_errors_and_keeps_what_was_entered(desk: "Desk", card: "Card") -> None:
    """Empty is refused by the form, a wrong name by the app; what is right closes it and is used."""
    desk.requester.press("Open form", within=card("a form please"))
    modal = desk.requester.modal
    expect(modal.get_by_role("heading", name="Your name")).to_be_visible()
    expect(desk.agent.modal).to_have_count(0)
    save = modal.get_by_role("button", name="Save")
    save.click()
    expect(modal.get_by_test_id("input-error").first).to_have_text("Please complete this required field.")
    modal.get_by_label("Name", exact=True).fill("nobody")
    modal.get_by_label("Tue").check()
    save.click()
    expect(modal.get_by_test_id("input-error").first).to_have_text("Nobody cannot be your name.")
    expect(modal.get_by_label("Tue")).to_be_checked()
    modal.get_by_label("Name", exact=True).fill("Riley the Great")
    save.click()
    expect(modal).to_have_count(0)
    expect(desk.requester.message("Hello Riley the Great, see you Tue")).to_be_visible()


def test_escape_closes_a_form_without_submitting(desk: "Desk", card: "Card") -> None:
    """Nothing is said when a form is left with Escape."""
    desk.requester.press("Open form", within=card("another form"))
    desk.requester.modal.get_by_label("Name", exact=True).press("Escape")
    expect(desk.requester.modal).to_have_count(0)
    expect(desk.requester.message("Hello")).to_have_count(0)


def test_the_home_tab_shows_what_the_app_published(desk: "Desk") -> None:
    """Opening Home tells the app, whose view then appears; Messages brings the messages back."""
    desk.requester.say("hello")
    desk.requester.tab("Home")
    expect(desk.requester.home.get_by_role("heading", name="Welcome home")).to_be_visible()
    desk.requester.tab("Messages")
    expect(desk.requester.message("hello").first).to_be_visible()
    expect(desk.requester.home).to_be_hidden()
