"""What may SEAWALL_* say, and what is refused before anything starts?"""

import stat
from pathlib import Path

import pytest

from starter import connect, settings
from starter.errors import Problem


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [held for held in os.environ if held.upper().startswith(("SEAWALL_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def refused() -> Problem:
    with pytest.raises(Problem) as found:
        settings.load()
    assert "\n" not in found.value.line()
    return found.value


def test_without_settings_everything_lives_in_one_private_folder(tmp_path: Path) -> None:
    told = settings.load()

    home = tmp_path / ".seawall"
    assert told.home == home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert told.database_url == f"sqlite+aiosqlite:///{home}/casebook.db"
    assert told.evidence_url == f"file://{home}/evidence"
    assert told.intake_secrets_file == home / "intake-secrets.json"
    assert told.keyring_file == home / "keys" / "keyring.json"
    assert told.codec_token_file == home / "keys" / "codec.token"
    assert (told.console_host, told.console_port, told.codec_port) == ("127.0.0.1", 8787, 8788)


def test_variables_are_read_and_overrides_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEAWALL_CONSOLE_PORT", "9000")
    monkeypatch.setenv("SEAWALL_PERSON", "ana.ic")

    told = settings.load(person="leo.legal", home=tmp_path / "here")

    assert (told.console_port, told.person, told.home) == (9000, "leo.legal", tmp_path / "here")


@pytest.mark.parametrize("field", settings.SECRETS)
def test_every_secret_can_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret value\n")
    monkeypatch.setenv(f"SEAWALL_{field.upper()}_FILE", str(path))

    told = settings.load()

    held = getattr(told, field)
    assert (held if isinstance(held, str) else held.get_secret_value()) == "s3cret value"
    assert "s3cret" not in repr(told)


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEAWALL_CHAT_TOKEN", "a")
    monkeypatch.setenv("SEAWALL_CHAT_TOKEN_FILE", str(tmp_path / "b"))

    assert refused().exit_code == 78


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_secret_file_that_holds_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SEAWALL_CHAT_TOKEN_FILE", str(path))

    problem = refused()

    assert (problem.code, problem.exit_code) == ("misconfigured", 78)
    assert "SEAWALL_CHAT_TOKEN_FILE" in problem.text


def test_a_misspelt_variable_is_refused_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_CONSOLE_PRT", "1")

    problem = refused()

    assert problem.exit_code == 78
    assert "SEAWALL_CONSOLE_PORT" in problem.next_step


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEAWALL_CONSOLE_PORT", "many"),
        ("SEAWALL_CONSOLE_PORT", "70000"),
        ("SEAWALL_SMTP_PORT", "-1"),
        ("SEAWALL_LOG_FORMAT", "xml"),
        ("SEAWALL_LOG_LEVEL", "loud"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    problem = refused()

    assert problem.exit_code == 78
    assert name in problem.text
    assert value not in problem.text


def test_a_folder_that_cannot_be_written_is_refused_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "file" / "home"))

    problem = refused()

    assert (problem.code, problem.exit_code) == ("cannot_write", 73)
    assert "SEAWALL_HOME" in problem.next_step


def test_a_folder_that_people_made_keeps_its_mode(tmp_path: Path) -> None:
    home = tmp_path / "shared"
    home.mkdir(mode=0o750)

    settings.load(home=home)

    assert stat.S_IMODE(home.stat().st_mode) == 0o750


# Reaching Temporal


async def test_a_server_that_is_away_is_one_line_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")

    with pytest.raises(Problem) as away:
        await connect.connect(settings.load())

    assert (away.value.code, away.value.exit_code) == ("server_away", 69)
    assert "seawall up" in away.value.next_step


@pytest.mark.parametrize(
    ("name", "value"),
    [("TEMPORAL_PROFILE", "missing"), ("TEMPORAL_CONFIG_FILE", "missing.toml"), ("TEMPORAL_ADDRESS", "no address::")],
)
async def test_a_broken_profile_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(Problem) as broken:
        await connect.connect(settings.load())

    assert (broken.value.code, broken.value.exit_code) == ("misconfigured", 78)


def test_the_namespace_of_the_profile_is_known_without_a_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert connect.namespace() == "default"
    path = tmp_path / "temporal.toml"
    path.write_text('[profile.default]\naddress = "127.0.0.1:1"\nnamespace = "cases"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(path))

    assert connect.namespace() == "cases"


def test_a_process_has_a_short_name() -> None:
    assert len(connect.identity()) <= 20
