"""Does a green run mean that everything ran and passed, in one process and in several?"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = """
import atexit, os
import pytest

def test_one(): pass
{}
"""
IN_TWO = ("-n", "2")
FAILS = "def test_two(): raise OSError"
DIES = "def test_three(): os.abort()"
DIES_AT_EXIT = "def test_two(): atexit.register(os.abort)"
NO_PROGRAM = "def test_two(): pytest.skip('no such program')"
NO_DATA = "def test_three(): pytest.skip('the recall data is not beside this checkout')"
NOTHING = "pytest.skip('no such program', allow_module_level=True)"


def ran(tmp_path: Path, tests: str, *arguments: str, ci: str = "") -> tuple[int, str]:
    """Run a small suite under this one's own rules; give its exit code and its last line."""
    folder = tmp_path / "tests"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_small.py").write_text(SUITE.format(tests))
    unused = [word for name in ("cacheprovider", "anyio", "hypothesispytest") for word in ("-p", f"no:{name}")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *unused, *arguments],
        cwd=tmp_path,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, done.stdout.strip().splitlines()[-1].strip("= ").split(" in ")[0]


def test_a_process_that_dies_when_all_is_reported_fails_nothing(tmp_path: Path) -> None:
    assert ran(tmp_path, DIES_AT_EXIT, *IN_TWO) == (0, "2 passed")


def test_a_failure_and_a_process_that_dies_within_a_test_fail_the_run(tmp_path: Path) -> None:
    assert ran(tmp_path, f"{FAILS}\n{DIES}", *IN_TWO) == (1, "2 failed, 1 passed")


def test_only_for_want_of_data_is_a_test_skipped_where_ci_is_true(tmp_path: Path) -> None:
    assert ran(tmp_path, f"{NO_PROGRAM}\n{NO_DATA}", ci="true") == (1, "1 failed, 1 passed, 1 skipped")


def test_no_file_is_skipped_where_ci_is_true(tmp_path: Path) -> None:
    assert ran(tmp_path, NOTHING, ci="true") == (2, "1 error")


def test_elsewhere_a_test_may_be_skipped(tmp_path: Path) -> None:
    assert ran(tmp_path, NO_PROGRAM) == (0, "1 passed, 1 skipped")
