"""How do the browser tests look at a console? One on a port of its own, over a planted casebook, and a few steps."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from starlette.types import ASGIApp, Receive, Scope, Send

import rulebook
from escalations.messages import Receipt
from escalations.record import Card
from starter import signin
from starter.console.app import create_app
from starter.console.past import LookBack
from starter.errors import REFUSED, Problem
from store.engine import open_engine
from store.migrations import upgrade
from tests.browser import planted

PATIENCE = 60
GONE = (NoSuchElementException, StaleElementReferenceException)


@dataclass
class Site:
    """A console; what people said ends up in `said`. A file named in `held` is not answered until it is let go.

    `cards` are planted beside the others, `past` is how it looks back.
    """

    home: Path
    url: str = ""
    said: list[Any] = field(default_factory=list)
    refuse: bool = False
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop | None = None
    past: LookBack | None = None
    cards: tuple[Card, ...] = ()

    async def speak(self, client: Any, case_id: str, name: str, message: Any) -> Receipt:
        """Take what a person says, or refuse it."""
        self.said.append(message)
        if self.refuse:
            raise Problem("stale_digest", "The evidence has changed.", next_step="Look again.", exit_code=REFUSED)
        return Receipt(request_id=message.said.request_id, code="taken", text="Your answer counts.", at=planted.start())

    def hold(self, path: str) -> None:
        """Let whoever asks for a path wait."""
        self.held[path] = asyncio.Event()

    def let_go(self, path: str) -> None:
        """Answer whoever waits for a path, and whoever asks from now on."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.held[path].set)

    async def serve(self, ready: threading.Event, stop: threading.Event) -> None:
        """Serve the console until told to stop."""
        self.loop = asyncio.get_running_loop()
        engine = open_engine(f"sqlite:///{self.home}/casebook.db")
        await upgrade(engine)
        now = datetime.now(UTC)
        await planted.plant(engine, planted.rich_card(now))
        await planted.plant_others(engine, now)
        for card in self.cards:
            await planted.plant(engine, card)
        app = create_app(
            engine=engine,
            client_factory=_no_client,
            settings=SimpleNamespace(home=self.home),
            rulebook=rulebook.load(),
            speak=self.speak,
            past=self.past,
        )
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(self._holding(app), log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        ready.set()
        await asyncio.to_thread(stop.wait)
        server.should_exit = True
        await serving
        listening.close()
        await engine.dispose()

    def _holding(self, app: ASGIApp) -> ASGIApp:
        async def held_or_not(scope: Scope, receive: Receive, send: Send) -> None:
            if (gate := self.held.get(scope.get("path", ""))) is not None:
                await gate.wait()
            await app(scope, receive, send)

        return held_or_not


@contextmanager
def served(home: Path, **more: Any) -> Iterator[Site]:
    """Serve a console from a thread of its own; `more` is for the site."""
    made, ready, stop = Site(home=home, **more), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(made.serve(ready, stop)))
    thread.start()
    try:
        assert ready.wait(60)
        yield made
    finally:
        stop.set()
        thread.join(60)


async def _no_client() -> Any:
    return None


def sign_in(browser: webdriver.Chrome, site: Site, person: str) -> None:
    """Sign in by a link, as `seawall signin` makes it."""
    visit(browser, signin.new_link(site.home, person, base_url=site.url, now=datetime.now(UTC)))
    first(browser, "button[type=submit]").click()
    wait(browser, lambda: browser.find_elements(By.ID, "inbox"))


def visit(browser: webdriver.Chrome, url: str) -> None:
    """Open a page and wait until all of it is there, its scripts included."""
    browser.get(url)
    wait(browser, lambda: browser.execute_script("return document.readyState") == "complete")


def ticks(browser: webdriver.Chrome) -> None:
    """Wait until the clock has moved."""
    clock = first(browser, "#clock").text
    wait(browser, lambda: first(browser, "#clock").text != clock)


def first(browser: webdriver.Chrome, selector: str) -> WebElement:
    """Find the first element of a kind."""
    return browser.find_element(By.CSS_SELECTOR, selector)


def wait(browser: webdriver.Chrome, until: Callable[[], Any]) -> None:
    """Wait until a page shows something; a page that is just being left shows nothing."""
    WebDriverWait(browser, PATIENCE, ignored_exceptions=GONE).until(lambda _: until())


def complaints(browser: webdriver.Chrome) -> list[str]:
    """List what the browser's console complains about: blocked resources, script errors, failed requests."""
    return [line["message"] for line in browser.get_log("browser") if line["level"] in ("WARNING", "SEVERE")]
