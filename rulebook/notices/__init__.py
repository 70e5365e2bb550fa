"""Which words do we use to tell people what the law says they must be told? One text file a kind of notice.

A file begins with `# name: value` lines (`articles`, `checked` and `says` are required; `states_reasons`, `repeatable`,
`forbidden` and `months` are optional), then `Subject: …`, an empty line and the body. The loader refuses anything else.
"""

from collections.abc import Mapping
from datetime import date
from importlib.resources import files

from escalations.notices import PLACEHOLDER, Template

REQUIRED = frozenset({"articles", "checked", "says"})
OPTIONAL = frozenset({"states_reasons", "repeatable", "forbidden", "months"})


def load() -> Mapping[str, Template]:
    """Read every notice template of the rulebook, by name; raises `ValueError` naming the file and its fault."""
    found = sorted((entry for entry in files(__package__).iterdir() if entry.name.endswith(".txt")), key=str)
    read = [template(entry.name.removesuffix(".txt"), entry.read_text(encoding="utf-8")) for entry in found]
    return {each.name: each for each in read}


def template(name: str, text: str) -> Template:
    """Read one template file; raises `ValueError` naming the fault."""
    head, subject, body = _parts(name, text)
    missing, unknown = REQUIRED - set(head), set(head) - REQUIRED - OPTIONAL
    if missing or unknown:
        raise ValueError(
            f"notice '{name}': header lacks {sorted(missing)} and has unknown {sorted(unknown)}; "
            f"it takes {sorted(REQUIRED)} and {sorted(OPTIONAL)}"
        )
    read = Template(
        name=name,
        subject=subject,
        body=body,
        articles=head["articles"],
        checked=date.fromisoformat(head["checked"]),
        states_reasons=_yes(name, head, "states_reasons"),
        repeatable=_yes(name, head, "repeatable"),
        forbidden=tuple(word.strip() for word in head.get("forbidden", "").split(",") if word.strip()),
        months=int(head.get("months", "0")),
    )
    _check_braces(read)
    return read


def _parts(name: str, text: str) -> tuple[dict[str, str], str, str]:
    head: dict[str, str] = {}
    lines = text.splitlines()
    while lines and lines[0].startswith("#"):
        key, colon, value = lines.pop(0)[1:].partition(":")
        if not colon or key.strip() in head:
            raise ValueError(f"notice '{name}': '#{key}' is not one `# name: value` line a name; correct the header")
        head[key.strip()] = value.strip()
    if len(lines) < 3 or not lines[0].startswith("Subject: ") or lines[1]:
        raise ValueError(f"notice '{name}': after the header come `Subject: …`, an empty line and the body")
    return head, lines[0].removeprefix("Subject: "), "\n".join(lines[2:]).strip() + "\n"


def _yes(name: str, head: dict[str, str], key: str) -> bool:
    value = head.get(key, "no")
    if value not in ("yes", "no"):
        raise ValueError(f"notice '{name}': {key} is '{value}'; write yes or no")
    return value == "yes"


def _check_braces(read: Template) -> None:
    """Refuse a brace that is no placeholder: a misspelt field would be sent as it stands."""
    text = read.subject + read.body
    if text.count("{") != text.count("}") or text.count("{") != len(PLACEHOLDER.findall(text)):
        raise ValueError(f"notice '{read.name}': a brace is not part of a {{lower_case}} field; correct the wording")
