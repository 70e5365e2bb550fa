"""How does a test speak to the console? As a signed-in person, to a case that keeps what it was told."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

import rulebook
from escalations.messages import Receipt
from escalations.record import Card
from starter import signin
from starter.console.app import create_app
from starter.errors import Problem
from tests.browser import planted

NOW = planted.start()
RULES = rulebook.load()
SITE = "http://console.test"


@dataclass
class Heard:
    """A door's ear: keeps what was said and answers as it was told to."""

    said: list[tuple[str, str, Any]] = field(default_factory=list)
    refusal: Problem | None = None

    async def __call__(self, client: Any, case_id: str, name: str, message: Any) -> Receipt:
        self.said.append((case_id, name, message))
        if self.refusal is not None:
            raise self.refusal
        return Receipt(request_id=message.said.request_id, code="taken", text="Your answer counts.", at=NOW)


@dataclass
class Console:
    home: Path
    engine: AsyncEngine
    heard: Heard
    http: httpx2.AsyncClient

    async def sign_in(self, person: str = "leo.legal") -> None:
        link = signin.new_link(self.home, person, base_url=SITE, now=NOW)
        answer = await self.http.post("/signin", data={"token": link.split("token=")[1]})
        assert answer.status_code == 303

    async def plant(self, card: Card | None = None, **more: Any) -> Card:
        card = card or planted.rich_card(NOW)
        await planted.plant(self.engine, card, **more)
        return card

    async def page(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def form(self, path: str, action: str) -> dict[str, str]:
        """Read the hidden fields of the form that posts to `action`."""
        text = await self.page(path)
        found = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', text, re.S)
        assert found, f"no form for {action}"
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0]))

    async def decide(self, case_id: str, **changed: str) -> httpx2.Response:
        hidden = await self.form(f"/cases/{case_id}", f"/cases/{case_id}/decide")
        fields = {**hidden, "option": "hide", "stance": "approve", **changed}
        return await self.http.post(f"/cases/{case_id}/decide", data=fields, headers={"HX-Request": "true"})


def client_of(engine: AsyncEngine, home: Path, heard: Heard, **more: Any) -> httpx2.AsyncClient:
    async def no_client() -> Any:
        return None

    app = create_app(
        engine=engine,
        client_factory=more.pop("client_factory", no_client),
        settings=SimpleNamespace(home=home),
        rulebook=RULES,
        speak=heard,
        now=lambda: NOW,
        **more,
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=SITE)
