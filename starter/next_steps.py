"""What can somebody do whose message a case refused? A next step for each reason a case gives."""

LOOK = "Look at it: seawall show {case}"
NOTHING = "Nothing is left to do; seawall show {case} tells how it stands."
SOMEBODY_ELSE = "Ask somebody who may: seawall show {case} names the seats and the persons."
CORRECT = "Correct it and say it again."
ANEW = "Look again and decide on that: seawall show {case}"
STEPS = {
    **dict.fromkeys(
        (
            "already_aborted",
            "already_done",
            "already_merged",
            "already_open",
            "already_owner",
            "already_reported",
            "already_voted",
            "already_withdrawn",
            "nothing_restricted",
        ),
        NOTHING,
    ),
    **dict.fromkeys(("conflict", "not_eligible", "separation_of_duties"), SOMEBODY_ELSE),
    **dict.fromkeys(
        (
            "bad_action",
            "bad_delegate",
            "bad_fact",
            "control_character",
            "date_out_of_range",
            "inconsistent",
            "intake_required",
            "listings_required",
            "out_of_range",
            "person_required",
            "reason_required",
            "request_id_required",
            "timezone_required",
            "too_long",
            "too_many_items",
            "veto_out_of_scope",
        ),
        CORRECT,
    ),
    **dict.fromkeys(("expired", "gate_closed", "stale_digest"), ANEW),
    "not_suspendable": "Let it run, or say why it does not apply: seawall exempt {case} CLOCK --reason …",
    "not_triaged": "Wait for its triage: seawall show {case}",
    "request_id_conflict": "Leave --request-id out, or give another one.",
}


def after(code: str, case_id: str) -> str:
    """Name what to do after a case refused with `code`; of a reason that is not listed, to look at the case."""
    return STEPS.get(code, LOOK).format(case=case_id.split("/")[0])


def sentence(reason: str) -> str:
    """End a reason like a sentence, so that the next step can follow it."""
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."
