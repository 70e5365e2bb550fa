"""Have two persons said the same? What lowers the guard needs both."""

from workflows.case import Case


def second_person(case: Case, what: str, value: str, person: str) -> bool:
    """Ask whether two persons now say the same; the first one's word is kept until then."""
    said = f"{person}|{value}"
    first = case.file.downgrades.get(what, "")
    if first and first != said and first.split("|", 1)[1] == value:
        del case.file.downgrades[what]
        return True
    case.file.downgrades[what] = said
    case.journal.note("fact.doubted", f"{what}: {value}, not confirmed", actor=person)
    return False
