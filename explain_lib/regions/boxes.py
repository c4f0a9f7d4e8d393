"""The boxes of a detector before overlapping ones are suppressed, each with a score for every class."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral, Real

import torch
from torch import Tensor

from explain_lib.base.errors import InputError

Corners = tuple[float, float, float, float]
"""Top, left, bottom and right of a box, as shares of the picture."""
DECIMALS = 5
"""Of corners: a picture of 10,000 pixels a side needs no more, and in another batch the sixth may differ."""
UNLIKELY = -1e4
"""The score of each class but the background in a place of a batch where a picture has no candidate."""


@dataclass(frozen=True)
class Box:
    """One candidate of a detector, over which a class is explained.

    corners: top, left, bottom and right, as shares of the picture. number: of the candidate in its picture, from 0. A detector
    whose candidates differ from picture to picture has, in another picture, the one that overlaps most. Raises InputError for
    anything else.
    """

    corners: Corners
    number: int

    def __post_init__(self) -> None:
        right = (
            "region: the corners of a box, (top, left, bottom, right), and the number of a candidate, from 0, would be right"
        )
        if not isinstance(self.corners, Sequence) or len(self.corners) != 4:
            raise InputError(right)
        if not all(isinstance(one, Real) and not isinstance(one, bool) for one in self.corners):
            raise InputError(right)
        if isinstance(self.number, bool) or not isinstance(self.number, Integral) or self.number < 0:
            raise InputError(right)
        object.__setattr__(self, "corners", tuple(float(one) for one in self.corners))
        object.__setattr__(self, "number", int(self.number))

    @property
    def area(self) -> float:
        """Its share of the picture."""
        top, left, bottom, right = self.corners
        return max(0.0, bottom - top) * max(0.0, right - left)

    @property
    def nbytes(self) -> int:
        """Bytes held, for caches: four numbers of Python and one more."""
        return 5 * 32

    def holds(self, down: float, along: float) -> bool:
        """Whether a place, as shares of the picture, lies within it."""
        top, left, bottom, right = self.corners
        return top <= down <= bottom and left <= along <= right

    def to_json(self) -> dict[str, object]:
        """The fields as JSON takes them."""
        return {"corners": list(self.corners), "number": self.number}


def read_box(content: Mapping[str, object]) -> Box:
    """The box from to_json. Raises InputError for another form."""
    if set(content) != {"corners", "number"}:
        raise InputError("region: the corners and the number of a box would be right")
    return Box(**content)  # type: ignore[arg-type]  # Box checks both


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of N pictures, K for each.

    logits: float32 (N, K, classes), part of the graph. corners: float32 (N, K, 4), or (N, K, classes, 4) where each class has
    boxes of its own: top, left, bottom, right, as shares of the picture, part of the graph. exclusive: whether the softmax of a
    candidate's logits are its probabilities, or else the sigmoid of each. background: the class that stands for no object, None
    without one. size: (height, width) of the pictures. lasting: whether a number means the same candidate in every picture.
    """

    logits: Tensor
    corners: Tensor
    exclusive: bool
    background: int | None
    size: tuple[int, int]
    lasting: bool = True

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def places(self) -> Tensor:
        """The scores as those of places in one row, (N, classes, 1, K), part of the graph."""
        return self.logits.permute(0, 2, 1).unsqueeze(2)

    @cached_property
    def best_scores(self) -> Tensor:
        """The largest probability of each class in each picture, float32 (N, classes), as in probabilities."""
        return self.probabilities.amax(1)

    @cached_property
    def probabilities(self) -> Tensor:
        """Of each class for each candidate, float32 (N, K, classes), without a graph; 0 for the background."""
        logits = self.logits.detach()
        found = logits.softmax(2) if self.exclusive else logits.sigmoid()
        if self.background is not None:
            found = found.clone()
            found[:, :, self.background] = found[:, :, self.background] * 0  # NaN stays what it is
        return found

    def box(self, image: int, number: int, index: int) -> Box:
        """The box of a class of one candidate of a picture. Raises InputError for one that is not there."""
        count = self.logits.shape[1]
        if not 0 <= number < count:
            raise InputError(f"region: there is no candidate {number:,}; 0 to {count - 1:,} would be right")
        top, left, bottom, right = (round(corner, DECIMALS) for corner in self._of_class(image, index)[number].tolist())
        return Box((top, left, bottom, right), number)

    def best(self, image: int, index: int) -> Box:
        """The box with the largest score for a class in a picture; of the background, too."""
        logits = self.logits[image].detach()
        margin = logits - logits.logsumexp(1, keepdim=True) if self.exclusive else logits
        return self.box(image, int(margin[:, index].argmax()), index)

    def find(self, box: Box, image: int, index: int) -> int:
        """The number of the candidate that a box is in a picture: its own, or that whose box of the class overlaps most.

        Raises InputError for a number that the picture does not have.
        """
        if self.lasting:
            return self.box(image, box.number, index).number
        from torchvision.ops import box_iou  # takes a second to import, and few networks need it

        own = torch.tensor([box.corners]).to(self.corners)
        return int(box_iou(own, self._of_class(image, index))[0].argmax())

    def shown(self, image: int, most: int, overlap: float) -> "list[Found]":
        """The boxes with the largest scores in a picture, the best first, at most so many.

        overlap: a box of a class is left out where a better one of the same class overlaps it by more, as intersection over
        union.
        """
        from torchvision.ops import batched_nms  # as in find

        scores, indices = self.probabilities[image].max(1)
        every = torch.arange(len(scores), device=scores.device)
        corners = self.corners[image].detach()
        boxes = corners if corners.dim() == 2 else corners[every, indices]
        kept = batched_nms(boxes, scores, indices, overlap)[:most].tolist()
        return [Found(self.box(image, n, int(indices[n])), int(indices[n]), float(scores[n])) for n in kept]

    def detached(self) -> "Candidates":
        """The same without the graph."""
        return replace(self, logits=self.logits.detach(), corners=self.corners.detach())

    def repeated(self, count: int) -> "Candidates":
        """One picture as if it had been read so many times."""
        return replace(
            self,
            logits=self.logits.expand(count, -1, -1),
            corners=self.corners.expand(count, *([-1] * (self.corners.dim() - 1))),
        )

    def _of_class(self, image: int, index: int) -> Tensor:
        corners = self.corners[image].detach()
        return corners if corners.dim() == 2 else corners[:, index]


