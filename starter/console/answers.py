"""How does what a person says in the browser reach the case? Checked, attested, said once, answered in place."""

import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from starter import signin, witness
from starter.console import forms
from starter.console.desk import SignedOut, Visitor, desk, is_fragment, page, visitor
from starter.console.security import refuse_foreign, refuse_without_token
from starter.errors import NOT_PERMITTED, Problem
from starter.people import kept

router = APIRouter()
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@router.post("/cases/{case_id:path}/{name}")
async def said(request: Request, case_id: str, name: str) -> Response:
    """Take a form for a case and show the receipt, or the reason it was refused beside the form.

    Beside it, so that what somebody wrote stays there, even when the session has ended meanwhile.
    """
    refuse_foreign(request)
    form = await forms.fields(request)
    request_id = form.get("request_id", "")
    if not REQUEST_ID.fullmatch(request_id):
        visitor(request)
        raise Problem("request_id_required", "The form has lost its request id.", next_step="Reload the page.")
    try:
        who = _still_here(request)
        refuse_without_token(who.session, form.get("csrf", ""))
        return await _answered(request, case_id, name, form=form, request_id=request_id, who=who)
    except Problem as problem:
        if not is_fragment(request):
            raise
        problem_page = request.app.exception_handlers[Problem]
        answer: Response = await problem_page(request, problem)
        answer.headers["HX-Retarget"] = f"#answer-{request_id}"
        answer.headers["HX-Reswap"] = "innerHTML"
        return answer


@router.post("/quarantine/{number}")
async def dealt_with(request: Request, number: int) -> Response:
    """Take from a person what was done about a record, and show the list again."""
    refuse_foreign(request)
    at, who = desk(request), visitor(request)
    form = await forms.fields(request)
    refuse_without_token(who.session, form.get("csrf", ""))
    await kept.dealt_with(at.engine, number, person=who.person, reason=form.get("reason", ""), now=at.now())
    return RedirectResponse("/quarantine", status_code=303)


def _still_here(request: Request) -> Visitor:
    """Say who is signed in. Raises Problem `signed_out` where a piece of the open page can show it, else SignedOut."""
    try:
        return visitor(request)
    except SignedOut:
        if not is_fragment(request):
            raise
        raise Problem(
            "signed_out",
            "Your session has ended; nothing was recorded.",
            next_step="Copy what you wrote, sign in anew (`seawall signin --as YOU`), open the case again and send it.",
            exit_code=NOT_PERMITTED,
        ) from None


async def _answered(
    request: Request, case_id: str, name: str, *, form: dict[str, str], request_id: str, who: Visitor
) -> Response:
    at = desk(request)
    message = forms.message(name, form, request_id=request_id, person=who.person)
    message = signin.attested(message, case_id, door="console", home=at.home)
    client = await at.client()
    receipt = await witness.said(at.engine, client, case_id, name, message, at=at.now(), speak=at.speak)
    template = "_receipt.html" if is_fragment(request) else "receipt.html"
    return page(request, template, who=who, receipt=receipt, case_id=case_id, name=name, quarantined=0)
