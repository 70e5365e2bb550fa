"""The four rules the design stands on, held by reading the code itself."""

import ast
import dataclasses
import enum
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("sqlalchemy", "httpx2", "structlog", "fastapi", "yaml", "holidays", "obstore", "rapidfuzz", "alembic")
CROSSING = (
    "casefile",
    "clocks",
    "consensus",
    "enforcement",
    "messages",
    "model",
    "notices",
    "plans",
    "record",
    "rosters",
)


def _sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _calls(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    return [(node.lineno, ast.unparse(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_workflows_never_load_a_heavy_module() -> None:
    code = "import sys, workflows.escalation, workflows.sweep, workflows.prevention; print(' '.join(sys.modules))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert [name for name in HEAVY if name in loaded] == []


def test_nothing_in_workflows_waits_except_through_the_one_waiting_helper() -> None:
    bare = {
        "workflow.wait_condition",
        "workflow.sleep",
        "asyncio.sleep",
        "asyncio.wait",
        "workflow.wait",
        "asyncio.wait_for",
    }

    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in _sources("workflows")
        if path.name != "waiting.py"
        for line, name in _calls(path)
        if name in bare
    ]

    assert found == []


def test_domain_and_workflows_take_no_time_chance_or_input_of_their_own() -> None:
    banned = {
        "open",
        "print",
        "input",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "time.time",
        "time.monotonic",
        "uuid.uuid4",
        "uuid4",
        "random.random",
        "os.getenv",
        "os.urandom",
    }

    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for folder in ("escalations", "workflows")
        for path in _sources(folder)
        for line, name in _calls(path)
        if name in banned
    ]

    assert found == []


def test_no_workflow_iterates_a_set() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("escalations", "workflows")
        for path in _sources(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Set | ast.SetComp)
    ]

    assert found == []


@pytest.mark.parametrize("name", CROSSING)
def test_types_that_cross_a_temporal_boundary_have_no_rules(name: str) -> None:
    module = importlib.import_module(f"escalations.{name}")

    classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]

    for one in classes:
        if issubclass(one, enum.Enum):
            assert all(isinstance(member.value, str) for member in one)
        elif dataclasses.is_dataclass(one):
            assert not hasattr(one, "__post_init__"), one
            assert one.__bases__ == (object,), one
            assert all(field.kw_only for field in dataclasses.fields(one)), one


def test_every_activity_option_has_an_end_for_the_attempt_and_for_the_effort() -> None:
    from workflows import options

    for name, value in vars(options).items():
        if name.isupper() and isinstance(value, dict):
            assert value["start_to_close_timeout"], name
            assert value["schedule_to_close_timeout"], name
            assert value["schedule_to_close_timeout"] >= value["start_to_close_timeout"], name


def test_every_activity_says_what_makes_it_idempotent() -> None:
    for path in _sources("activities"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and any(
                "activity.defn" in ast.unparse(d) for d in node.decorator_list
            ):
                docstring = (ast.get_docstring(node) or "").lower()
                assert any(word in docstring for word in ("idempoten", "pure", "twice", "repeat", "once")), (
                    f"{path}:{node.name}"
                )


@pytest.mark.parametrize("name", ["escalation", "sweep", "prevention"])
def test_the_run_of_a_workflow_fits_in_25_lines(name: str) -> None:
    tree = ast.parse((ROOT / "workflows" / f"{name}.py").read_text())

    runs = [
        node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef) and node.name in ("run", "_story")
    ]

    assert runs
    assert all((node.end_lineno or 0) - node.lineno < 25 for node in runs)


def test_the_composition_root_stays_small() -> None:
    assert len((ROOT / "worker.py").read_text().splitlines()) < 120


def test_the_lock_names_no_index_and_pins_every_package_with_hashes() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()

    packages = [line for line in lines if line and not line.startswith((" ", "#"))]

    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert not any("://" in line or "index" in line for line in lines if not line.strip().startswith("--hash"))
