"""How does somebody get in and out? A one-time link shows a question; answering it signs in, once."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from starter import signin
from starter.console import forms
from starter.console.desk import desk, page, visitor
from starter.console.security import COOKIE, refuse_foreign, refuse_without_token

router = APIRouter()
LONGEST_TOKEN = 100


@router.get("/signin")
async def ask(request: Request, token: str = "") -> Response:
    """Ask whether to sign in; looking at the link does not use it up."""
    at = desk(request)
    if not token:
        return page(request, "signin.html", person="", token="")
    person = signin.holder(at.home, token[:LONGEST_TOKEN], now=at.now())
    return page(request, "signin.html", person=person, token=token)


@router.post("/signin")
async def enter(request: Request) -> Response:
    """Use the link up and start a session."""
    refuse_foreign(request)
    at = desk(request)
    form = await forms.fields(request)
    session = signin.consume(at.home, form.get("token", "")[:LONGEST_TOKEN], now=at.now())
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        COOKIE,
        signin.cookie(at.home, session),
        max_age=int(signin.SESSION_LASTS / timedelta(seconds=1)),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/signout")
async def leave(request: Request) -> Response:
    """End the session for every copy of its cookie."""
    refuse_foreign(request)
    who = visitor(request)
    form = await forms.fields(request)
    refuse_without_token(who.session, form.get("csrf", ""))
    at = desk(request)
    signin.sign_out(at.home, who.session, now=at.now())
    answer = RedirectResponse("/signin", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer
