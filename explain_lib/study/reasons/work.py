"""All of the work for the rules: networks trained and measured, and rows written; the same call goes on after a kill.

In the folder: weights/ with a card and files for each network, measured/ with what was found on each, and for each rule
REASON.npz and REASON.json, its rows. Measures are made anew from kept weights where the outlines have changed.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError
from explain_lib.base.files import UNREADABLE, write_whole
from explain_lib.networks.model import Model
from explain_lib.pictures.dataset import ImageSet
from explain_lib.study.outlines import find_outlines
from explain_lib.study.reasons.measures import (
    EDGES,
    IMAGES,
    WAYS,
    Subjects,
    find_subjects,
    measure_backgrounds,
    measure_contours,
    measure_outlines,
)
from explain_lib.study.reasons.plan import MATCHED, REASONS, Planned, Reason, plan, planned
from explain_lib.study.reasons.rows import ReasonRows, joined, write_rows
from explain_lib.study.reasons.rules import BESIDE, LATE_LAYERS, SEEDS
from explain_lib.study.reasons.training import END, START, finished, load_stage, stage_at, train_planned

Numbers = NDArray[np.float32]
Kind = Literal["contours", "outlines", "backgrounds"]
_NO_CONTROL = 0.5  # of a share that is a half by chance


@dataclass(frozen=True)
class ReasonWork:
    """The work in one folder. training, tests: all training and test images. command: for the cards."""

    folder: Path
    training: ImageSet
    tests: ImageSet
    command: str

    def run(self, reasons: Sequence[Reason], tell: Callable[[str], object], seeds: int = SEEDS) -> Iterator[ReasonRows]:
        """Train and measure what is missing for these rules; after each seed, write and yield the rows of all networks so far.

        tell: told in words what begins.
        Raises DataError for damaged files, and if the folder cannot be written to.
        """
        every = plan(reasons, seeds)
        for number, one in enumerate(every, 1):
            done = finished(one, self._weights) is not None
            tell(f"{number} of {len(every)}: {one.name}{', trained' if done else ''}")
            train_planned(one, self.training, self._weights, self.command)
            for reason in reasons:
                if one in _networks(reason, seeds):
                    self.measure(one, reason)
            if number == len(every) or every[number].seed > one.seed:
                yield from self.write(reasons, seeds)

    def write(self, reasons: Sequence[Reason], seeds: int = SEEDS) -> Iterator[ReasonRows]:
        """Write the rows of the networks that are there, and yield them."""
        for reason in reasons:
            rows = self.rows(reason, seeds)
            if rows is not None:
                write_rows(rows, self.folder, self.command)
                yield rows

    def rows(self, reason: Reason, seeds: int = SEEDS) -> ReasonRows | None:
        """The rows of all networks of a rule whose trainings are over; None if there are none."""
        networks = []
        for setting, one in zip(_settings(reason, seeds), _networks(reason, seeds), strict=True):
            card = finished(one, self._weights)
            if card is not None:
                networks.append((setting, card, self.measure(one, reason)))
        return joined(reason, _columns(reason), _stages(reason), networks) if networks else None

    def measure(self, one: Planned, reason: Reason) -> dict[str, Numbers]:
        """The numbers of a rule on a network whose training is over, by stage (2, K, Q): values, then controls.

        Kept in the folder, and made anew where weights or outlines are others.
        """
        card = finished(one, self._weights)
        reached = [stage for stage in _stages(reason) if stage == START or (card is not None and stage in card.stages)]
        return {stage: self._measured(one, reason, stage) for stage in reached}

    @property
    def _weights(self) -> Path:
        return self.folder / "weights"

    @cached_property
    def _subjects(self) -> Subjects:
        return find_subjects(self.tests)

    @cached_property
    def _first(self) -> ImageSet:
        return ImageSet(self.tests.pixels[:IMAGES], self.tests.labels[:IMAGES], self.tests.classes)

    def _measured(self, one: Planned, reason: Reason, stage: str) -> Numbers:
        model = load_stage(one, self._weights, stage)
        if reason == "classes":
            return self._kept(one, stage, "backgrounds", model, self._subjects.masks)
        contours = self._kept(one, stage, "contours", model, self._first.pixels)
        if reason == "resolution":
            return contours
        outlines = self._kept(one, stage, "outlines", model, find_outlines(self._first.pixels).masks)
        return np.concatenate([contours[:, :, : len(LATE_LAYERS)], outlines], axis=2)

    def _kept(self, one: Planned, stage: str, kind: Kind, model: Model, shown: NDArray[np.generic]) -> Numbers:
        """The numbers of a kind from the folder, or measured and kept there; shown: what they depend on besides the network."""
        key = hashlib.sha256(model.digest.encode() + np.ascontiguousarray(shown).tobytes()).hexdigest()
        path = self.folder / "measured" / f"{one.name}.{stage}.{kind}.npz"
        found = _kept(path, key)
        if found is None:
            match kind:
                case "contours":
                    found = self._contours(model, one)
                case "outlines":
                    found = measure_outlines(model, self._first)
                case "backgrounds":
                    found = self._backgrounds(model)
            _keep(found, path, key)
        return found

    def _contours(self, model: Model, one: Planned) -> Numbers:
        """(2, K, Q): first the numbers of EDGES[0] at each late layer, then those of the next."""
        found = measure_contours(model, one, self._first)
        numbers = np.stack([found.own, found.other])  # (2, K, L, E)
        return numbers.transpose(0, 1, 3, 2).reshape(2, len(found.own), -1)

    def _backgrounds(self, model: Model) -> Numbers:
        found = measure_backgrounds(model, self._subjects)
        values, chance = [found.beyond, found.told], np.full_like(found.told, _NO_CONTROL)
        return np.stack([np.concatenate(values, axis=1), np.concatenate([found.control, chance], axis=1)])


def _settings(reason: Reason, seeds: int) -> list[int]:
    return [setting for _ in range(seeds) for setting in REASONS[reason].settings]


def _networks(reason: Reason, seeds: int) -> list[Planned]:
    return [planned(reason, setting, seed) for seed in range(seeds) for setting in REASONS[reason].settings]


def _stages(reason: Reason) -> tuple[str, ...]:
    """The untrained network, matched accuracy where the rule has it, and the end."""
    return (START, *((stage_at(MATCHED[reason]),) if reason in MATCHED else ()), END)


def _columns(reason: Reason) -> tuple[str, ...]:
    match reason:
        case "depth":
            return (*LATE_LAYERS, *BESIDE)
        case "resolution":
            return tuple(f"{layer}, edges {edges}" for edges in EDGES for layer in LATE_LAYERS)
        case "classes":
            return (*LATE_LAYERS, *WAYS)


def _kept(path: Path, key: str) -> Numbers | None:
    """The numbers in a file, if they are those of the key."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return np.asarray(file["numbers"], np.float32) if str(file["key"]) == key else None
    except (*UNREADABLE, BadZipFile) as error:
        raise DataError(f"{path} is damaged ({error}); delete it to measure this network anew") from error


def _keep(numbers: Numbers, path: Path, key: str) -> None:
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, numbers=numbers, key=np.array(key))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path.parent} cannot be made ({error}); name another folder, or make room") from error
    write_whole(path, file.getvalue())
