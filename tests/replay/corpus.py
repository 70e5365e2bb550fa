"""Where are the recorded cases, and which key opens them?

`histories/` holds runs of real cases, recorded by `make record` and never edited. They are sealed with the fixed ring
`keyring.json`, which protects nothing: it is public, and only keeps the recorded form that of a real installation.
Git does not keep a mode of 0600, so the ring is copied to where it can have one.
"""

import shutil
import tempfile
from pathlib import Path

from replay import states
from starter.keyring import KeyRing, open_ring

HERE = Path(__file__).resolve().parent
HISTORIES = HERE / "histories"
STATES = HISTORIES / states.FOLDER
RULEBOOKS = HISTORIES / "rulebooks"
KEYRING = HERE / "keyring.json"
NAMESPACE = "default"


def ring() -> KeyRing:
    """Open the fixed ring of the recorded histories."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copyfile(KEYRING, Path(folder) / "keyring.json"))
        copy.chmod(0o600)
        return open_ring(copy)
