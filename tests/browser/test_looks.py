"""Is everything that a page shows served by us? No image of the vendored style sheet that our own policy forbids."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from tests.browser.conftest import launched
from tests.browser.site import Site, complaints, sign_in, wait

STATIC = Path("starter/console/static")
OWN = "/static/seawall.css"
ICON = re.compile(r"(--pico-icon-[a-z-]+)\s*:\s*url\(\"?([^)\"]*)")

# Every control that the vendored style sheet draws an icon on, in each state that has one.
CONTROLS = """
  document.querySelector('main').insertAdjacentHTML('beforeend', `
    <select><option>one</option></select> <select disabled><option>one</option></select>
    ${['text', 'search', 'email', 'date', 'datetime-local', 'month', 'time', 'week'].map(type =>
      ['', 'aria-invalid="true"', 'aria-invalid="false"'].map(state => `<input type="${type}" ${state}>`).join('')
    ).join('')}
    ${['checkbox', 'radio'].map(type => `<input type="${type}" checked><input type="${type}" role="switch">`).join('')}
    <input type="checkbox" class="between"> <textarea aria-invalid="true"></textarea>
    <textarea aria-invalid="false"></textarea>
    <details open><summary>more</summary></details>
    <details open><summary role="button">more</summary></details>
    <details class="dropdown" open><summary>more</summary><ul><li>one</li></ul></details>
    <button aria-busy="true">busy</button> <article aria-busy="true">busy</article>
    <dialog open><article><header><button aria-label="Close" rel="prev"></button></header></article></dialog>
    <div data-theme="light"><input aria-invalid="true"><input aria-invalid="false"></div>
    <div data-theme="dark"><input aria-invalid="true"><input aria-invalid="false"></div>`);
  document.querySelector('.between').indeterminate = true;
"""
IMAGES = """
  return [...document.querySelectorAll('*')].flatMap(one => [null, '::before', '::after', '::marker'].flatMap(part => {
    const style = getComputedStyle(one, part);
    return [style.backgroundImage, style.maskImage, style.listStyleImage, style.borderImageSource, style.content];
  })).filter(image => image.includes('url('));
"""


def test_each_icon_of_the_vendored_style_sheet_is_replaced_by_a_file_of_ours() -> None:
    vendored = (STATIC / "vendor" / "pico.min.css").read_text(encoding="utf-8")
    ours = dict(ICON.findall((STATIC / "seawall.css").read_text(encoding="utf-8")))
    theirs = ICON.findall(vendored)

    assert len(theirs) == len(re.findall(r"url\(", vendored))
    assert {name for name, _ in theirs} == {*ours}
    for path in ours.values():
        assert (STATIC / path.removeprefix("/static/")).is_file(), path


@pytest.mark.browser
def test_no_control_in_any_state_shows_an_image_that_is_not_served_by_us(browser: webdriver.Chrome, site: Site) -> None:
    sign_in(browser, site, "leo.legal")

    browser.execute_script(CONTROLS)
    images = browser.execute_script(IMAGES)

    shown = set(re.findall(r'url\("([^"]*)"\)', " ".join(images)))
    icons = {f"{site.url}/static/icons/{path.name}" for path in (STATIC / "icons").iterdir()}
    assert shown == icons - {f"{site.url}/static/icons/seawall.svg"}
    assert complaints(browser) == []


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A browser that can be asked about a page that is not loaded yet."""
    opened = launched(tmp_path / "profile", loaded="none")
    yield opened
    opened.quit()


@pytest.mark.browser
def test_a_page_that_is_laid_out_before_our_style_sheet_came_asks_for_no_forbidden_image(
    impatient: webdriver.Chrome, site: Site
) -> None:
    site.hold(OWN)
    impatient.get(f"{site.url}/signin")
    wait(impatient, lambda: impatient.execute_script("return document.querySelector('main')"))

    impatient.execute_script(CONTROLS)
    early = impatient.execute_script(IMAGES)
    site.let_go(OWN)
    wait(impatient, lambda: impatient.execute_script(IMAGES))

    assert early == []
    assert complaints(impatient) == []
