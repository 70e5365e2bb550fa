"""How does a chat service take a message? Slack's chat.postMessage and chat.update.

Source: python-slack-sdk (ae87985e) and docs.slack.dev, checked 2026-11-22. Slack answers HTTP 200 and says in `ok`
whether it worked; it has no idempotency key, so a message sent twice is there twice.
"""

from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from standins.faults import Script
from standins.journal import APPLIED, REFUSED, Entry, Journal
from standins.wire import Call, Point, bearer_ok

LONGEST_TEXT = 40_000
MOST_BLOCKS = 50
FIRST_TS = 1_790_000_000
UNKNOWN_CHANNELS = ("nowhere", "C0NOWHERE")  # every other channel exists
TEXT_LIMITS = {"header": 150, "section": 3000}
BLOCKS = {"actions", "context", "divider", "header", "image", "input", "rich_text", "section"}


class Chat:
    """Every message by channel and time stamp."""

    def __init__(self, journal: Journal, script: Script, token: str) -> None:
        self.journal, self.script, self.token = journal, script, token
        self.messages: dict[tuple[str, str], Entry] = {}
        self.count = 0
        for entry in journal.applied():
            self.messages[(entry["subject"], entry["key"])] = entry["now"]
            self.count += entry["op"] == "post"

    def routes(self) -> list[Route]:
        """List the endpoints."""
        return [
            Route(f"/api/{method}", self._point(op, act), methods=["POST"])
            for method, op, act in (
                ("chat.postMessage", "post", self.post),
                ("chat.update", "update", self.update),
                ("auth.test", "auth", self.auth),
            )
        ]

    async def auth(self, call: Call) -> Response:
        """Say who the token belongs to."""
        if error := self._auth_error(call):
            return self._refuse(call, error)
        return JSONResponse({"ok": True, "team": "Standin", "user": "seawall", "user_id": "U0SEAWALL"})

    async def post(self, call: Call) -> Response:
        """Put a message into a channel."""
        message, error = self._read(call)
        if error:
            return self._refuse(call, error)
        channel = _channel_id(message["channel"])
        if (thread := message.get("thread_ts")) and (channel, thread) not in self.messages:
            return self._refuse(call, "thread_not_found")
        ts = f"{FIRST_TS + self.count + 1}.000100"
        return self._keep(call, channel, ts, message)

    async def update(self, call: Call) -> Response:
        """Replace a message."""
        message, error = self._read(call)
        if error:
            return self._refuse(call, error)
        channel, ts = _channel_id(message["channel"]), str(message.get("ts", ""))
        if (channel, ts) not in self.messages:
            return self._refuse(call, "message_not_found")
        return self._keep(call, channel, ts, message)

    def _keep(self, call: Call, channel: str, ts: str, message: Entry) -> Response:
        kept: Entry = {name: message[name] for name in ("text", "blocks", "thread_ts", "metadata") if name in message}
        prev = self.messages.get((channel, ts))
        self.journal.write(call.told(APPLIED, key=ts, subject=channel, prev=prev, now=kept, detail={"status": 200}))
        self.messages[(channel, ts)] = kept
        self.count += call.op == "post"
        said = kept | {"type": "message", "user": "U0SEAWALL", "ts": ts}
        return JSONResponse({"ok": True, "channel": channel, "ts": ts, "message": said})

    def _read(self, call: Call) -> tuple[Entry, str]:
        """Read the arguments; the second value is Slack's word for what is wrong, or nothing."""
        if error := self._auth_error(call):
            return {}, error
        if not call.request.headers.get("content-type", "").lower().startswith("application/json"):
            return {}, "invalid_post_type"
        try:
            message = call.json()
        except ValueError:
            return {}, "invalid_json"
        if not isinstance(message, dict):
            return {}, "json_not_object"
        return message, _message_error(message)

    def _auth_error(self, call: Call) -> str:
        if "authorization" not in call.request.headers:
            return "not_authed"
        return "" if bearer_ok(call.request, self.token) else "invalid_auth"

    def _refuse(self, call: Call, error: str) -> Response:
        self.journal.write(call.told(REFUSED, detail={"status": 200, "error": error}))
        return JSONResponse({"ok": False, "error": error})

    def _point(self, op: str, act: Any) -> Point:
        return Point(op=op, act=act, script=self.script, journal=self.journal, fault_answer=_failed)


def _message_error(message: Entry) -> str:
    channel, text, blocks = message.get("channel"), message.get("text"), message.get("blocks")
    if not isinstance(channel, str) or channel.lstrip("#") in ("", *UNKNOWN_CHANNELS):
        return "channel_not_found"
    if not text and not blocks:
        return "no_text"
    if text is not None and not isinstance(text, str):
        return "invalid_arguments"
    if text and len(text) > LONGEST_TEXT:
        return "msg_too_long"
    if blocks is not None and not _blocks_ok(blocks):
        return "invalid_blocks"
    metadata = message.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and set(metadata) == {"event_type", "event_payload"}):
        return "invalid_metadata_format"
    return ""


def _blocks_ok(blocks: Any) -> bool:
    return isinstance(blocks, list) and len(blocks) <= MOST_BLOCKS and all(_block_ok(block) for block in blocks)


def _block_ok(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") not in BLOCKS:
        return False
    if block["type"] == "actions":
        buttons = block.get("elements")
        return isinstance(buttons, list) and 1 <= len(buttons) <= 25 and all(map(_button_ok, buttons))
    limit = TEXT_LIMITS.get(block["type"])
    words = block.get("text")
    if words is None:
        return block["type"] not in TEXT_LIMITS or "fields" in block
    return isinstance(words, dict) and 0 < len(str(words.get("text", ""))) <= (limit or LONGEST_TEXT)


def _button_ok(button: Any) -> bool:
    if not isinstance(button, dict):
        return False
    label = button.get("text", {})
    return (
        len(str(button.get("action_id", ""))) <= 255
        and len(str(button.get("value", ""))) <= 2000
        and (button.get("type") != "button" or 0 < len(str(label.get("text", ""))) <= 75)
    )


def _channel_id(channel: str) -> str:
    """Give the id of a channel named either way; a name becomes a made-up id."""
    return channel if channel[:1] in "CDG" and channel.isupper() else "C0" + channel.lstrip("#").upper()


def _failed(status: int) -> Response:
    if status == 429:
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429)
    return PlainTextResponse("upstream error", status)
