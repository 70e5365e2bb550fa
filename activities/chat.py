"""How does a case speak in a chat channel?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from temporalio import activity

LONGEST_TEXT: Final = 3000
REPEAT: Final = "(This may be a repeat: an earlier attempt was left without an answer.)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPost:
    """One message. An empty `channel` means the channel of the settings; `thread` is the ts of the message above it.

    No personal data. `url` is a link to the case, shown on a line of its own.
    """

    case_id: str
    text: str
    channel: str = ""
    thread: str = ""
    url: str = ""


class Channel(Protocol):
    """What this hand needs of a chat: post one message and return its ts, or raise an error of `activities.outside`."""

    async def post(self, message: Mapping[str, object]) -> str:
        """Post one message."""


class Chat:
    """Speaks Slack's chat.postMessage, which knows no idempotency key."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    @activity.defn
    async def post(self, post: ChatPost) -> str:
        """Post a message and return its ts. A retry may post twice, harmlessly, and then says so in the text."""
        lines = [escaped(f"{post.case_id}: {post.text}"[:LONGEST_TEXT])]
        if post.url:
            lines.append(escaped(post.url))
        if activity.info().attempt > 1:
            lines.append(REPEAT)
        message: dict[str, object] = {
            "text": "\n".join(lines),
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": "seawall_post", "event_payload": {"case_id": post.case_id}},
        }
        if post.channel:
            message["channel"] = post.channel
        if post.thread:
            message["thread_ts"] = post.thread
        return await self.channel.post(message)


def escaped(text: str) -> str:
    """Make text inert: without `<` nothing is a mention, a broadcast or a disguised link (Slack mrkdwn)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
