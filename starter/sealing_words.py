"""Which phrases do payloads share? The preset dictionary of the codec: texts of our rulebook, names of our fields.

Frozen: histories were packed with it. A better dictionary gets the next version number and a file beside this one.
"""

from pathlib import Path

VERSION = 1
WORDS = Path(__file__).with_name("sealing_words.v1.txt").read_bytes()
