"""Does the console work in a real browser: signing in, reading, watching a clock, deciding, with scripts as served?"""

from datetime import UTC, datetime, time, timedelta

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from starter.console import wording
from tests.browser import planted
from tests.browser.site import Site, complaints, first, sign_in, ticks, visit, wait

pytestmark = pytest.mark.browser


def test_somebody_signs_in_reads_the_inbox_watches_the_clock_and_decides(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")
    assert first(browser, "h1").text.startswith("Waits for you")

    first(browser, "table.list td a").click()
    wait(browser, lambda: "ceramic" in first(browser, "h1").text)
    ticks(browser)
    first(browser, "form[action$='/decide'] button[type=submit]").click()
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "[role=status]"))

    assert "Your answer counts." in first(browser, "[role=status]").text
    assert not browser.find_elements(By.CSS_SELECTOR, "form[action$='/decide']")
    [message] = site.said
    assert (message.said.person, message.option, message.stance.value) == ("leo.legal", "hide", "approve")
    assert complaints(browser) == []


def test_a_refusal_appears_beside_the_form_and_what_was_typed_stays(browser: webdriver.Chrome, site: Site) -> None:
    site.refuse = True
    sign_in(browser, site, "leo.legal")
    visit(browser, f"{site.url}/cases/{planted.CASE}")
    reason = first(browser, "form[action$='/decide'] textarea[name=reason]")
    reason.send_keys("Two burns are enough.")

    first(browser, "form[action$='/decide'] button[type=submit]").click()
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "[role=alert]"))

    assert "The evidence has changed." in first(browser, "[role=alert]").text
    assert reason.get_attribute("value") == "Two burns are enough."
    assert [line for line in complaints(browser) if "409" not in line] == []


def test_an_open_page_says_that_its_session_ended_keeping_what_was_typed(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")
    visit(browser, f"{site.url}/cases/{planted.CASE}")
    reason = first(browser, "form[action$='/decide'] textarea[name=reason]")
    reason.send_keys("Two burns are enough.")
    browser.delete_all_cookies()

    wait(browser, lambda: browser.find_elements(By.ID, "signed-out"))  # the page looks by itself every ten seconds

    assert "Your session has ended." in first(browser, "#session").text
    assert reason.get_attribute("value") == "Two burns are enough."
    assert browser.current_url.endswith(planted.CASE)


def test_the_whole_answer_can_be_given_with_the_keyboard(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")
    visit(browser, f"{site.url}/cases/{planted.CASE}")

    focusable = browser.execute_script(
        """return [...document.querySelectorAll('input, select, textarea, button, a, summary')]
           .filter(one => one.type !== 'hidden')
           .filter(one => one.tabIndex < 0 || !(one.textContent.trim() || one.labels?.length)).length"""
    )

    assert focusable == 0


def test_the_countdown_says_the_same_in_the_browser_and_on_the_server(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")
    visit(browser, f"{site.url}/cases/{planted.CASE}")
    ticks(browser)

    served, clock, shown = browser.execute_script(
        """return [document.documentElement.dataset.now, document.getElementById('clock').textContent,
           [...document.querySelectorAll('[data-due]')].map(one => [one.dataset.due, one.textContent])]"""
    )

    began = datetime.fromisoformat(served)
    now = datetime.combine(began.date(), time.fromisoformat(clock.removesuffix(" UTC")), UTC)
    now += timedelta(days=now + timedelta(minutes=1) < began)  # read after midnight
    assert shown
    for due, text in shown:
        left = datetime.fromisoformat(due) - now
        # The clock shows whole seconds; the countdowns were reckoned within the one that it shows.
        assert text in {wording.remaining(left), wording.remaining(left - timedelta(milliseconds=999))}
