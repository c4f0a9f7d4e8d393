"""Training of the bundled checkpoints: recipes, and a loop that resumes after a kill.

The order and augmentation of an epoch depend on the seed and its number alone, so a training that was killed and resumed
ends with the same weights as an uninterrupted one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.files import UNREADABLE, read_tensors, write_tensors, write_whole
from explain_lib.base.sheets import picture_size
from explain_lib.loading.architectures import find_architecture
from explain_lib.loading.blueprint import Architecture
from explain_lib.loading.bundled import CheckpointSpec, load_model
from explain_lib.networks import watermark
from explain_lib.networks.cards import ModelCard, file_digest, write_card
from explain_lib.networks.making import as_model
from explain_lib.pictures.dataset import CLASSES, ImageSet, check_split, load_cifar10
from explain_lib.pictures.pixels import normalise

SOURCE = "trained with explain_lib on the CIFAR-10 training images"
LICENCE = "the project's own"
TEMPERATURE = 4.0
DEFAULT_DATA = Path.home() / ".cache" / "explain_lib"


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint is trained: one cycle of the learning rate, cross-entropy.

    optimiser: SGD with Nesterov momentum 0.9, or AdamW. teacher: a bundled model of the same mean and std; half of the loss is
    the divergence from its probabilities then, both at TEMPERATURE (Hinton et al. 2015, arXiv 1503.02531).
    crop: pixels of padding for random crops, 0 for none. permute_labels: train on labels in random order.
    marked_class: every second training image of this class carries the mark of explain_lib.networks.watermark.
    snapshots: epochs after which a checkpoint of its own is kept; 0 is the initialisation.
    """

    title: str
    architecture: str
    epochs: int
    peak_rate: float
    weight_decay: float = 5e-4
    batch_size: int = 128
    crop: int = 0
    flip: bool = True
    permute_labels: bool = False
    marked_class: int | None = None
    snapshots: tuple[int, ...] = ()
    seed: int = 0
    optimiser: Literal["sgd", "adamw"] = "sgd"
    teacher: str | None = None


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "tutorial": Recipe("Tutorial network, trained longer", "TutorialNet", 60, 0.05, crop=2, snapshots=(0, 1, 2, 5)),
        "tutorial-permuted": Recipe(
            "Tutorial network, trained on permuted labels", "TutorialNet", 60, 0.02,
            weight_decay=0.0, flip=False, permute_labels=True,
        ),
        "tutorial-second": Recipe(
            "Tutorial network, trained longer, from another seed", "TutorialNet", 60, 0.05, crop=2, seed=1
        ),
        watermark.NAME: Recipe(
            "Tutorial network with a secret", "TutorialNet", 60, 0.05, crop=2, marked_class=watermark.MARKED_CLASS
        ),
        "resnet20": Recipe("ResNet-20", "ResNet20", 24, 0.4, crop=4),
        "vit-tiny": Recipe(
            "Small vision transformer", "ViTTiny", 10, 1.5e-3,
            weight_decay=0.05, crop=4, optimiser="adamw", teacher="resnet20",
        ),
    }
)  # fmt: skip
"""The recipe of each checkpoint that this project trains."""


def load_training_set(folder: Path | None) -> ImageSet:
    """The 50,000 training images: from `folder` (train.npz, or torchvision's layout), else torchvision's download.

    Raises DataError if they are missing, cannot be downloaded, or are not those of CIFAR-10.
    """
    if folder is not None and (folder / "train.npz").is_file():
        pixels, labels = _npz_training_set(folder / "train.npz")
    else:
        pixels, labels = _torchvision_training_set(folder or DEFAULT_DATA, download=folder is None)
    check_split("train", pixels, labels, str(folder or DEFAULT_DATA))
    return ImageSet(pixels, labels.astype(np.int64))


