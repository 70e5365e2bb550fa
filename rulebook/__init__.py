"""What do law and policy say today? Data files in this folder, read strictly into one frozen value.

Wrong files are refused at start with one line that names file, line, field and what to do.
"""

from escalations.rulebook import Rulebook
from rulebook.loading import faults, load
from rulebook.reading import RulebookInvalid

__all__ = ["Rulebook", "RulebookInvalid", "faults", "load"]
