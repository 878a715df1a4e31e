"""The page with a tiny app behind it: what people do arrives, and what the app answers is seen by the right ones."""

import re
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Route, expect

from playground.model import BOT_USER
from playground.testing import PlaygroundServer

if TYPE_CHECKING:
    from .conftest import Card, Desk

pytestmark = pytest.mark.browser

ONE_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"> <!channel> <script>alert(1)</script> <@U0ANA> &lt;b&gt;"
)


def test_a_message_is_answered_in_its_thread(desk: "Desk", card: "Card") -> None:
    """What a person sends stands there at once, and the app's answer appears below it without reloading."""
    answer = card("my vpn drops")
    own = desk.requester.message("my vpn drops").first
    expect(own).to_have_attribute("data-author", "U0RILEY")
    assert answer.get_attribute("data-thread") == own.get_attribute("data-ts")
    expect(answer.locator(".app-badge")).to_have_text("APP")
    expect(desk.requester.node.get_by_test_id("composer")).to_have_value("")
    expect(desk.agent.message("my vpn drops")).to_have_count(0)


def test_shift_enter_is_a_new_line_and_does_not_send(desk: "Desk") -> None:
    """Shift+Enter makes one message of two lines."""
    box = desk.requester.node.get_by_test_id("composer")
    box.fill("first")
    box.press("Shift+Enter")
    box.type("second")
    expect(desk.requester.message("first")).to_have_count(0)
    box.press("Enter")
    expect(desk.requester.message(re.compile("first.*second", re.DOTALL)).first).to_be_visible()


def test_what_is_typed_early_is_kept(desk: "Desk") -> None:
    """Words typed before the person's conversations have come are still there afterwards, for this person alone."""
    conversations = "**/_/people/U0RILEY/conversations"
    held: list[Route] = []
    desk.page.route(conversations, lambda request: held.append(request), times=1)
    with desk.page.expect_request(conversations):
        desk.page.reload()
    box = desk.requester.node.get_by_test_id("composer")
    box.fill("typed early")
    [request] = held
    request.continue_()
    expect(desk.requester.node.get_by_test_id("conversation").first).to_be_visible()
    expect(box).to_have_value("typed early")
    desk.requester.become("Ben Fischer")
    expect(desk.requester.node.get_by_test_id("conversation").first).to_be_visible()
    expect(box).to_have_value("")
    desk.requester.become("Riley Chen")
    expect(box).to_have_value("typed early")


def test_an_example_is_sent_with_one_click(desk: "Desk") -> None:
    """An empty conversation offers messages to start with; a click sends one."""
    example = desk.requester.node.get_by_test_id("example").first
    words = example.inner_text()
    example.click()
    expect(desk.requester.message(words).first).to_be_visible()
    expect(desk.requester.node.get_by_test_id("example")).to_have_count(0)


def test_a_picture_can_be_attached(desk: "Desk") -> None:
    """A file chosen by the person goes with the message and is shown in it."""
    desk.requester.node.locator('input[type="file"]').first.set_input_files(
        {"name": "screen.png", "mimeType": "image/png", "buffer": b64decode(ONE_PIXEL)}
    )
    expect(desk.requester.node.locator(".attached")).to_contain_text("screen.png")
    desk.requester.say("look at this")
    picture = desk.requester.message("look at this").first.get_by_role("img", name="screen.png")
    expect(picture).to_have_js_property("naturalWidth", 1)


def test_a_command_is_answered_to_its_sender_only(desk: "Desk") -> None:
    """Two people in one channel: what the app answers to one's command the other never sees."""
    desk.agent.open("it-help")
    desk.requester.become("Ben Fischer")
    desk.requester.open("it-help")
    desk.agent.say("/echo secret figures")
    expect(desk.agent.message("Between us: secret figures")).to_contain_text("Only visible to you")
    desk.agent.say("and now in public")
    expect(desk.requester.message("and now in public").first).to_be_visible()
    expect(desk.requester.message("secret figures")).to_have_count(0)


