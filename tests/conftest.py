"""How is the suite run: what shares a process, what comes first, and what may be skipped where?

`make test` gives the suite to several processes (pytest-xdist). Each of them has servers, ports, folders, a database
and a browser of its own; a file is the unit that they take turns at, unless several files share a running system.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Run

SHARING = ("tests/workflows", "tests/crash", "tests/browser")  # one running system for all tests of the folder
ALONE = ("tests/stack",)  # each test brings its own
LONGEST_FIRST = (
    "tests/workflows",
    "tests/crash",
    "tests/deploying",
    "tests/stack",
    "tests/browser",
    "tests/replay",
    "tests/doors",
)
FIGURES = "figures"  # what a test records under this name is printed at the end of the run
MAY_BE_AWAY = "not beside this checkout"  # said of data that is not part of the project


def unit(nodeid: str) -> str:
    """Name what a test is run together with, in one process."""
    path = nodeid.split("::")[0]
    folder = "/".join(path.split("/")[:2])
    if folder in ALONE:
        return nodeid
    if folder in SHARING:
        return f"{folder} replayed" if "[replayed" in nodeid else folder
    return path


def length(nodeid: str) -> tuple[int, bool]:
    """Say how soon a test should have its turn: what takes long should not be left over for the end."""
    rank = next((rank for rank, folder in enumerate(LONGEST_FIRST) if nodeid.startswith(folder)), len(LONGEST_FIRST))
    return rank, "replayed" not in unit(nodeid)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long things first, where several processes share the suite."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: length(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the units out."""
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

        def remove_node(self, node: Any) -> str | None:
            """Name the test that a process died in; another process goes on behind it and does not try it again."""
            for tests in self.assigned_work[node].values():
                for nodeid, over in tests.items():
                    if not over:
                        tests[nodeid] = True
                        super().remove_node(node)
                        return nodeid
            return super().remove_node(node)

    config.option.loadscopereorder = False
    return ByUnit(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that CI would skip."""
    return _not_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a file that CI would skip."""
    return _not_skipped((yield))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests measured, whichever process they ran in."""
    for report in terminalreporter.stats.get("passed", []):
        for name, text in report.user_properties:
            if name == FIGURES and report.when == "call":
                terminalreporter.write_line(text)


def _not_skipped(report: Any) -> Any:
    """Where CI=true nothing is skipped, except for want of data that is not part of the project."""
    unwanted = report.skipped and not hasattr(report, "wasxfail") and MAY_BE_AWAY not in str(report.longrepr)
    if unwanted and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"may not be skipped where CI=true: {report.longrepr}"
    return report


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in this process, in a home where nothing was ever started."""
    from starter.cli import compose, guarded

    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))

    def ran(*words: str) -> tuple[int, str, str]:
        code = guarded(lambda: compose()(list(words), standalone_mode=False))
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran
