"""What a page shows, as digests: every picture, every chart, every map in a chart, every text."""

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from benchmarks.session import Address, Session, Shown, media_of

Showing = dict[str, str]
"""A label such as "picture 3: Test image 7" for each thing on a page, and the digest of its bytes."""

KINDS = ("picture", "map", "chart", "text")

TEXTS = ("markdown", "alert", "heading", "metric", "html", "code", "page_link", "table", "dataframe")
"""Elements that say something and remember nothing; widgets remember who has used them."""

WORDS = 80
"""How much of the words on a thing its label has."""

_MAP = re.compile(r'"z":\{[^{}]*\}')


class Sights:
    """What addresses showed, whoever opened them; for several threads. unlike: what was not the same the next time."""

    def __init__(self) -> None:
        self.shown: dict[Address, Showing] = {}
        self.unlike: list[str] = []
        self._lock = threading.Lock()

    def add(self, address: Address, shown: Showing) -> None:
        """Remember what an address shows, or compare it with what it showed before."""
        with self._lock:
            before = self.shown.setdefault(address, shown)
            self.unlike += [f"/{address.page}?{address.query} · {label}" for label in different(before, shown)]


def showing(session: Session) -> Showing:
    """What the session's page shows; what a job in the background draws, which depends on how far it is, left out."""
    return _numbered(thing for shown in session.elements() if not shown.fragment for thing in _things(shown, session.pictures))


def showing_all(session: Session) -> Showing:
    """What the session's page shows, results of a finished job included."""
    return _numbered(thing for shown in session.elements() for thing in _things(shown, session.pictures))


def different(one: Showing, other: Showing) -> list[str]:
    """Labels of what the two do not have in common."""
    return [label for label in {**one, **other} if one.get(label) != other.get(label)]


def counts(showings: Iterable[Showing]) -> Counter[str]:
    """How many pictures, maps, charts and texts there are."""
    return Counter(label.split(" ", 1)[0] for one in showings for label in one)


def _numbered(things: Iterable[tuple[str, str, str]]) -> Showing:
    seen: Counter[str] = Counter()
    found: Showing = {}
    for kind, words, digest in things:
        seen[kind] += 1
        found[f"{kind} {seen[kind]}: {words[:WORDS]}"] = digest
    return found


def _things(shown: Shown, pictures: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    element = shown.element
    kind = element.WhichOneof("type") or ""
    for number, address in enumerate(media_of(element)):
        yield "picture", element.imgs.imgs[number].alt if kind == "imgs" else kind, pictures[address]
    if kind == "plotly_chart":
        spec = element.plotly_chart.spec
        yield "chart", element.plotly_chart.alt, _digest(spec.encode())
        for found in _MAP.findall(spec):
            yield "map", element.plotly_chart.alt, _digest(found.encode())
    elif kind in TEXTS:
        said = getattr(element, kind)
        yield "text", str(getattr(said, "body", kind)), _digest(said.SerializeToString(deterministic=True))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]
