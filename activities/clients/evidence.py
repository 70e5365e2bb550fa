"""Where is evidence kept? In a folder, in memory or in an S3-compatible bucket: once written, never changed.

Content lies under its own digest. A name points to content and can be given once; whoever gives it first decides.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, MemoryStore, from_url

from escalations import ids

if TYPE_CHECKING:
    from obstore.store import ObjectStore

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
LONGEST_NAME: Final = 300


class EvidenceMissing(Exception):
    """Nothing is kept under this digest."""


class EvidenceDamaged(Exception):
    """What is kept under a digest is not what was put there."""


class EvidenceUnavailable(Exception):
    """The place where evidence is kept cannot be used."""


class EvidenceStore:
    """Write-once content and names on an object store."""

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    async def put(self, content: bytes) -> str:
        """Keep content and return its digest; keeping it again changes nothing.

        Raises EvidenceDamaged when other bytes lie there already.
        """
        digest = ids.digest(content)
        try:
            await obstore.put_async(self._store, _place(digest), content, mode="create")
        except AlreadyExistsError:
            await self.get(digest)
        return digest

    async def get(self, digest: str) -> bytes:
        """Fetch content by its digest. Raises EvidenceMissing, EvidenceDamaged, or ValueError for no digest."""
        if not DIGEST.fullmatch(digest):
            raise ValueError("a digest is 64 lower-case hex digits; take it from the case")
        content = await self._read(_place(digest))
        if content is None:
            raise EvidenceMissing(f"no evidence {digest}; restore the evidence store from its backup")
        if ids.digest(content) != digest:
            raise EvidenceDamaged(f"evidence {digest} was changed; restore it from the backup")
        return content

    async def put_once(self, name: str, content: bytes) -> bytes:
        """Give a name to content unless it has one; return what the name stands for, whoever was first.

        Names are ASCII letters, digits, `.`, `_` and `-` in parts parted by `/`, at most 300 characters.
        """
        place = _named(name)
        try:
            await obstore.put_async(self._store, place, content, mode="create")
        except AlreadyExistsError:
            kept = await self._read(place)
            if kept is None:
                raise EvidenceDamaged(f"{name} was there and is gone; restore it from the backup") from None
            return kept
        return content

    async def find(self, name: str) -> bytes | None:
        """Fetch what a name stands for, None when it was never given."""
        return await self._read(_named(name))

    async def _read(self, place: str) -> bytes | None:
        try:
            answer = await obstore.get_async(self._store, place)
        except FileNotFoundError:
            return None
        return bytes(await answer.bytes_async())


def open_evidence(url: str, options: Mapping[str, str] | None = None) -> EvidenceStore:
    """Open a store by URL: a folder (a plain path or `file://`), `memory://`, or what obstore knows, as `s3://bucket/x`.

    A folder is made when missing, readable by its owner only. `options` are obstore's, such as `endpoint`; secrets
    come from the environment of the store (AWS_*). Raises EvidenceUnavailable when the place cannot be used.
    """
    parts = urlsplit(url)
    try:
        if parts.scheme == "memory":
            return EvidenceStore(MemoryStore())
        if parts.scheme in ("", "file"):
            folder = Path(unquote(parts.path) if parts.scheme else url).absolute()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return EvidenceStore(LocalStore(folder))
        return EvidenceStore(from_url(url, **(dict(options or {}))))  # type: ignore[call-overload]  # per-scheme options
    except (OSError, obstore.exceptions.BaseError) as problem:
        raise EvidenceUnavailable(
            f"the evidence store cannot be opened ({type(problem).__name__}); check SEAWALL_EVIDENCE_URL"
        ) from None


def _place(digest: str) -> str:
    return f"sha256/{digest[:2]}/{digest}"


def _named(name: str) -> str:
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise ValueError("an evidence name is made of letters, digits, '.', '_' and '-', in parts parted by '/'")
    return f"names/{name}"
