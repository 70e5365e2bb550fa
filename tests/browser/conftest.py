"""Which browser looks at the console? One Chromium for all tests, in light and in dark, as nobody yet for each test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.browser.site import Site, served

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,1000",
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A console of this test's own."""
    with served(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """The one browser."""
    opened = launched(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.quit()


def launched(profile: Path, *, loaded: str = "normal") -> webdriver.Chrome:
    """Start a browser with a new profile. `loaded` is how much of a page a command waits for: `normal` or `none`."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        message = "Chromium and its driver are not installed (apt-get install chromium chromium-driver)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.page_load_strategy = loaded
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


@pytest.fixture(params=["light", "dark"])
def browser(chromium: webdriver.Chrome, request: pytest.FixtureRequest) -> webdriver.Chrome:
    """The browser in a colour scheme: nobody is signed in, nothing was complained about."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.execute_cdp_cmd("Network.clearBrowserCache", {})
    scheme = {"name": "prefers-color-scheme", "value": request.param}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    chromium.get_log("browser")
    return chromium
