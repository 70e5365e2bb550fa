"""Does the console work in a real browser: signing in, reading, watching a clock, deciding, with scripts as served?"""

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

import rulebook
from escalations.messages import Receipt
from starter import signin
from starter.console import wording
from starter.console.app import create_app
from starter.errors import REFUSED, Problem
from store.engine import open_engine
from store.migrations import upgrade
from tests.browser import planted

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)
PATIENCE = 20


@dataclass
class Site:
    """A console on a port of its own, over a planted casebook; what people said ends up in `said`."""

    home: Path
    url: str = ""
    said: list[Any] = field(default_factory=list)
    refuse: bool = False

    async def speak(self, client: Any, case_id: str, name: str, message: Any) -> Receipt:
        self.said.append(message)
        if self.refuse:
            raise Problem("stale_digest", "The evidence has changed.", next_step="Look again.", exit_code=REFUSED)
        return Receipt(request_id=message.said.request_id, code="taken", text="Your answer counts.", at=planted.start())

    async def serve(self, ready: threading.Event, stop: threading.Event) -> None:
        engine = open_engine(f"sqlite:///{self.home}/casebook.db")
        await upgrade(engine)
        now = datetime.now(UTC)
        await planted.plant(engine, planted.rich_card(now))
        await planted.plant_others(engine, now)
        app = create_app(
            engine=engine,
            client_factory=_no_client,
            settings=SimpleNamespace(home=self.home),
            rulebook=rulebook.load(),
            speak=self.speak,
        )
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        ready.set()
        await asyncio.to_thread(stop.wait)
        server.should_exit = True
        await serving
        listening.close()
        await engine.dispose()


async def _no_client() -> Any:
    return None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made, ready, stop = Site(home=tmp_path), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(made.serve(ready, stop)))
    thread.start()
    assert ready.wait(60)
    yield made
    stop.set()
    thread.join(60)


@pytest.fixture(params=["light", "dark"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        message = "Chromium and its driver are not installed (apt-get install chromium chromium-driver)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    scheme = ("--blink-settings=preferredColorScheme=0",) if request.param == "dark" else ()
    for flag in (*FLAGS, *scheme, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


def test_somebody_signs_in_reads_the_inbox_watches_the_clock_and_decides(browser: webdriver.Chrome, site: Site) -> None:
    _sign_in(browser, site, "leo.legal")
    assert _first(browser, "h1").text.startswith("Waits for you")

    _first(browser, "table.list td a").click()
    _wait(browser, lambda: "ceramic" in _first(browser, "h1").text)
    _ticks(browser)
    _first(browser, "form[action$='/decide'] button[type=submit]").click()
    _wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "[role=status]"))

    assert "Your answer counts." in _first(browser, "[role=status]").text
    assert not browser.find_elements(By.CSS_SELECTOR, "form[action$='/decide']")
    [message] = site.said
    assert (message.said.person, message.option, message.stance.value) == ("leo.legal", "hide", "approve")
    assert _complaints(browser) == []


def test_a_refusal_appears_beside_the_form_and_what_was_typed_stays(browser: webdriver.Chrome, site: Site) -> None:
    site.refuse = True
    _sign_in(browser, site, "leo.legal")
    browser.get(f"{site.url}/cases/{planted.CASE}")
    reason = _first(browser, "form[action$='/decide'] textarea[name=reason]")
    reason.send_keys("Two burns are enough.")

    _first(browser, "form[action$='/decide'] button[type=submit]").click()
    _wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "[role=alert]"))

    assert "The evidence has changed." in _first(browser, "[role=alert]").text
    assert reason.get_attribute("value") == "Two burns are enough."
    assert [line for line in _complaints(browser) if "409" not in line] == []


def test_the_whole_answer_can_be_given_with_the_keyboard(browser: webdriver.Chrome, site: Site) -> None:
    _sign_in(browser, site, "leo.legal")
    browser.get(f"{site.url}/cases/{planted.CASE}")

    focusable = browser.execute_script(
        """return [...document.querySelectorAll('input, select, textarea, button, a, summary')]
           .filter(one => one.type !== 'hidden')
           .filter(one => one.tabIndex < 0 || !(one.textContent.trim() || one.labels?.length)).length"""
    )

    assert focusable == 0


def test_the_countdown_says_the_same_in_the_browser_and_on_the_server(browser: webdriver.Chrome, site: Site) -> None:
    _sign_in(browser, site, "leo.legal")
    browser.get(f"{site.url}/cases/{planted.CASE}")
    _ticks(browser)

    shown = browser.execute_script(
        """return [...document.querySelectorAll('[data-due]')].map(one => [one.dataset.due, one.textContent])"""
    )

    now = datetime.now(UTC)
    for due, text in shown:
        left = datetime.fromisoformat(due) - now
        # Reading the page takes a moment: a neighbouring second says the same thing.
        assert text in {wording.remaining(left + timedelta(seconds=shift)) for shift in range(-3, 4)}


def _sign_in(browser: webdriver.Chrome, site: Site, person: str) -> None:
    browser.get(signin.new_link(site.home, person, base_url=site.url, now=datetime.now(UTC)))
    _first(browser, "button[type=submit]").click()
    _wait(browser, lambda: browser.find_elements(By.ID, "inbox"))


def _ticks(browser: webdriver.Chrome) -> None:
    clock = _first(browser, "#clock").text
    _wait(browser, lambda: _first(browser, "#clock").text != clock)


def _first(browser: webdriver.Chrome, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def _wait(browser: webdriver.Chrome, until: Any) -> None:
    WebDriverWait(browser, PATIENCE).until(lambda _: until())


def _complaints(browser: webdriver.Chrome) -> list[str]:
    """List what the browser's console complains about: blocked resources, script errors, failed requests."""
    return [line["message"] for line in browser.get_log("browser") if line["level"] in ("WARNING", "SEVERE")]