def test_an_unknown_command_is_refused_and_comes_back(desk: "Desk") -> None:
    """Nothing is sent, the person is told, and the words are not lost."""
    desk.requester.say("/nonsense now")
    expect(
        desk.requester.node.get_by_role("alert").filter(has_text="/nonsense is not a valid command")
    ).to_be_visible()
    expect(desk.requester.node.get_by_test_id("composer")).to_have_value("/nonsense now")


def test_a_reply_in_a_thread_stays_in_it(desk: "Desk", card: "Card") -> None:
    """What is typed under a thread belongs to the thread's first message."""
    first = desk.requester.message("about the printer").first
    card("about the printer")
    desk.requester.reply("about the printer", "it is on fire")
    reply = desk.requester.message("it is on fire").first
    expect(reply).to_have_attribute("data-thread", first.get_attribute("data-ts") or "none")
    # What arrives in a closed thread opens it, so the app's answer has to be there before it is closed.
    expect(desk.requester.message("it is on fire")).to_have_count(2)
    toggle = desk.requester.node.get_by_test_id("thread").first
    toggle.click()
    expect(reply).to_have_count(0)
    toggle.click()
    expect(reply).to_be_visible()


def test_hostile_text_stays_text(desk: "Desk") -> None:
    """Markup, broadcasts and mentions that a person typed are shown as typed, also where the app repeats them."""
    title = desk.page.title()
    desk.requester.say(HOSTILE)
    expect(desk.requester.message("<!channel>")).to_have_count(2)
    for shown in desk.requester.message("<!channel>").all():
        for part in HOSTILE.split(" <"):
            expect(shown).to_contain_text(part)
        assert shown.locator(".message-body img, .message-body script, .mention").count() == 0
    assert desk.page.title() == title


def test_a_bare_javascript_link_is_not_clickable(desk: "Desk", echo: PlaygroundServer) -> None:
    """Only web, mail and phone addresses become links."""
    desk.requester.say("hello")
    expect(desk.requester.message("You said")).to_have_count(1)
    text = "<javascript:alert(1)|innocent> <https://example.com|real>"
    echo.look(lambda playground: playground.post(playground.workspace.app_dm("U0RILEY"), BOT_USER, text))
    message = desk.requester.message("innocent").last
    expect(message.get_by_role("link", name="real")).to_have_attribute("href", "https://example.com/")
    expect(message.get_by_role("link")).to_have_count(1)


COSTLY = {
    "quotes in quotes": ">" * 40_000,
    "styles that open and never close": " *a" * 13_333,
    "styles in styles": "*a " * 10_000 + "*" * 10_000,
    "links that never close": "<" * 40_000,
    "links in code that never close": "```" + "<http:" * 6_000 + "```",
    "a list item of separators": "- " + "\u2028" * 39_000,
    "a date that is none": "<!date^99999999999999999999^{date} {ago}|then>",
}


COSTLY_MARKDOWN = {
    "quotes in quotes": ">" * 12_000,
    "styles that open and never close": "*a " * 4_000,
    "pictures that never end": "![a](" * 2_400,
}


def test_no_text_holds_up_the_page(desk: "Desk", echo: PlaygroundServer) -> None:
    """The worst texts of the largest size are drawn in a moment, and what comes after them is shown."""
    drawing = """async ([language, text]) => {
        const { [language]: draw } = await import(`/${language}.js`);
        const begin = performance.now();
        draw(text, { tz: "UTC" });
        return performance.now() - begin;
    }"""
    for language, texts in (("mrkdwn", COSTLY), ("markdown", COSTLY_MARKDOWN)):
        took_ms = {name: desk.page.evaluate(drawing, [language, text]) for name, text in texts.items()}
        assert max(took_ms.values()) < 1000, took_ms
    for text in (*COSTLY.values(), "the last word"):
        echo.look(lambda p, text=text: p.post(p.workspace.app_dm("U0RILEY"), BOT_USER, text))
    expect(desk.requester.message("the last word")).to_be_visible()
    expect(desk.requester.node.get_by_test_id("message")).to_have_count(len(COSTLY) + 1)


