"""A browser at the playground's page, and a tiny app for it to talk to.

``open_desk(url)`` opens the page of any running playground and gives a ``Desk``: the three people's screens.
"""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from slack_bolt.adapter.starlette import SlackRequestHandler
from starlette.applications import Starlette
from starlette.routing import Route

from playground.manifest import SlashCommand
from playground.server import bind
from playground.testing import AppManifest, DeliveryTiming, PlaygroundServer

from .echo import ACK_TIMEOUT_S, echo_app

LAUNCH_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 8_000

OpenDesk = Callable[..., "Desk"]
Card = Callable[[str], Locator]


@dataclass(frozen=True, slots=True)
class Screen:
    """One person's column of the page, by what that person does there."""

    node: Locator

    def say(self, text: str) -> None:
        """Type into the message box and press Enter; a text that begins with "/" is a command."""
        box = self.node.get_by_test_id("composer")
        box.fill(text)
        box.press("Enter")

    def message(self, words: str | re.Pattern[str]) -> Locator:
        """The messages that contain these words; newest last."""
        return self.node.get_by_test_id("message").filter(has_text=words)

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """Press the newest button of exactly this name."""
        (within or self.node).get_by_role("button", name=name, exact=True).last.click()

    def reply(self, words: str, text: str) -> None:
        """Answer in the thread of the message that contains these words."""
        ts = self.message(words).last.get_attribute("data-ts")
        thread = self.message(words).last.get_attribute("data-thread") or ts
        foot = self.node.locator(f'[data-testid="thread-foot"][data-ts="{thread}"]')
        foot.get_by_test_id("thread-reply").click()
        box = foot.get_by_test_id("thread-composer")
        box.fill(text)
        box.press("Enter")

    def open(self, title: str | re.Pattern[str]) -> None:
        """Open one of the person's conversations by its exact title; groups are called by first names ("Ana, Firstline")."""
        named = self.node.page.get_by_text(title, exact=True)
        self.node.get_by_test_id("conversation").filter(has=named).click()

    def tab(self, name: str) -> None:
        """The app's "Home" or "Messages"."""
        self.node.get_by_role("tab", name=name, exact=True).click()

    def become(self, name: str) -> None:
        """Let somebody else sit down at this screen."""
        self.node.get_by_test_id("person-switcher").click()
        self.node.page.get_by_role("menuitem").filter(has_text=name).click()
        expect(self.node.get_by_test_id("person-switcher")).to_contain_text(name)

    @property
    def modal(self) -> Locator:
        """The form that lies over this screen."""
        return self.node.get_by_test_id("modal")

    @property
    def home(self) -> Locator:
        """What the app's Home tab shows."""
        return self.node.get_by_test_id("home")


@dataclass(slots=True)
class Desk:
    """The page with its three screens. ``complaints`` are script errors and what the browser refused or logged as an error."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @property
    def requester(self) -> Screen:
        return Screen(self.page.get_by_test_id("column-requester"))

    @property
    def agent(self) -> Screen:
        return Screen(self.page.get_by_test_id("column-agent"))

    @property
    def admin(self) -> Screen:
        return Screen(self.page.get_by_test_id("column-admin"))

    def picture(self, path: Path) -> None:
        """Save what the browser shows as a PNG."""
        self.page.screenshot(path=path)


def _chromium() -> str | None:
    wanted = os.environ.get("CHROMIUM")
    return wanted or next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all browser tests. Skips, and says why, where there is none."""
    executable = _chromium()
    if executable is None:
        pytest.skip(
            "no Chromium on this machine (apt-get install chromium, or set CHROMIUM to its path): the page is not tested"
        )
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(LAUNCH_ARGS))
        yield chromium
        chromium.close()


def _is_complaint(line: ConsoleMessage) -> bool:
    # A playground that ends before the page does is no fault of the page.
    return line.type == "error" and "net::ERR_" not in line.text


def _new_desk(browser: Browser, *, width: int = 1440, height: int = 900, dark: bool = False) -> Desk:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    desk = Desk(context.new_page())
    desk.page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    desk.page.on("console", lambda line: desk.complaints.append(line.text) if _is_complaint(line) else None)
    return desk


def _enter(desk: Desk, url: str) -> None:
    desk.page.goto(url)
    expect(desk.page.get_by_test_id("composer")).to_have_count(3)
    expect(desk.page.get_by_test_id("conversation").first).to_be_visible()


@pytest.fixture
def open_desk(browser: Browser) -> Iterator[OpenDesk]:
    """Opens the page at a playground's URL; the test fails if the page complained of anything."""
    desks: list[Desk] = []

    def open_one(url: str, **look: Any) -> Desk:
        desks.append(_new_desk(browser, **look))
        _enter(desks[-1], url)
        return desks[-1]

    yield open_one
    complaints = [complaint for desk in desks for complaint in desk.complaints]
    for desk in desks:
        desk.page.context.close()
    assert complaints == []


@pytest.fixture(scope="package")
def echo_server() -> Iterator[PlaygroundServer]:
    """A playground with the echo app connected over HTTP."""
    manifest = AppManifest(name="Echo", commands=(SlashCommand("/echo", "Says it back to you", "words"),))
    timing = DeliveryTiming(ack_timeout_s=ACK_TIMEOUT_S)
    with PlaygroundServer(manifest=manifest, timing=timing, rate_limit=None) as server:
        handler = SlackRequestHandler(echo_app(server))
        app = Starlette(routes=[Route("/slack/events", handler.handle, methods=["POST"])])
        listening = bind("127.0.0.1", 0)
        uvicorn_server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        server.set_request_url(f"http://127.0.0.1:{listening.getsockname()[1]}/slack/events")
        yield server
        uvicorn_server.should_exit = True
        thread.join()


@pytest.fixture
def echo(echo_server: PlaygroundServer) -> PlaygroundServer:
    """The playground with the echo app, with nothing said in it yet."""
    echo_server.reset()
    return echo_server


@pytest.fixture(scope="package")
def kept_desk(browser: Browser) -> Iterator[Desk]:
    """One browser window for all tests of the echo app: opening another each time takes longer than most tests."""
    kept = _new_desk(browser)
    yield kept
    kept.page.context.close()


@pytest.fixture
def desk(echo: PlaygroundServer, kept_desk: Desk) -> Iterator[Desk]:
    """The page, loaded anew, with the echo app behind it; the test fails if the page complained of anything."""
    kept_desk.page.set_viewport_size({"width": 1440, "height": 900})
    kept_desk.complaints.clear()
    _enter(kept_desk, echo.url)
    yield kept_desk
    assert kept_desk.complaints == []


@pytest.fixture
def card(desk: Desk) -> Card:
    """Lets the requester say something, and gives the echo app's card that answers it."""

    def say(words: str) -> Locator:
        desk.requester.say(words)
        answer = desk.requester.message("You said").last
        expect(answer).to_contain_text(words)
        return answer

    return say
