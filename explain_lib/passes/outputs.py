"""Scores (N, classes) in whatever a network returns: a tensor, a part of a tuple, a dict or an object, a score a pixel."""

import marshal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from hashlib import sha256
from types import FunctionType
from uuid import uuid4

import torch
from torch import Tensor

from explain_lib.base.errors import ExplainError, InputError, NetworkError
from explain_lib.passes.tasks import Places, Task, check_task, segments, tasks_of
from explain_lib.regions.boxes import Candidates, Entries

Output = str | int | Callable[[object], object]
"""Which part of a network's output holds the scores: its name, its place, or a function that makes them of the whole."""

_NAMED = ("logits", "out")
_BESIDE = ("aux", "loss", "hidden", "attention", "past", "feature", "embed")
"""The beginnings of the names of parts that are returned beside the scores."""


@dataclass(frozen=True, eq=False)
class Read:
    """The scores of N pictures, as they were read from the output of one pass.

    scores: float32 (N, classes), part of the graph; of a segmentation the share of the picture where each class has the largest
    score, or where each label is present, of a detection that of its best box, which have no gradient. own: the output of each
    picture by itself, as it left the network: a tensor with the pictures first, or a list with an entry for each. task: of the
    network. places: of a segmentation, the scores at each place, float32 (N, classes, rows, columns), part of the graph; of a
    detection those of each candidate, in one row. one_logit: whether these are the network's one number and its negative.
    candidates: of a detection.
    """

    scores: Tensor
    own: Tensor | Sequence[object]
    task: Task
    places: Tensor | None = None
    one_logit: bool = False
    candidates: Candidates | None = None

    def repeated(self, count: int) -> "Read":
        """One picture as if it had been read so many times."""
        places = None if self.places is None else self.places.expand(count, -1, -1, -1)
        boxes = None if self.candidates is None else self.candidates.repeated(count)
        own = [self.own[0]] * count if boxes is None else Entries(boxes)
        return replace(self, scores=self.scores.expand(count, -1), own=own, places=places, candidates=boxes)

    @property
    def start(self) -> Tensor:
        """What a backward pass starts from: the scores, or those at each place, part of the graph."""
        return self.scores if self.places is None else self.places

    @property
    def largest(self) -> Tensor:
        """A number that depends on all pictures and most of the network: the sum of their largest scores, or of mean ones."""
        means = self.scores if self.places is None else self.places.mean((2, 3))
        return means.amax(1).sum()

    def __len__(self) -> int:
        return len(self.scores)

    def detached(self) -> "Read":
        """The same without the graph."""
        places = None if self.places is None else self.places.detach()
        boxes = None if self.candidates is None else self.candidates.detached()
        own = _detached_own(self.own) if boxes is None else Entries(boxes)
        return replace(self, scores=self.scores.detach(), own=own, places=places, candidates=boxes)


def _detached_own(own: Tensor | Sequence[object]) -> Tensor | Sequence[object]:
    return own.detach() if isinstance(own, Tensor) else [_detached(part) for part in own]


def _detached(part: object) -> object:
    if isinstance(part, Tensor):
        return part.detach()
    if isinstance(part, Mapping):
        return {key: _detached(value) for key, value in part.items()}
    return [_detached(value) for value in part] if isinstance(part, list | tuple) else part


