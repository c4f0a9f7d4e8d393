"""A planned training: checkpoints at matched accuracy and at the end, its card, and a resume after a kill at any time."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from explain_lib.base.errors import DataError
from explain_lib.base.files import read_tensors, write_tensors, write_whole
from explain_lib.loading.training import Trainer
from explain_lib.networks.cards import file_digest
from explain_lib.networks.making import as_model
from explain_lib.networks.model import Model
from explain_lib.pictures.dataset import ImageSet
from explain_lib.pictures.pixels import to_input
from explain_lib.study.reasons.family import family_architecture
from explain_lib.study.reasons.plan import Planned, split

START, END = "start", "end"
_BATCH = 500


def stage_at(accuracy: float) -> str:
    """The name of the stage at which a network is first right on that share of the held-out pictures."""
    return f"at-{100 * accuracy:.0f}"


@dataclass(frozen=True)
class Checkpoint:
    """The weights at one stage: the epochs done, the share of held-out pictures right, and the SHA-256 of their file."""

    stage: str
    epochs: int
    accuracy: float
    digest: str


@dataclass(frozen=True)
class TrainingCard:
    """A training that is over, or its progress. held_out: the share of the held-out pictures right after each epoch."""

    name: str
    conv_layers: int
    side: int
    classes: tuple[str, ...]
    seed: int
    epochs: int
    command: str
    held_out: tuple[float, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(one.stage for one in self.checkpoints)

    def after(self, epochs: int) -> "TrainingCard":
        """The progress as it was after so many epochs."""
        taken = tuple(one for one in self.checkpoints if one.epochs <= epochs)
        return replace(self, held_out=self.held_out[:epochs], checkpoints=taken)


def read_training_card(fields: dict[str, Any]) -> TrainingCard:
    """The card of the fields that asdict gave, and JSON kept. Raises KeyError or TypeError for other fields."""
    taken = tuple(Checkpoint(**one) for one in fields["checkpoints"])
    lists = {"classes": tuple(fields["classes"]), "held_out": tuple(fields["held_out"]), "checkpoints": taken}
    return TrainingCard(**(fields | lists))


def weights_file(folder: Path, one: Planned, stage: str) -> Path:
    """The file of the weights at a stage."""
    return folder / f"{one.name}.{stage}.pt"


def finished(one: Planned, folder: Path) -> TrainingCard | None:
    """The card of the training if it is over. Raises DataError if the card, or a file of weights, is damaged."""
    path = folder / f"{one.name}.json"
    if not path.is_file():
        return None
    card = _read(path)
    for checkpoint in card.checkpoints:
        weights = weights_file(folder, one, checkpoint.stage)
        if file_digest(weights) != checkpoint.digest:
            raise DataError(f"{weights} is not the file that {path.name} names; delete that card to train the network anew")
    return card


def train_planned(one: Planned, pictures: ImageSet, folder: Path, command: str) -> TrainingCard:
    """Train a network to the end, from the last complete epoch if there is one; nothing is done anew if it is over.

    pictures: all training images. Writes into the folder NAME.STAGE.pt for each stage, and NAME.json, the card.
    Raises DataError for damaged files, and if the folder cannot be written to.
    """
    done = finished(one, folder)
    if done is not None:
        return done
    learnt, held = map(one.kept, split(pictures))
    architecture = family_architecture(one.conv_layers, one.classes)
    trainer = Trainer(one.name, learnt, folder, one.recipe, command, architecture)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trainer.resume()
        card = _progress(one, folder, command).after(trainer.epoch)
        for epoch in trainer.epochs():
            right = _share_right(trainer, held)
            card = replace(card, held_out=(*card.held_out, right))
            for stage in (stage_at(matched) for matched in one.matched if right >= matched):
                if stage not in card.stages:
                    card = _take(trainer, one, card, stage, epoch)
            _write(card, _progress_file(one, folder))
        card = _take(trainer, one, card, END, trainer.epoch)
        _write(card, folder / f"{one.name}.json")
        trainer.resume_file.unlink(missing_ok=True)
        _progress_file(one, folder).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be written to ({error}); name another folder, or make room") from error
    return card


def load_stage(one: Planned, folder: Path, stage: str) -> Model:
    """The network at a stage, or before training (START), as a Model. Raises DataError for a file that cannot be read."""
    architecture = family_architecture(one.conv_layers, one.classes)
    with torch.random.fork_rng():
        torch.manual_seed(one.seed)  # as Trainer does: the same network as that which was trained
        network = architecture.build(None)
    if stage != START:
        _load(network, weights_file(folder, one, stage))
    return as_model(
        network, classes=one.classes, input_size=architecture.input_size, mean=architecture.mean, std=architecture.std
    )


def _load(network: nn.Module, path: Path) -> None:
    state = read_tensors(path)
    try:
        network.load_state_dict(state)  # type: ignore[arg-type]
    except (RuntimeError, TypeError, AttributeError) as error:
        raise DataError(f"{path} does not hold the weights of this network; delete its card to train it anew") from error


def _share_right(trainer: Trainer, held: ImageSet) -> float:
    trainer.network.eval()
    mean, std, right = trainer.architecture.mean, trainer.architecture.std, 0
    with torch.no_grad():
        for start in range(0, len(held.labels), _BATCH):
            batch = to_input(held.pixels[start : start + _BATCH], mean, std, torch.device("cpu"))
            found = trainer.network(batch.contiguous(memory_format=torch.channels_last)).argmax(1).numpy()
            right += int((found == held.labels[start : start + _BATCH]).sum())
    return right / len(held.labels)


def _take(trainer: Trainer, one: Planned, card: TrainingCard, stage: str, epochs: int) -> TrainingCard:
    path = weights_file(trainer.folder, one, stage)
    state = {name: values.contiguous() for name, values in trainer.network.state_dict().items()}
    write_tensors(state, path)
    taken = Checkpoint(stage, epochs, card.held_out[-1], file_digest(path))
    return replace(card, checkpoints=(*card.checkpoints, taken))


def _progress_file(one: Planned, folder: Path) -> Path:
    return folder / f"{one.name}.progress.json"


def _progress(one: Planned, folder: Path, command: str) -> TrainingCard:
    path = _progress_file(one, folder)
    if path.is_file():
        return _read(path)
    return TrainingCard(one.name, one.conv_layers, one.side, one.classes, one.seed, one.recipe.epochs, command)


def _write(card: TrainingCard, path: Path) -> None:
    write_whole(path, (json.dumps(asdict(card), indent=1) + "\n").encode())


def _read(path: Path) -> TrainingCard:
    try:
        return read_training_card(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it to train this network from the start") from error