@dataclass(frozen=True)
class Found:
    """A box that a detector finds. index: its class, that with the largest probability there."""

    box: Box
    index: int
    probability: float


@dataclass(frozen=True, eq=False)
class Entries(Sequence[dict[str, Tensor]]):
    """The candidates of each picture as torchvision's detectors return boxes, for functions that expect these.

    boxes: float32 (K, 4), left, top, right, bottom in pixels. labels: int64 (K,), the likeliest class but the background.
    scores: float32 (K,), its probability. logits: float32 (K, classes). All but the labels are part of the graph.
    """

    candidates: Candidates

    def __len__(self) -> int:
        return len(self.candidates)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        return (self[image] for image in range(len(self)))

    def __getitem__(self, image: int) -> dict[str, Tensor]:  # type: ignore[override]  # nobody takes slices of it
        own, (height, width) = self.candidates, self.candidates.size
        labels = own.probabilities[image].argmax(1)
        every = torch.arange(len(labels), device=labels.device)
        logits = own.logits[image]
        scores = (logits.softmax(1) if own.exclusive else logits.sigmoid())[every, labels]
        corners = own.corners[image] if own.corners.dim() == 3 else own.corners[image][every, labels]
        scale = torch.tensor([width, height, width, height]).to(corners)
        return {"boxes": corners[:, [1, 0, 3, 2]] * scale, "labels": labels, "scores": scores, "logits": logits}
