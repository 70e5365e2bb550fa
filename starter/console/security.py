"""What must every answer carry, and whose form is this? Headers everywhere; a session, its token, our own origin."""

import hmac

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starter.errors import NOT_PERMITTED, Problem
from starter.signin import Session

COOKIE = "seawall"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class SecurityHeaders:
    """Put the headers on every answer, errors and static files included; pages are never kept by a cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, adding headers where an answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-cache" if static else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


def refuse_foreign(request: Request) -> None:
    """Refuse a form that another site sent. Raises Problem `foreign_form` (403).

    Browsers say where a form comes from (`Sec-Fetch-Site`, else `Origin`); a program says neither and has no cookie.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if (site is not None and site not in ("same-origin", "none")) or (
        site is None and origin is not None and origin != own
    ):
        raise _forged()


def refuse_without_token(session: Session, token: str) -> None:
    """Refuse a form that does not carry its session's own token. Raises Problem `foreign_form` (403)."""
    if not hmac.compare_digest(session.csrf.encode(), token.encode()):
        raise _forged()


def _forged() -> Problem:
    return Problem(
        "foreign_form",
        "This form was not made by your session.",
        next_step="Reload the page and send it again.",
        exit_code=NOT_PERMITTED,
    )
