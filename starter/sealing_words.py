"""Which phrases do payloads share? The preset dictionary of the codec: texts of our rulebook, names of our fields.

Frozen: histories were packed with each version. A better dictionary gets the next number; those before it stay.
"""

from pathlib import Path
from typing import Final

_FIRST: Final = Path(__file__).with_name("sealing_words.v1.txt").read_bytes()
# Fields that came later, and the answers of local activities with the digest of what was asked.
_SECOND: Final = (
    b',"before_review":true},{"key":","before_review":false},{"short_timeboxes":false,"steps":[],"called":[],"ring":""'
    b',"asked":"{"notices":[],"clocks":[],"by_people":[],"asked":"{"digests":["","{"seq":2,"asked":"{"seq":1,"asked":"'
)
VERSIONS: Final = {1: _FIRST, 2: _FIRST + _SECOND}
VERSION: Final = 2
