"""Which listings have any of these words? An inverted index over titles, brands and models."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Split text into its distinct words, case folded, in order of appearance."""
    return list(dict.fromkeys(WORD.findall(text.casefold())))


class Index:
    """Words to the positions of the listings that have them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for place, text in enumerate(texts):
            for word in words(text):
                self._places[word].append(place)

    def any_of(self, query: str) -> list[int]:
        """List the places with at least one word of the query: most words first, then in catalogue order."""
        hits: Counter[int] = Counter()
        for word in words(query):
            hits.update(self._places.get(word, ()))
        return sorted(hits, key=lambda place: (-hits[place], place))
