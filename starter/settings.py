"""What was this installation told? One strict reading of `SEAWALL_*`, with one line for whatever is wrong.

Temporal's own address, namespace, keys and certificates are `TEMPORAL_*` and its profiles (`starter.connect`).
"""

import difflib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from starter.errors import CANNOT_WRITE, MISCONFIGURED, Problem

PREFIX = "SEAWALL_"
# Switches of the test suite, which starts our processes with its own environment.
TESTS = "SEAWALL_TEST_"
# Empty, or host:port with a port from 1 to 65535.
ADDRESS = r"^$|^[^\s/@]+:([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$"


class Settings(BaseSettings):
    """Everything a process is told. Tokens are `SecretStr`; `home` is absolute; empty means "not set up".

    Every field in `SECRETS` can also be given as a file: `SEAWALL_CHAT_TOKEN_FILE=/run/secrets/chat`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Path("./.seawall")
    database_url: str = Field(default="", repr=False)
    evidence_url: str = Field(default="", repr=False)
    marketplace_url: str = ""
    marketplace_token: SecretStr = SecretStr("")
    regulator_url: str = ""
    regulator_token: SecretStr = SecretStr("")
    pager_url: str = ""
    pager_routing_key: SecretStr = SecretStr("")
    chat_url: str = ""
    chat_token: SecretStr = SecretStr("")
    chat_channel: str = ""
    smtp_host: str = ""
    smtp_port: int = Field(default=25, ge=0, le=65535)
    mail_from: str = "trust-safety@localhost"
    console_host: str = "127.0.0.1"
    console_port: int = Field(default=8787, ge=0, le=65535)
    codec_port: int = Field(default=8788, ge=0, le=65535)
    ui_port: int = Field(default=8233, ge=0, le=65535)
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    person: str = ""
    intake_secrets_file: Path = Path()
    overlay: str = ""
    # Where this process serves /metrics, /healthz and /readyz, as host:port; empty serves nothing.
    metrics_address: str = Field(default="", pattern=ADDRESS)
    rulebook: Path = Path()
    # Only workers of the build that was made current get cases (Worker Deployment Versioning); see docs/deploying.md.
    versioning: bool = False
    build_id: str = Field(default="", pattern=r"^[A-Za-z0-9_+-]{0,64}$")
    # How often the watchdog asks which cases cannot go on; 0 leaves it out.
    watchdog_seconds: float = Field(default=30.0, ge=0)
    # A case kept in memory costs a worker about 135 KiB, one put aside about 50 ms of CPU when it is next spoken to.
    cached_cases: int = Field(default=500, ge=0)

    @property
    def keys(self) -> Path:
        """The folder of the key ring and the codec token, mode 0700."""
        return self.home / "keys"

    @property
    def keyring_file(self) -> Path:
        """The payload key ring, mode 0600."""
        return self.keys / "keyring.json"

    @property
    def codec_token_file(self) -> Path:
        """The bearer token of the codec endpoint, mode 0600."""
        return self.keys / "codec.token"


SECRETS = ("database_url", "evidence_url", "marketplace_token", "regulator_token", "pager_routing_key", "chat_token")


def load(**overrides: Any) -> Settings:
    """Read the environment, then the overrides; make the home folder (0700) and prove that it can be written.

    Raises Problem: `misconfigured` (exit 78) for an unknown variable, a value of the wrong kind or an unreadable secret
    file; `cannot_write` (exit 73) for a home folder that cannot be made or written.
    """
    _refuse_unknown(os.environ)
    given = {**_from_files(os.environ), **overrides}
    try:
        read = Settings(**given)
    except ValidationError as found:
        raise _wrong(f"The settings are wrong: {_lines(found)}.", "Correct the variable and start again.") from None
    settings = _completed(read)
    _make_home(settings.home)
    return settings


def _completed(read: Settings) -> Settings:
    """Fill in what follows from the home folder."""
    home = Path(os.path.abspath(read.home.expanduser()))  # resolve() would follow links that people made on purpose
    return read.model_copy(
        update={
            "home": home,
            "database_url": read.database_url or f"sqlite+aiosqlite:///{home / 'casebook.db'}",
            "evidence_url": read.evidence_url or (home / "evidence").as_uri(),
            "intake_secrets_file": home / "intake-secrets.json"
            if read.intake_secrets_file == Path()
            else read.intake_secrets_file,
        }
    )


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    for name in sorted(environment):
        if not name.upper().startswith(PREFIX) or name.upper().startswith(TESTS) or name.upper() in known:
            continue
        close = difflib.get_close_matches(name.upper(), sorted(known), n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise _wrong(f"{name} is not a setting of seawall.", f"{hint}Unset it.")


def _from_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Read the secrets that were given as files; a trailing newline is not part of the secret."""
    found = {}
    for field in SECRETS:
        name = f"{PREFIX}{field.upper()}"
        path = environment.get(f"{name}_FILE", "")
        if not path:
            continue
        if environment.get(name):
            raise _wrong(f"Both {name} and {name}_FILE are set.", "Keep one of them.")
        try:
            found[field] = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise _wrong(f"The file of {name}_FILE cannot be read ({reason}).", "Check its path and mode.") from None
        if not found[field]:
            raise _wrong(f"The file of {name}_FILE is empty.", "Write the secret into it, or unset the variable.")
    return found


def _lines(found: ValidationError) -> str:
    """Name every wrong variable and what it must be; never the value, which may be a secret."""
    wrong = []
    for error in found.errors(include_input=False, include_url=False, include_context=False):
        field = str(error["loc"][0]) if error["loc"] else "settings"
        wrong.append(f"{PREFIX}{field.upper()}: {error['msg'][:1].lower()}{error['msg'][1:]}")
    return "; ".join(wrong)


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise Problem(
            "cannot_write",
            f"The state folder {home} cannot be written ({error.strerror}).",
            next_step="Make it writable, or set SEAWALL_HOME to another folder.",
            exit_code=CANNOT_WRITE,
        ) from None


def _wrong(text: str, next_step: str) -> Problem:
    return Problem("misconfigured", text, next_step=next_step, exit_code=MISCONFIGURED)