def test_marks_style_whole_words(desk: "Desk", echo: PlaygroundServer) -> None:
    """Bold, italic, struck, code and quotes look as in Slack; marks within words or without a partner stay."""
    words = "*bold _both_* ~gone~ `*code*` a*b*c 2 * 3 *open _x_ <https://example.com|*here*>"
    text = f"{words}\n&gt; quoted\nbetween\n&gt;&gt;&gt; all\n&gt; of it"
    echo.look(lambda p: p.post(p.workspace.app_dm("U0RILEY"), BOT_USER, text))
    message = desk.requester.message("quoted").last
    for tag, shown in {
        "strong": ["bold both", "here"],
        "em": ["both", "x"],
        "s": ["gone"],
        "code": ["*code*"],
        "blockquote": ["quoted", "all> of it"],
    }.items():
        expect(message.locator(f".message-text {tag}")).to_have_text(shown)
    expect(message).to_contain_text("a*b*c 2 * 3 *open x")


def test_another_persons_screen_counts_what_is_unread(desk: "Desk") -> None:
    """A message in a conversation that is not open puts the number of unread ones beside it, which opening takes away."""
    desk.requester.become("Ben Fischer")
    desk.requester.open("it-help")
    desk.requester.say("lunch?")
    badge = desk.agent.node.get_by_test_id("conversation").filter(has_text="it-help")
    expect(badge).to_contain_text("unread")
    desk.agent.open("it-help")
    expect(desk.agent.message("lunch?").first).to_be_visible()
    desk.agent.open("Echo")
    expect(badge).not_to_contain_text("unread")


def test_the_log_shows_what_the_app_was_told(desk: "Desk", card: "Card") -> None:
    """The drawer lists deliveries with their acknowledgement, and the app's calls."""
    card("for the record")
    desk.page.get_by_test_id("drawer-toggle").click()
    drawer = desk.page.get_by_test_id("drawer")
    expect(drawer.get_by_role("row").filter(has_text="message.im").first).to_contain_text("ms")
    expect(drawer.get_by_role("row").filter(has_text="chat.postMessage").first).to_contain_text("ok")


def test_starting_over_empties_every_screen(desk: "Desk", card: "Card") -> None:
    """After "Start over" the conversation is as new."""
    card("to be forgotten")
    desk.page.get_by_test_id("reset").click()
    desk.page.get_by_role("alertdialog").get_by_role("button", name="Start over").click()
    expect(desk.requester.message("to be forgotten")).to_have_count(0)
    expect(desk.requester.node.get_by_test_id("example").first).to_be_visible()


def test_a_narrow_window_shows_one_screen_at_a_time(desk: "Desk") -> None:
    """Under 1,100 pixels the screens become tabs; from there on all three stand side by side."""
    desk.page.set_viewport_size({"width": 1100, "height": 800})
    for screen in (desk.requester, desk.agent, desk.admin):
        expect(screen.node).to_be_visible()
    desk.page.set_viewport_size({"width": 1099, "height": 800})
    expect(desk.requester.node).to_be_visible()
    expect(desk.agent.node).to_be_hidden()
    desk.page.get_by_role("button", name="Agent", exact=True).click()
    expect(desk.agent.node).to_be_visible()
    expect(desk.requester.node).to_be_hidden()


def test_nothing_is_loaded_from_elsewhere(desk: "Desk", echo: PlaygroundServer, card: "Card") -> None:
    """The page asks its own server for everything."""
    card("hello")
    hosts = desk.page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)"
    )
    assert set(hosts) == {echo.url.rstrip("/")}


def test_the_page_sets_no_html() -> None:
    """Words become text nodes: no script of the page uses an interface that parses HTML."""
    folder = Path(__file__).parents[2] / "playground" / "page"
    scripts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.js")}
    assert scripts
    parsing = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\("
    )
    assert [name for name, text in scripts.items() if parsing.search(text)] == []
    assert "<script>" not in (folder / "index.html").read_text(encoding="utf-8")
