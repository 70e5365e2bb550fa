"""Who notices that cases cannot go on? Somebody outside of them: a case whose code fails cannot say so itself."""

from starter.watchdog.alarm import Alarm
from starter.watchdog.rounds import run

__all__ = ["Alarm", "run"]