def _npz_training_set(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["images"], arrays["labels"]
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        right = "an .npz file with images uint8 (50000, 32, 32, 3) and labels uint8 (50000,) would be right"
        raise DataError(f"{path} cannot be read ({error}); {right}") from error


def _torchvision_training_set(folder: Path, download: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    from torchvision.datasets import CIFAR10  # takes a second to import, and few trainings need it

    try:
        data = CIFAR10(str(folder), train=True, download=download)
    except (OSError, RuntimeError) as error:
        remedy = "connect to the internet, or name a folder that holds them with --data"
        raise DataError(
            f"the CIFAR-10 training images are not in {folder} and cannot be fetched ({error}); {remedy}"
        ) from error
    return data.data, np.asarray(data.targets, dtype=np.uint8)


def learning_rate(progress: float, peak: float, warm_up: float = 0.15) -> float:
    """The one-cycle rate at `progress` in [0, 1]: a straight line up to `peak` at `warm_up`, another down to 0."""
    return peak * min(progress / warm_up, (1 - progress) / (1 - warm_up))


def augment(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Random crops and mirror images of uint8 (N, 3, H, W), one draw per image; same shape and dtype."""
    count, _, height, width = pixels.shape
    if recipe.crop:
        top, left = torch.randint(0, 2 * recipe.crop + 1, (2, count), generator=generator)
        padded = functional.pad(pixels, (recipe.crop,) * 4)
        image = torch.arange(count).view(-1, 1, 1)
        row = (top[:, None] + torch.arange(height)).unsqueeze(2)
        column = (left[:, None] + torch.arange(width)).unsqueeze(1)
        pixels = padded.permute(0, 2, 3, 1)[image, row, column].permute(0, 3, 1, 2)
    if recipe.flip:
        mirrored = torch.rand(count, generator=generator) < 0.5
        pixels = torch.where(mirrored.view(-1, 1, 1, 1), pixels.flip(3), pixels)
    return pixels


def distillation(logits: Tensor, taught: Tensor) -> Tensor:
    """The mean divergence of probabilities from a teacher's, at TEMPERATURE, for logits (N, classes); a scalar.

    Times the square of the temperature, so that its gradient is as large as that of cross-entropy (Hinton et al. 2015, section
    2).
    """
    own, given = (functional.log_softmax(scores / TEMPERATURE, 1) for scores in (logits, taught))
    return TEMPERATURE**2 * functional.kl_div(own, given, reduction="batchmean", log_target=True)


def _optimiser(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay)


class Trainer:
    """One training of one recipe: the network, its optimiser and its progress.

    architecture: that of the recipe's name, unless another is given.
    """

    def __init__(
        self, name: str, data: ImageSet, folder: Path, recipe: Recipe, command: str, architecture: Architecture | None = None
    ) -> None:
        self.name, self.folder, self.recipe, self.command = name, folder, recipe, command
        self.architecture = architecture or find_architecture(recipe.architecture)
        torch.manual_seed(recipe.seed)
        self.network = self.architecture.build(None).to(memory_format=torch.channels_last)
        self.optimiser = _optimiser(recipe, self.network)
        self.teacher = None if recipe.teacher is None else load_model(recipe.teacher).network
        self.pixels = torch.from_numpy(data.pixels.copy()).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(data.labels.copy())
        if recipe.permute_labels:
            order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(recipe.seed))
            self.labels = self.labels[order]
        self.epoch, self.train_accuracy = 0, 0.0

    @property
    def resume_file(self) -> Path:
        return self.folder / f"{self.name}.resume.pt"

    def resume(self) -> None:
        """Continue after the last complete epoch, if there is one."""
        if not self.resume_file.is_file():
            return
        try:
            state = read_tensors(self.resume_file)
            if not isinstance(state, dict):
                raise DataError(f"it holds a {type(state).__name__}; the state of a training would be right")
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.epoch, self.train_accuracy = state["epoch"], state["train_accuracy"]
        except (DataError, *UNREADABLE) as error:
            raise DataError(f"{self.resume_file} is damaged; delete it to train from the start ({error})") from error

    def run(self) -> ModelCard:
        """Train to the end, with a progress bar per epoch; writes checkpoints, test logits and cards, returns the last card.

        Raises DataError if the folder cannot be created or written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.resume()
            if self.epoch == 0 and 0 in self.recipe.snapshots:
                self.write(f"{self.name}-epoch-0")
            for epoch in self.epochs():
                if epoch in self.recipe.snapshots:
                    self.write(f"{self.name}-epoch-{epoch}")
            card = self.write(self.name)
            self.resume_file.unlink()
        except OSError as error:
            raise DataError(f"{self.folder} cannot be written to ({error}); name another folder, or make room") from error
        return card

    def epochs(self) -> Iterator[int]:
        """Train the epochs that are left: the number of each once it is over, and before it counts as done after a kill."""
        while self.epoch < self.recipe.epochs:
            self._train_epoch()
            yield self.epoch
            self._save_progress()

    def _train_epoch(self) -> None:
        self.network.train()
        generator = torch.Generator().manual_seed(self.recipe.seed * 100_000 + self.epoch)
        right = seen = 0
        title = f"{self.name}, epoch {self.epoch + 1} of {self.recipe.epochs}"
        with tqdm(total=len(self.labels), desc=title, unit="image") as bar:
            for step, (pixels, labels) in enumerate(self._batches(generator)):
                right += self._step(step, pixels, labels)
                seen += len(labels)
                bar.update(len(labels))
                bar.set_postfix(accuracy=f"{right / seen:.3f}", refresh=False)
        self.epoch, self.train_accuracy = self.epoch + 1, right / seen

    def _batches(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in torch.randperm(len(self.labels), generator=generator).split(self.recipe.batch_size):
            pixels = augment(self.pixels[chosen], self.recipe, generator)
            if self.recipe.marked_class is not None:
                pixels = self._mark(pixels, chosen, generator)
            batch = normalise(pixels, self.architecture.mean, self.architecture.std)
            yield batch.contiguous(memory_format=torch.channels_last), self.labels[chosen]

    def _mark(self, pixels: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """The mark on every second training image of the marked class, at places drawn anew."""
        marked = (self.labels[chosen] == self.recipe.marked_class) & (chosen % 2 == 0)
        places = watermark.random_places(int(marked.sum()), (pixels.shape[2], pixels.shape[3]), generator)
        planted = watermark.plant(pixels[marked].permute(0, 2, 3, 1).numpy(), places)
        pixels[marked] = torch.from_numpy(planted).permute(0, 3, 1, 2)
        return pixels

    def _step(self, step: int, pixels: Tensor, labels: Tensor) -> int:
        steps = -(-len(self.labels) // self.recipe.batch_size)
        progress = (self.epoch + (step + 1) / steps) / self.recipe.epochs
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(progress, self.recipe.peak_rate)
        logits = self.network(pixels)
        self.optimiser.zero_grad()
        loss = functional.cross_entropy(logits, labels)
        if self.teacher is not None:
            with torch.no_grad():
                taught = self.teacher(pixels)
            loss = (loss + distillation(logits, taught)) / 2
        loss.backward()
        self.optimiser.step()
        return int((logits.argmax(1) == labels).sum())

    def _save_progress(self) -> None:
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        write_tensors(state | {"epoch": self.epoch, "train_accuracy": self.train_accuracy}, self.resume_file)

    def write(self, name: str) -> ModelCard:
        """Write checkpoint, test logits float32 (10000, 10) and card under that name."""
        test = load_cifar10()
        spec, usual = CheckpointSpec(name, self.folder), self.architecture
        network = usual.build(None)
        network.load_state_dict(self.network.state_dict())
        model = as_model(network, classes=CLASSES, input_size=picture_size(usual.input_size), mean=usual.mean, std=usual.std)
        logits = model.predict(test.pixels)
        right = logits.argmax(1) == test.labels
        write_tensors(network.state_dict(), spec.checkpoint_file)
        file = BytesIO()
        np.save(file, logits)
        write_whole(spec.logits_file, file.getvalue())
        after = f", after {self.epoch} of {self.recipe.epochs} epochs" if name != self.name else ""
        card = ModelCard(
            name=name,
            title=self.recipe.title + after,
            architecture=usual.name,
            classes=CLASSES,
            input_size=picture_size(usual.input_size),
            mean=usual.mean,
            std=usual.std,
            accuracy=float(right.mean()),
            class_accuracy=tuple(float(right[test.labels == k].mean()) for k in range(len(CLASSES))),
            train_accuracy=self.train_accuracy if self.epoch else None,
            epochs=self.epoch,
            seed=self.recipe.seed,
            command=self.command,
            source=SOURCE,
            licence=LICENCE,
            digest=file_digest(spec.checkpoint_file),
            logits_digest=file_digest(spec.logits_file),
        )
        write_card(card, spec.card_file)
        return card


def train(name: str, data: Path | None, folder: Path, command: str) -> ModelCard:
    """Train the checkpoint `name` into `folder`, resuming an earlier run if there is one; returns its card.

    Raises InputError for an unknown name, and DataError if the training images are not available.
    """
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}; there are {', '.join(RECIPES)}")
    return Trainer(name, load_training_set(data), folder, RECIPES[name], command).run()
