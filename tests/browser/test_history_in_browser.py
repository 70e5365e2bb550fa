"""Can one slide through the past of a case in a real browser, with scripts and without?"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from replay.travel import state
from tests.browser.site import Site, complaints, first, served, sign_in, visit, wait
from tests.replay.past import Recalled, recorded

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A console that looks back at the recorded ordinary case."""
    journey = asyncio.run(recorded("ordinary"))
    card = state.of(journey.films[-1].frames[-1]).card
    assert card is not None
    with served(tmp_path, past=Recalled(journey), cards=(card,)) as made:
        yield made


def shown(browser: webdriver.Chrome) -> str:
    return first(browser, ".past nav span:not(.quiet)").text


def test_the_slider_and_the_links_go_through_the_tasks_of_a_case(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")
    case_id = site.cards[0].case_id
    visit(browser, f"{site.url}/cases/{case_id}")
    first(browser, f"a[href='/cases/{case_id}/history']").click()
    wait(browser, lambda: browser.find_elements(By.ID, "then"))
    count = int(shown(browser).split(" ")[-1])

    first(browser, "#frame").send_keys(Keys.HOME)
    wait(browser, lambda: shown(browser) == f"1 of {count}")
    first(browser, "#frame").send_keys(Keys.ARROW_RIGHT)
    wait(browser, lambda: shown(browser) == f"2 of {count}")
    first(browser, "a[rel=next]").click()
    wait(browser, lambda: shown(browser) == f"3 of {count}")

    assert first(browser, "#frame").get_attribute("value") == "3"
    assert "Shall the listings found be hidden?" in first(browser, ".gate h3").text
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints(browser) == []


def test_what_is_shown_stays_when_another_task_cannot_be_shown(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")
    visit(browser, f"{site.url}/cases/{site.cards[0].case_id}/history")
    before = shown(browser)
    browser.delete_all_cookies()

    first(browser, "#frame").send_keys(Keys.HOME)
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#refused .refusal"))

    assert "Your session has ended." in first(browser, "#refused").text
    assert shown(browser) == before


def test_without_scripts_the_form_shows_the_task_it_names(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{site.url}/cases/{site.cards[0].case_id}/history")
        first(browser, "#frame").send_keys(Keys.HOME)
        first(browser, "form.walk button").click()
        wait(browser, lambda: shown(browser).startswith("1 of "))
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    assert "frame=1" in browser.current_url
