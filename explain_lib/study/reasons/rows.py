"""Measured rows of the networks of a rule, in a small file beside its card: seeds, command, digests of the weights."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError
from explain_lib.base.files import UNREADABLE, write_whole
from explain_lib.base.frozen import Frozen
from explain_lib.networks.cards import file_digest
from explain_lib.pictures.dataset import FOLDER
from explain_lib.study.reasons.plan import REASONS, Reason
from explain_lib.study.reasons.training import TrainingCard, read_training_card

BUNDLED = FOLDER / "guesses"
"""Where the rows are that the project brings with it."""
_ARRAYS = ("settings", "seeds", "accuracy", "values", "controls")


@dataclass(frozen=True)
class ReasonRows(Frozen):
    """The measures of N networks at S stages on K pictures, Q numbers each.

    stages: as in TrainingCard; the first is the untrained network. columns: names of the numbers. settings, seeds: int64 (N,),
    of the networks. accuracy: float32 (S, N), the share of held-out pictures right, NaN before training. values, controls:
    float32 (S, N, K, Q), the numbers and what is taken from them; NaN where there is none, as at a stage that a network did not
    reach. networks: the cards of their trainings.
    """

    reason: Reason
    stages: tuple[str, ...]
    columns: tuple[str, ...]
    settings: NDArray[np.int64]
    seeds: NDArray[np.int64]
    accuracy: NDArray[np.float32]
    values: NDArray[np.float32]
    controls: NDArray[np.float32]
    networks: tuple[TrainingCard, ...]

    def of(self, stage: str, column: str) -> list[NDArray[np.float64]]:
        """The numbers that decide, for each setting of the rule (n, K): values minus controls."""
        at, column_at = self.stages.index(stage), self.columns.index(column)
        numbers = self.values[at, :, :, column_at].astype(np.float64) - self.controls[at, :, :, column_at]
        return [numbers[self.settings == setting] for setting in REASONS[self.reason].settings]


def rounded(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Numbers as files keep them: of half precision, three digits, which keeps files small."""
    return values.astype(np.float16).astype(np.float32)


def write_rows(rows: ReasonRows, folder: Path, command: str) -> Path:
    """Write REASON.npz and its card REASON.json, each whole or not at all; returns the former.

    Raises DataError if they cannot be written.
    """
    path = folder / f"{rows.reason}.npz"
    arrays: dict[str, NDArray[np.generic]] = {name: getattr(rows, name) for name in _ARRAYS}
    arrays |= {name: arrays[name].astype(np.float16) for name in ("values", "controls")}
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, stages=np.array(rows.stages), columns=np.array(rows.columns), **arrays)
    write_whole(path, file.getvalue())
    rule = REASONS[rows.reason]
    card = {
        "reason": rows.reason,
        "title": rule.title,
        "rule written": rule.written.isoformat(),
        "command": command,
        "digest": file_digest(path),
        "networks": [asdict(one) for one in rows.networks],
    }
    write_whole(path.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    return path


def read_rows(folder: Path, reason: Reason) -> ReasonRows:
    """The rows in the files of write_rows. Raises DataError for files that are missing, damaged, or do not belong together."""
    path = folder / f"{reason}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            found = dict(file)
        card = json.loads(path.with_suffix(".json").read_text())
        if card["digest"] != file_digest(path):
            raise DataError(f"{path} is not the file that its card names; restore both from one place")
        stages, columns = (tuple(map(str, found[name])) for name in ("stages", "columns"))
        numbers = {name: found[name].astype(np.float32) for name in ("accuracy", "values", "controls")}
        networks = tuple(map(read_training_card, card["networks"]))
        return ReasonRows(reason, stages, columns, found["settings"], found["seeds"], networks=networks, **numbers)
    except (*UNREADABLE, BadZipFile) as error:
        raise DataError(f"{path} and its card cannot be read ({error}); make them anew, or restore them") from error


def joined(
    reason: Reason,
    columns: Sequence[str],
    stages: Sequence[str],
    networks: Sequence[tuple[int, TrainingCard, dict[str, NDArray[np.float32]]]],
) -> ReasonRows:
    """The rows of several networks: for each its setting, its card, and by stage its numbers (2, K, Q), values then controls.

    A stage that a network did not reach is missing in the last, and NaN in the rows.
    """
    shape = next(iter(networks[0][2].values())).shape
    nothing = np.full(shape, np.nan, np.float32)
    every = np.stack([[numbers.get(stage, nothing) for _, _, numbers in networks] for stage in stages])  # (S, N, 2, K, Q)
    accuracy = [[_accuracy(card, stage) for _, card, _ in networks] for stage in stages]
    settings, seeds = np.array([setting for setting, _, _ in networks]), np.array([card.seed for _, card, _ in networks])
    kept = rounded(every)
    return ReasonRows(
        reason,
        tuple(stages),
        tuple(columns),
        settings,
        seeds,
        np.array(accuracy, np.float32),
        kept[:, :, 0],
        kept[:, :, 1],
        tuple(card for _, card, _ in networks),
    )


def _accuracy(card: TrainingCard, stage: str) -> float:
    return next((one.accuracy for one in card.checkpoints if one.stage == stage), float("nan"))
