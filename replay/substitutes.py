"""What replaces a personal text? Another of the same shape, the same one wherever it occurs.

Letters become letters of the same case and digits digits; spaces, punctuation and length stay. Which text became which
is known to the one export only, and forgotten with it. No two texts share a substitute, since code compares them.
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass, field
from typing import Final

SCHEME: Final = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
SHORTEST_QUOTE: Final = 3  # shorter texts are not looked for inside sentences of ours
TRIES: Final = 200


@dataclass(slots=True)
class Substitutes:
    """The substitutes of one export. Make one for all runs that are kept together.

    While `listening`, texts get their substitutes and sentences stay as they are: all texts must be known first.
    """

    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _given: dict[str, str] = field(default_factory=dict)
    _taken: dict[str, str] = field(default_factory=dict)
    _quotes: re.Pattern[str] | None = None
    listening: bool = False

    def of(self, text: str) -> str:
        """Give the substitute of a text. What holds neither letter nor digit stands for itself."""
        known = self._given.get(text)
        if known is None:
            known = self._given[text] = self._fresh(text)
            self._quotes = None
        return known

    def alias(self, text: str, substitute: str) -> None:
        """Say what replaces a digest of a message: the digest of the message as it is now."""
        self._given[text] = substitute

    def known(self, text: str) -> str:
        """Give the substitute of a text if it has one, else the text itself."""
        return self._given.get(text, text)

    def within(self, sentence: str) -> str:
        """Replace every text that has a substitute where a sentence of ours quotes it."""
        if self.listening:
            return sentence
        if self._quotes is None:
            quoted = sorted((text for text in self._given if len(text) >= SHORTEST_QUOTE), key=len, reverse=True)
            some = "|".join(re.escape(text) for text in quoted) or r"(?!)"
            self._quotes = re.compile(rf"(?<!\w)(?:{some})(?!\w)")
        return self._quotes.sub(lambda found: self._given[found[0]], sentence)

    def _fresh(self, text: str) -> str:
        """Make one. Texts that differ in case only get substitutes that do, since references are compared so."""
        if not any(sign.isalnum() for sign in text):
            return text
        for number in range(TRIES):
            made = self._made(text, number)
            if made != text and self._taken.setdefault(made.casefold(), text.casefold()) == text.casefold():
                return made
        # Every short word of this shape is taken: a longer one stands in.
        return self._fresh(text + "x")

    def _made(self, text: str, number: int) -> str:
        scheme = SCHEME.match(text)
        start = scheme.end() if scheme else 0
        seed = f"{number}:{text.casefold()}".encode("utf-8", "surrogatepass")
        stream = hashlib.shake_256(hmac.new(self._secret, seed, hashlib.sha256).digest()).digest(len(text))
        signs = (_sign(sign, byte) for sign, byte in zip(text[start:], stream[start:], strict=True))
        return text[:start] + "".join(signs)


def _sign(sign: str, byte: int) -> str:
    if sign.isdigit():
        return string.digits[byte % 10]
    if not sign.isalpha():
        return "x" if sign.isalnum() else sign
    letters = string.ascii_uppercase if sign.isupper() else string.ascii_lowercase
    return letters[byte % 26]