@dataclass(frozen=True, eq=False)
class Outputs:
    """How the scores of classes are read from what a network returns.

    classes: how many there are, two for one logit. task: what the scores mean. chosen: the part that holds them; None for the
    one that fits. note: a sentence on what is read, empty for one tensor (N, classes). unit: of the numbers of a regression.
    places: (rows, columns) of the places that have scores of their own; None for scores of the whole picture. one_logit:
    whether the network gives one number, for two classes.
    """

    classes: int
    task: Task = "softmax"
    chosen: Output | None = None
    note: str = ""
    unit: str = ""
    places: Places = None
    one_logit: bool = False
    _mark: str = field(default_factory=lambda: uuid4().hex, repr=False)

    @property
    def scores(self) -> int:
        """How many scores the network gives for a picture."""
        return 1 if self.one_logit else self.classes

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that a network with these scores may have."""
        return ("detection",) if self.task == "detection" else tasks_of(self.scores, self.places)

    @property
    def sentence(self) -> str:
        """What is read of the output, and what becomes of scores for each place; empty for one tensor (N, classes)."""
        return " ".join(filter(None, (self.note, places_words(self.places, self.task))))

    @property
    def key(self) -> str:
        """The same for outputs that are read alike; empty for the usual way."""
        chosen = _code_digest(self.chosen) or self._mark if callable(self.chosen) else repr(self.chosen)
        return "" if (self.task, self.chosen) == ("softmax", None) else f"{self.task} {chosen}"

    def with_task(self, task: Task) -> "Outputs":
        """The same scores under another task. Raises InputError for one that does not fit their number."""
        if self.task == "detection" or task == "detection":
            return self._with_boxes(task)
        checked = check_task(task, self.scores, self.places)
        two = self.scores == 1 and has_two_classes(checked)
        return replace(self, task=checked, classes=2 if two else self.scores, one_logit=two)

    def _with_boxes(self, task: Task) -> "Outputs":
        if task != self.task:
            has = "gives boxes" if self.task == "detection" else "gives none"
            raise InputError(f"task: {task!r}, and detection is that of networks with boxes; this one {has}")
        return self

    def read(self, output: object, count: int) -> Read:
        """The scores of so many pictures. Raises NetworkError for an output without them, and if all are NaN."""
        if isinstance(output, Candidates):
            return self._read_candidates(output)
        found = find_scores(output, count, self.scores, self.chosen)
        if segments(self.task):
            return self._read_places(found)
        scores = _with_fractions(found.scores)
        if self.one_logit:
            scores = torch.stack([-scores[:, 0], scores[:, 0]], dim=1)
        if bool(scores.isnan().any(1).all()):
            check_finite(scores)
        return Read(scores, found.own, self.task)

    def _read_candidates(self, candidates: Candidates) -> Read:
        """The scores of each candidate, and of each class that of its best box."""
        scores = candidates.best_scores
        check_finite(scores)
        return Read(scores, Entries(candidates), self.task, candidates.places, candidates=candidates)

    def _read_places(self, found: "Found") -> Read:
        """The scores at each place, and the share of the places at which each class has the largest one."""
        if found.places is None:
            raise NetworkError(
                "network: it gives scores of the whole picture this time; a score at each place, (N, classes, H, W), as before "
                "would be right"
            )
        places = _with_fractions(found.places)
        if self.one_logit:
            places = torch.cat([-places, places], dim=1)
        by_label = self.task == "sigmoid-segmentation"
        scores = present_shares(places.detach()) if by_label else covered_shares(places.detach())
        check_finite(scores)
        return Read(scores, found.own, self.task, places, self.one_logit)


def has_two_classes(task: Task) -> bool:
    """Whether one number of a network stands for two classes under a task: for one, and against it."""
    return task in ("binary", "segmentation")


def covered_shares(places: Tensor) -> Tensor:
    """The share of the places where each class has the largest score, the first of several: float32 (N, classes).

    places: (N, classes, rows, columns). NaN for a picture with a score that is NaN or infinity.
    """
    count, classes = places.shape[:2]
    largest = places.argmax(1).flatten(1)
    shares = torch.zeros((count, classes), device=places.device)
    shares.scatter_add_(1, largest, torch.full_like(largest, 1, dtype=torch.float32))
    return _without_broken(shares / largest.shape[1], places)


def present_shares(places: Tensor) -> Tensor:
    """The share of the places where each label is more likely than not, its score above 0: float32 (N, labels).

    Arguments as for covered_shares.
    """
    return _without_broken((places > 0).flatten(2).float().mean(2), places)


def _without_broken(shares: Tensor, places: Tensor) -> Tensor:
    """The shares, NaN for a picture with a score that is NaN or infinity."""
    broken = (places.isnan() | (places == torch.inf)).flatten(1).any(1)
    return shares.masked_fill(broken[:, None], torch.nan)


def places_words(places: Places, task: Task) -> str:
    """What becomes of scores for each place, as a sentence; empty without them."""
    if places is None:
        return ""
    if task == "detection":
        return (
            f"It gives {places[1]:,} candidate boxes with scores for each class: a class is explained by its score in one box."
        )
    told = f"It gives a score for each of {places[0]} x {places[1]} places"
    if segments(task):
        return f"{told}: a class is explained by the sum of its scores over a region."
    return f"{told}; their mean is explained."


def _code_digest(function: object) -> str | None:
    """A digest of what a plain function does; None for one that holds values of its own."""
    if not isinstance(function, FunctionType) or function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return None
    return sha256(marshal.dumps(function.__code__)).hexdigest()


def check_finite(scores: Tensor) -> None:
    """Raise NetworkError if the scores (N, classes) of no picture are finite.

    Minus infinity is a score too, that of a class which is ruled out. One picture of many without finite scores is no error: it
    is marked where it is shown.
    """
    broken = (scores.isnan() | (scores == torch.inf)).any(1)
    if bool(broken.all()):
        which = "" if len(broken) == 1 else f" for all of {len(broken)} pictures"
        raise NetworkError(
            f"network: its scores are NaN or infinite{which}; finite ones would be right: look for a division by 0, the root "
            "of what is not above 0, or weights that are far too large"
        )


# Section: finding


@dataclass(frozen=True, eq=False)
class Found:
    """The scores in an output.

    scores: float32 (N, K), part of the graph. own: as in Read. note: a sentence on what was read, empty for one tensor (N, K).
    places: float32 (N, K, rows, columns), of which the scores are the mean; None for scores of the whole picture, and for more
    than two axes of places.
    """

    scores: Tensor
    own: Tensor | Sequence[object]
    note: str
    places: Tensor | None = None

    @property
    def grid(self) -> Places:
        """(rows, columns) of the places."""
        return None if self.places is None else (self.places.shape[2], self.places.shape[3])

    def sentence(self, task: Task) -> str:
        """What was read, and what becomes of scores for each place under a task; empty for one tensor (N, K)."""
        return " ".join(filter(None, (self.note, places_words(self.grid, task))))


def find_scores(output: object, count: int, classes: int | None, chosen: Output | None = None) -> Found:
    """The scores of so many pictures in an output of any form. classes: how many there are; None for any number.

    Raises NetworkError, listing the parts of the output, if none of them or several could be the scores.
    """
    if chosen is None and isinstance(output, Tensor):
        return _read_part(output, count, classes, "")
    if chosen is None:
        name = _fitting(output, count, classes)
        kind = type(output).__name__
        return _read_part(
            parts(output)[name], count, classes, f"Its output is {_article(kind)}; the part {name!r} is explained."
        )
    part = _chosen(output, chosen)
    if not isinstance(part, Tensor):
        raise NetworkError(f"output: {_called(chosen)} gives {described(part)}; {_right(count, classes)}")
    said = "made by the function given as output" if callable(chosen) else f"part {chosen!r} of its output"
    found = _read_part(part, count, classes, f"Its scores are {said}.")
    entries = _entries(output, count) if callable(chosen) else None
    return found if entries is None else replace(found, own=entries)


def _entries(output: object, count: int) -> list[object] | None:
    """The entries of an output that is a list with one for each picture, as that of a detector; None for another one."""
    if not isinstance(output, list | tuple) or len(output) != count or any(isinstance(entry, Tensor) for entry in output):
        return None
    return list(output)


def parts(output: object) -> dict[str | int, object]:
    """The parts of an output by name or place; empty for a tensor, and for what has none."""
    if isinstance(output, Mapping):
        return dict(output.items())
    if isinstance(output, tuple | list):
        names: Sequence[str | int] = getattr(output, "_fields", range(len(output)))
        return dict(zip(names, output, strict=True))
    if is_dataclass(output):
        return {one.name: getattr(output, one.name) for one in fields(output)}
    held = {} if isinstance(output, Tensor) else getattr(output, "__dict__", {})
    return {name: value for name, value in held.items() if isinstance(value, Tensor) and not name.startswith("_")}


def main_part(output: object) -> Tensor | None:
    """The tensor of an output that most likely holds the scores, whatever their number; None without a tensor."""
    if isinstance(output, Tensor):
        return output
    held = parts(output)
    named = next((held[name] for name in _NAMED if isinstance(held.get(name), Tensor)), None)
    tensors = [part for part in (named, *held.values()) if isinstance(part, Tensor)]
    return next((one for one in tensors if one is named or one.dim() == 2), next(iter(tensors), None))


def described(output: object) -> str:
    """What an output is, with its parts, as "a tuple with 0: a tensor (2, 10), 1: a list"."""
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    held = [f"{key}: {_kind(part)}" for key, part in parts(output).items()]
    return f"{_article(type(output).__name__)} with {', '.join(held[:6])}" if held else _article(type(output).__name__)


def _kind(part: object) -> str:
    return f"a tensor {tuple(part.shape)}" if isinstance(part, Tensor) else _article(type(part).__name__)


def _article(kind: str) -> str:
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _right(count: int, classes: int | None) -> str:
    return f"one tensor of shape ({count}, {classes or 'classes'}), a score for each class, would be right"


def _fitting(output: object, count: int, classes: int | None) -> str | int:
    """The name of the one part that can be the scores."""
    fitting = {
        name: form
        for name, part in parts(output).items()
        if (form := _form(part, count)) is not None and classes in (None, form.scores)
    }
    named = next((name for name in _NAMED if name in fitting), None)
    if named is not None:
        return named
    main = [name for name in fitting if not str(name).lower().startswith(_BESIDE)] or list(fitting)
    plain = [name for name in main if fitting[name].pixels == ()] or main
    if len(plain) == 1:
        return plain[0]
    if not plain:
        raise NetworkError(f"the network returns {described(output)}; {_right(count, classes)}")
    choices = " or ".join(f"output={name!r}" for name in plain[:6])
    raise NetworkError(
        f"output: the network returns {described(output)}, and several of its parts could be the scores; choose one with "
        f"{choices}"
    )


def _chosen(output: object, chosen: Output) -> object:
    if callable(chosen):
        try:
            return chosen(output)
        except ExplainError:
            raise
        except Exception as error:  # the caller's code may raise anything
            raise NetworkError(
                f"output: the function fails on {described(output)}: {type(error).__name__}: {error}; one that returns the "
                "scores (N, classes) would be right"
            ) from error
    held = parts(output)
    if chosen in held:
        return held[chosen]
    if isinstance(chosen, int) and -len(held) <= chosen < len(held):
        return list(held.values())[chosen]
    if isinstance(output, Tensor):
        raise NetworkError(f"output: the network returns one tensor, which has no part {chosen!r}; output=None would be right")
    raise NetworkError(
        f"output: the network returns {described(output)}, which has no part {chosen!r}; one of these would be right"
    )


def _called(chosen: Output) -> str:
    return "the function" if callable(chosen) else f"part {chosen!r}"


def check_output(output: object) -> Output | None:
    """Which part is asked for, itself. Raises InputError for anything but a name, a place, a function and None."""
    if output is None or isinstance(output, str) or callable(output):
        return output
    if isinstance(output, int) and not isinstance(output, bool):
        return output
    raise InputError(
        f"output: {output!r}; the name or the place of a part of the network's output, or a function of it, would be right"
    )


# Section: forms of one tensor


@dataclass(frozen=True)
class _Form:
    """A tensor that can be scores. shape: what it is brought to, (N, K) or (N, K, ...). pixels: the axes that are averaged."""

    shape: tuple[int, ...]
    pixels: tuple[int, ...] = ()

    @property
    def scores(self) -> int:
        return self.shape[1]


def _form(part: object, count: int) -> _Form | None:
    """How a tensor holds the scores of so many pictures: (N, K), (N, K, 1, 1), (N, K, H, W), (N,); (K,) or () for one picture.

    Of (N, A, B) nobody knows which axis holds the classes.
    """
    if not isinstance(part, Tensor) or part.numel() == 0 or part.is_complex():
        return None
    shape = tuple(part.shape)
    if shape[:1] != (count,):
        return _Form((1, part.numel())) if count == 1 and len(shape) < 2 else None
    if len(shape) == 1:
        return _Form((count, 1))
    if set(shape[2:]) <= {1}:
        return _Form(shape[:2])
    return None if len(shape) == 3 else _Form(shape, tuple(range(2, len(shape))))


def _read_part(part: object, count: int, classes: int | None, note: str) -> Found:
    form = _form(part, count)
    if form is None or not isinstance(part, Tensor) or classes not in (None, form.scores):
        raise NetworkError(f"the network returns {described(part)}; {_right(count, classes)}{_hint(part, count)}")
    whole = part if tuple(part.shape) == form.shape else part.reshape(form.shape)
    scores = _with_fractions(whole).mean(form.pixels) if form.pixels else whole
    said = [note] if note else []
    if len(form.pixels) > 2:
        said.append(f"It gives a score for each of {' x '.join(map(str, form.shape[2:]))} places; their mean is explained.")
    own = part if part.dim() and len(part) == count else part[None]
    places = _as_float(whole) if len(form.pixels) == 2 else None
    return Found(_as_float(scores), _as_float(own), " ".join(said), places)


def _as_float(values: Tensor) -> Tensor:
    """Whole numbers stay what they are: they have no gradient, and a check-up says why."""
    return values if values.dtype == torch.float32 or not values.is_floating_point() else values.to(torch.float32)


def _with_fractions(values: Tensor) -> Tensor:
    return values if values.is_floating_point() else values.to(torch.float32)


def _hint(part: object, count: int) -> str:
    if isinstance(part, Tensor) and part.dim() == 3 and len(part) == count:
        return "; output=lambda y: y.mean(1), or y[:, 0], would turn this one into it"
    return ""
