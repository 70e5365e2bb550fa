"""Which phrases do payloads share? The preset dictionary of the codec: texts of our rulebook, names of our fields.

Frozen: histories were packed with each version. A better dictionary gets the next number; those before it stay.
"""

from pathlib import Path
from typing import Final

VERSIONS: Final = {1: Path(__file__).with_name("sealing_words.v1.txt").read_bytes()}
VERSION: Final = 1
