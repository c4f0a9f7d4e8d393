"""Words beside the numbers that they are said of: rules that know nothing of the code that writes the words."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from explain_lib.base.statistics import Estimate

LEAST = 30
UP = ("more", "ahead", "beats", "better", "stronger", "higher", "closer")
DOWN = ("less", "behind", "worse", "weaker", "lower", "fewer")
EXACT = ("rises", "falls")
OPEN = ("cannot be told", "can't tell", "too near to", "too few", "leave open")

KNOWN = (
    "more than 100 %",
    "Of single layers",
    "No layer beats",
    "more than all of it",
    "no better than",
    "no more alike than chance",
    "to say more",
    "more images",
    "more draws",
)
"""Words of a direction that say none."""

_NUMBER = r"[−+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[−+]\d+)?"
_SHARE = re.compile(rf"(?:\b([Aa]bove|[Bb]elow) )?({_NUMBER}) %")
_ENDS = re.compile(r"\[([^\]…]*) … ([^\]…]*)\]")


@dataclass(frozen=True)
class Said:
    """Words, and all that they may speak of.

    numbers: any that may stand in them, counts too. shares: in [0, 1], which may stand there in percent. means: with their
    intervals. shared: means of shares, in percent. gaps: differences with their intervals, which decide what may be said of a
    direction: above zero there may be more of it, below zero less. limits: estimates that may be said to lie above or below a
    number. verdict: what stands beside the words.
    """

    words: str
    numbers: Sequence[float] = ()
    shares: Sequence[float] = ()
    means: Sequence[Estimate] = ()
    shared: Sequence[Estimate] = ()
    gaps: Sequence[Estimate] = ()
    limits: Sequence[Estimate] = ()
    verdict: str = ""
    known: Sequence[str] = field(default=KNOWN)

    def check(self) -> None:
        """Raise AssertionError, with the words, where they say what the numbers do not."""
        assert self.words.strip() == self.words, repr(self.words)
        wrong = [*self._letters(), *self._percentages(), *self._numbers(), *self._directions()]
        assert not wrong, f"{wrong} in {self.words!r}; {self}"

    def _letters(self) -> Iterator[str]:
        yield from re.findall(
            r"\bnan\b|\binf\b|-inf|(?<![\w.])-\d|e-\d|[−-]0(?:\.0+)?(?![\d.])|\+0(?:\.0+)?(?![\d.])", self.words
        )
        if "clearly" in self.words and any(word in f"{self.words} {self.verdict}" for word in OPEN):
            yield "clearly"

    # Section: numbers

    def _percentages(self) -> Iterator[str]:
        shares = [*self.shares, *(end for one in self.shared for end in (one.mean, one.low, one.high))]
        for qualifier, text in _SHARE.findall(self._without_known()):
            if not any(_is_share(qualifier.lower(), text, share) for share in shares):
                yield f"{qualifier} {text} %"
        for match in re.finditer(rf"(?:%|points) {_ENDS.pattern}", self.words):
            difference = match.group().startswith("points")
            for text in match.groups():
                qualifier, _, number = text.rpartition(" ")
                if not difference and not any(_is_share(qualifier, number, share) for share in shares):
                    yield text

    def _numbers(self) -> Iterator[str]:
        every = [*self.means, *self.gaps, *self.limits, *self.shared]
        given = [*self.numbers, *(end for one in every for end in (one.mean, one.low, one.high, one.images))]
        given += [-number for number in given] + [100 * number for number in given]
        text = _SHARE.sub(" ", self._without_known())
        text = re.sub(r"\b(?:above|below) (?=[\d.]+ …)|… (?:above|below) ", "… ", text)
        for found in re.finditer(rf"(?<![\w.])(?<![\d])({_NUMBER})(?![\w%])", text):
            if not any(_is(found[1], number) for number in given):
                limit = self._ends_of_shares(found[1])
                if not limit:
                    yield found[1]

    def _ends_of_shares(self, text: str) -> bool:
        """Whether a number is the bound in an interval such as [below 0.1 … 2.1]."""
        return bool(re.search(rf"(?:above|below) {re.escape(text)}(?: …|\])", self.words))

    def _without_known(self) -> str:
        text = self.words
        for phrase in self.known:
            text = text.replace(phrase, "X" * len(phrase))
        return text

    # Section: directions

    def _directions(self) -> Iterator[str]:
        chance, text = "no more than chance", self._without_known()
        yield from (chance for found in re.finditer(chance, text) if self._holds(self._beside(text, found.start()), 0))
        text = text.replace(chance, " " * len(chance))
        yield from self._thresholds(text)
        text = _SHARE.sub(lambda found: " " * len(found[0]), text)
        text = re.sub(rf"\b(above|below) (?:zero|half|{_NUMBER})", lambda found: " " * len(found[0]), text)
        for word in (*UP, *DOWN, "above", "below"):
            way = 1 if word in (*UP, "above") else -1
            places = [found.start() for found in re.finditer(rf"\b{word}\b", text)]
            yield from (word for place in places if not self._holds(self._beside(text, place), way))
        for found in re.finditer(rf"\b(?:{'|'.join(EXACT)}) by ({_NUMBER})", text):
            if float(found[1].replace("−", "-").replace(",", "")) <= 0:
                yield found.group()

    def _thresholds(self, text: str) -> Iterator[str]:
        for found in re.finditer(r"\b(above|below) (\d\.\d+)(?!\d| (?:%|…|points)|\])", text):
            limit = float(found[2])
            fits = [
                max(one.low, -one.high) > limit if found[1] == "above" else one.high < limit or -one.low < limit
                for one in self.limits
            ]
            if not any(fits):
                yield found.group()

    def _beside(self, text: str, place: int) -> tuple[str, str] | None:
        """The ends of the interval in the same sentence, the next one after a place or else the last before it."""
        sentences = re.compile(r"[.;] (?=[A-Za-zα“*])")
        start = max((found.end() for found in sentences.finditer(text[:place])), default=0)
        ends = sentences.search(text, place)
        stop = ends.start() if ends else len(text)
        after, before = list(_ENDS.finditer(text, place, stop)), list(_ENDS.finditer(text, start, place))
        found = after[0] if after else before[-1] if before else None
        return None if found is None else (found[1], found[2])

    def _holds(self, ends: tuple[str, str] | None, way: int) -> bool:
        """Whether an interval is that of a gap beyond zero in that direction, 0 for either; of any gap if there is none."""
        for gap in self.gaps:
            turned = Estimate(-gap.mean, -gap.high, -gap.low, gap.images)
            beyond = gap.images >= LEAST and (
                gap.low > 0 if way > 0 else gap.high < 0 if way < 0 else gap.low > 0 or gap.high < 0
            )
            fits = ends is None or any(
                _is(ends[0], unit * one.low) and _is(ends[1], unit * one.high) for one in (gap, turned) for unit in (1, 100)
            )
            if beyond and fits:
                return True
        return False


def _is(text: str, number: float) -> bool:
    """Whether a text is the number, rounded to its last digit."""
    plain = text.replace("−", "-").replace(",", "")
    mantissa, _, power = plain.partition("e")
    last = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    return abs(float(plain) - number) <= 0.5 * last * (1 + 1e-6) + 1e-9 * abs(number)


def _is_share(qualifier: str, text: str, share: float) -> bool:
    """Whether a text such as "below 0.1" is the share, in percent."""
    value = float(text.replace("−", "-").replace("+", "").replace(",", ""))
    if qualifier == "below":
        return share < value / 100 and _is(text.lstrip("+"), 100 * share + 10.0 ** -len(text.partition(".")[2]))
    if qualifier == "above":
        return share > value / 100 and _is(text.lstrip("+"), 100 * share - 10.0 ** -len(text.partition(".")[2]))
    if value in (0, 100):
        return share == value / 100
    return _is(text.lstrip("+"), 100 * share)


# Section: numbers to speak of

SHARES = (0.0, 1.0, 0.5, 1e-9, 3e-7, 0.0004, 0.0005, 0.0006, 0.004, 0.99, 0.9949, 0.996, 0.9995, 0.99951, 0.99996, 1 - 1e-9)
shares = st.one_of(st.sampled_from(SHARES), st.floats(0, 1))
SIZES = (0.0, 1e-12, 1e-9, 4e-7, 1e-4, 0.0004, 0.01, 0.05, 0.1, 0.3, 0.5)
sizes = st.one_of(st.sampled_from(SIZES), st.floats(0, 1))
values = st.builds(lambda size, sign: sign * size, sizes, st.sampled_from((1.0, -1.0)))
any_values = st.one_of(values, st.just(float("nan")), st.floats(-50, 50))
counts = st.sampled_from((0, 1, 2, 29, 30, 31, 1000))


@st.composite
def estimates(draw: st.DrawFn, images: int | None = None) -> Estimate:
    """A mean with its interval: of no image, of one, of few or of many, on either side of zero or across it."""
    count = draw(counts) if images is None else images
    if count == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    mean, half = draw(values), 0.0 if count == 1 else draw(sizes)
    return Estimate(
        mean, mean - half * draw(st.sampled_from((1.0, 0.6))), mean + half * draw(st.sampled_from((1.0, 0.7))), count
    )


@st.composite
def share_estimates(draw: st.DrawFn, images: int | None = None) -> Estimate:
    """A share with its interval within 0 and 1."""
    count = draw(counts) if images is None else images
    if count == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    share, half = draw(shares), draw(sizes)
    return Estimate(share, max(0.0, share - half), min(1.0, share + half), count)


Cases = dict[str, st.SearchStrategy[Said]]


def adds_to(cases: Cases) -> Callable[[Callable[[st.DrawFn], Said]], Callable[[st.DrawFn], Said]]:
    """Adds a function that draws numbers and says something of them to the cases, under its name."""

    def add(make: Callable[[st.DrawFn], Said]) -> Callable[[st.DrawFn], Said]:
        cases[make.__name__] = st.composite(make)()
        return make

    return add
