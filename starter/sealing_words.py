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
# Who is on duty, and the hours of a desk: business days with their nights and weekends.
_THIRD: Final = (
    b'"persons":["ana.ic","ivo.ic","isla.ic"]"persons":["leo.legal","lena.legal","lin.legal"]'
    b',"details":[["ask 1",", L0 incident commander and domain lead; on call at singapore until Thu "],["ask 2","'
    b',540,900,540,900,540,900,540,900,540,3780,540,900,540,900,540,900,540,900,540,3780,540],"asked":""}}'
    b',"business":["acknowledge","triage","contain","decide","ratify","root_cause"]},"business":[]},"on_duty":null}'
    b'],"asked":"","ask":["leo.legal","sam.safety"]},"on_duty":{"at":"","places":["EU","US"],"ask":[["sofia.safety",'
    b'"PSAF, on call at seattle until Mon "PSAF, on shift at dublin until 18:00Z"]],"desk":"seattle","hours":[-'
)
VERSIONS: Final = {1: _FIRST, 2: _FIRST + _SECOND, 3: _FIRST + _SECOND + _THIRD}
VERSION: Final = 3
