"""What does a rule file say, and on which line? YAML read strictly: one meaning for every text, no key twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]
LARGEST = 1_000_000
# The C parser reads the same language five times as fast; a build of PyYAML may lack it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RulebookInvalid(ValueError):
    """A rule file is wrong. The message is one line: file, line, field, and how to mend it."""

    code = "policy_invalid"

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}")
        self.fault = (where, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as plain values, with the file and line that each of them came from."""

    name: str
    values: Any
    lines: Mapping[Place, str]

    def where(self, place: Place) -> str:
        """Name the file and line of a value, or of the nearest one around it, and the field."""
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return f"{self.lines[place[:end]]} {field or 'file'}"
        return f"{self.name} {field or 'file'}"


def read(root: Path, name: str) -> Document:
    """Read one file below a folder. Raises RulebookInvalid."""
    shown = f"{root.name}/{name}"
    try:
        text = (root / name).read_bytes().decode("utf-8")
    except OSError as missing:
        raise RulebookInvalid(shown, f"cannot be read ({missing.strerror}); put the file there") from None
    except UnicodeDecodeError:
        raise RulebookInvalid(shown, "is not UTF-8; save it as UTF-8") from None
    if len(text) > LARGEST:
        raise RulebookInvalid(shown, f"is larger than {LARGEST} characters; split it")
    try:
        node = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as broken:
        mark = getattr(broken, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise RulebookInvalid(f"{shown}{line}", "is not YAML; correct indentation, quotes, brackets") from None
    if node is None:
        raise RulebookInvalid(shown, "is empty; restore its content")
    lines: dict[Place, str] = {}
    values = _value(node, (), shown, lines)
    return Document(name=shown, values=values, lines=lines)


def laid_over(base: Document, over: Document, *, adding: bool = False) -> Document:
    """Lay one document over another: mappings merge, anything else replaces. Lines keep naming their own file.

    Raises RulebookInvalid for a field that the base does not have, unless it may be added.
    """
    lines = dict(base.lines)
    values = _merged(base.values, over.values, (), lines, over, adding=adding)
    return Document(name=base.name, values=values, lines=lines)


def _merged(base: Any, over: Any, place: Place, lines: dict[Place, str], source: Document, *, adding: bool) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        merged = dict(base)
        for key, value in over.items():
            here = (*place, key)
            if key not in base and not adding:
                raise RulebookInvalid(source.where(here), "overlays nothing; use a field of the base file")
            merged[key] = _merged(base.get(key), value, here, lines, source, adding=adding)
        return merged
    for known in [one for one in lines if one[: len(place)] == place]:
        del lines[known]
    lines.update({one: line for one, line in source.lines.items() if one[: len(place)] == place})
    return over


def _value(node: yaml.Node, place: Place, shown: str, lines: dict[Place, str]) -> Any:
    lines[place] = f"{shown}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node)
            if not isinstance(key, str | int) or isinstance(key, bool):
                line = f"{shown}:{key_node.start_mark.line + 1}"
                raise RulebookInvalid(line, f"the key {key_node.value} is not a text; put it in quotes")
            if key in found:
                line = f"{shown}:{key_node.start_mark.line + 1}"
                raise RulebookInvalid(line, f"the key {key} is there twice; keep one")
            found[key] = _value(value_node, (*place, key), shown, lines)
            lines[(*place, key)] = f"{shown}:{key_node.start_mark.line + 1}"
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, (*place, number), shown, lines) for number, one in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    return _constructed(node.tag, node.value)


@lru_cache(maxsize=65_536)
def _constructed(tag: str, text: str) -> Any:
    """Construct a scalar as YAML 1.1 reads it; `no` for Norway becomes False, and the schema refuses it by line."""
    try:
        return yaml.constructor.SafeConstructor().construct_object(yaml.ScalarNode(tag, text))
    except (ValueError, yaml.YAMLError):
        return text
