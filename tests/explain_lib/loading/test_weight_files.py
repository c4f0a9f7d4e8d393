"""Weight files from anybody: what is right is read to the bit, what is not gets a sentence, and nothing runs or swells."""

import argparse
import io
import pickle
import random
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor
from weight_samples import DAMAGED, HARMFUL, archive, older_file, planting_files, saved, tutorial_file, tutorial_weights

from explain_lib.base.errors import DataError
from explain_lib.loading.weight_files import read_weights

ROOT = Path(__file__).parents[3]


def weights() -> dict[str, Tensor]:
    return dict(tutorial_weights())


def read(content: bytes, name: str = "net.pt") -> dict[str, Tensor]:
    """All tensors of a file."""
    file = read_weights(content, name)
    found = file.take(file.held)
    assert {name: (one.shape, one.dtype) for name, one in file.held.items()} == {
        name: (tuple(tensor.shape), tensor.dtype) for name, tensor in found.items()
    }
    return found


@pytest.mark.parametrize(
    ("content", "before"),
    [
        (tutorial_file, ""),
        (lambda: saved(tutorial_weights()), ""),  # an OrderedDict that knows the versions of its modules
        (lambda: save_safetensors(weights()), ""),
        (older_file, ""),
        (lambda: saved({"epoch": 3, "losses": [0.5, 0.25], "best": None, "state_dict": tutorial_weights()}), "state_dict."),
        (lambda: saved({"model": {f"module.{name}": one for name, one in weights().items()}}), "model.module."),
        (lambda: saved({name: torch.nn.Parameter(tensor) for name, tensor in weights().items()}), ""),
    ],
    ids=["torch.save", "a state dict", "safetensors", "before PyTorch 1.6", "a checkpoint", "DataParallel", "parameters"],
)
def test_weights_are_read_to_the_bit(content: Callable[[], bytes], before: str) -> None:
    found = read(content())
    assert set(found) == {before + name for name in weights()}
    assert all(torch.equal(found[before + name], tensor) for name, tensor in weights().items())


@pytest.mark.parametrize("newer", [True, False])
def test_a_part_of_a_larger_tensor_is_read_as_that_part(newer: bool) -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    parts = {"rows": whole[1:3], "turned": whole.T, "none": whole[:0]}
    found = read(saved(parts, _use_new_zipfile_serialization=newer))
    assert torch.equal(found["rows"], whole[1:3])
    assert torch.equal(found["turned"], whole.T)
    assert found["none"].shape == (0, 6)


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool", "complex64", "complex128"]
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_numbers_of_every_kind_are_those_that_pytorch_reads(dtype: str, order: str) -> None:
    numbers = torch.tensor([[3.0, -1.5, 0.0], [2.25, 7.0, 1.0]]).to(getattr(torch, dtype))
    with zipfile.ZipFile(io.BytesIO(saved({"w": numbers}))) as file:
        records = {name: file.read(name) for name in file.namelist()}
    (named,) = [name for name in records if name.endswith("byteorder")]
    if order == "big":
        (data,) = [name for name in records if name.endswith("data/0")]
        width = numbers.element_size() // (2 if numbers.is_complex() else 1)
        records[data] = b"".join(records[data][at : at + width][::-1] for at in range(0, len(records[data]), width))
    content = archive({**records, named: order.encode()})
    right = torch.load(io.BytesIO(content), weights_only=True)["w"]
    assert torch.equal(right, numbers)
    assert torch.equal(read(content)["w"], right)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "uint8", "int64", "bool", "complex64"])
def test_numbers_of_every_kind_are_read_from_the_old_format(dtype: str) -> None:
    numbers = torch.tensor([[3.0, -1.5, 0.0], [2.25, 7.0, 1.0]]).to(getattr(torch, dtype))
    found = read(saved({"w": numbers, "nothing": torch.zeros(0)}, _use_new_zipfile_serialization=False))
    assert torch.equal(found["w"], numbers)
    assert found["nothing"].shape == (0,)


class UnpickledError(Exception):
    """Raised by what is never to run."""


def test_values_of_a_training_are_passed_over_and_none_of_them_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tutorial_weights()
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(3))], lr=0.1)
    optimizer.param_groups[0]["params"][0].grad = torch.ones(3)
    optimizer.step()
    content = saved(
        {
            "args": argparse.Namespace(lr=0.1, model="tutorial", out=Path("runs")),
            "best": np.float64(0.5),
            "curve": np.arange(3.0),
            "milestones": Counter({30: 1, 60: 1}),
            "size": torch.Size([32, 32]),
            "by_class": defaultdict(list, {"a": [1]}),
            "dtype": torch.float16,
            "device": torch.device("cpu"),
            "seen": {1, 2},
            "at": datetime(2026, 1, 1),
            "rng": torch.get_rng_state(),
            "optimizer": optimizer.state_dict(),
            "model": network,
        }
    )

    def refused(*_: object, **__: object) -> object:
        raise UnpickledError

    monkeypatch.setattr(pickle, "Unpickler", refused)
    monkeypatch.setattr(torch, "load", refused)
    found = read(content)
    assert all(torch.equal(found[f"model.{name}"], tensor) for name, tensor in network.items())
    assert torch.equal(found["rng"], torch.get_rng_state())
    assert "optimizer.state.0.exp_avg" in found


def test_a_dictionary_that_holds_itself_is_read_once() -> None:
    inner: dict[str, object] = {"w": torch.ones(2)}
    inner["again"] = inner
    assert set(read(saved({"a": inner, "b": inner}))) == {"a.w"}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_file_that_is_not_right_gets_its_sentence(what: str) -> None:
    make, sentence = DAMAGED[what]
    with pytest.raises(DataError) as caught:
        read(make())
    said = str(caught.value)
    assert said.startswith("net.pt: ")
    assert sentence in said
    assert "torch.save(network.state_dict(), FILE), or of safetensors, would be right" in said
    assert "\n" not in said
    assert len(said) < 500


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_changed_in_a_file_it_is_read_or_refused_in_a_sentence(seed: int) -> None:
    numbers = random.Random(seed)
    with zipfile.ZipFile(io.BytesIO(tutorial_file())) as file:
        records = {name: file.read(name) for name in file.namelist()}
    (pickled,) = [name for name in records if name.endswith("data.pkl")]
    sentences = []
    for _ in range(150):
        content = archive({**records, pickled: _changed(records[pickled], numbers)})
        try:
            assert all(isinstance(tensor, Tensor) for tensor in read(content).values())
        except DataError as error:
            sentences.append(str(error))
    assert len(sentences) > 100
    assert not any("\n" in sentence for sentence in sentences)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_changed_in_a_file_of_the_old_format_it_is_read_or_refused_in_a_sentence(seed: int) -> None:
    numbers, content = random.Random(seed), older_file()
    head = content.index(b"\x80\x02]") + 200  # what is declared, and the list of storages; what follows are numbers
    sentences = []
    for _ in range(150):
        try:
            assert all(isinstance(one, Tensor) for one in read(_changed(content[:head], numbers) + content[head:]).values())
        except DataError as error:
            sentences.append(str(error))
    assert len(sentences) > 100
    assert not any("\n" in sentence for sentence in sentences)


def _changed(content: bytes, numbers: random.Random) -> bytes:
    """Some bytes are others, gone, or there twice."""
    changed = bytearray(content)
    for _ in range(numbers.choice((1, 1, 2, 5))):
        place = numbers.randrange(len(changed))
        match numbers.randrange(3):
            case 0:
                changed[place] = numbers.randrange(256)
            case 1:
                del changed[place : place + numbers.randrange(1, 20)]
            case _:
                changed[place:place] = changed[place : place + numbers.randrange(1, 40)]
    return bytes(changed)


# Read in a process of its own that is refused more than 256 MiB besides what it has: what the files declare does not fit.
READ_ALL = """
import resource, sys
from pathlib import Path
from explain_lib.base.errors import DataError
from explain_lib.loading.weight_files import read_weights

good, folder = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
def read(content, name):
    file = read_weights(content, name)
    file.take(file.held)

read(good, "good.pt")  # what is imported by then does not count
pages = int(Path("/proc/self/statm").read_text().split()[0])
room = pages * resource.getpagesize() + 2**28
resource.setrlimit(resource.RLIMIT_AS, (room, room))
for path in sorted(folder.iterdir()):
    try:
        read(path.read_bytes(), path.name)
    except DataError as error:
        print(error)
    else:
        print(f"{path.name}: taken")
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What was said of each harmful file, by its name."""
    folder = tmp_path_factory.mktemp("harmful")
    good = folder.parent / "good.pt"
    good.write_bytes(tutorial_file())
    for name, (make, _) in HARMFUL.items():
        (folder / name).write_bytes(make())
    assert sum(path.stat().st_size for path in folder.iterdir()) < 16 * 2**20
    command = [sys.executable, "-c", READ_ALL, str(good), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(sentence.split(": ", 1) for sentence in done.stdout.splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process within its limit of memory")
@pytest.mark.parametrize("what", HARMFUL)
def test_a_file_that_declares_more_than_it_holds_is_refused_without_memory_for_it(said: dict[str, str], what: str) -> None:
    assert HARMFUL[what][1] in said[what]


PLANTED = tuple(planting_files(Path("marker")))


@pytest.mark.parametrize("what", PLANTED)
def test_code_in_a_file_is_not_run(what: str, tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    content = planting_files(marker)[what]
    with pytest.raises(DataError):
        read_weights(content, "net.safetensors" if what.endswith(".safetensors") else "net.pt")
    assert not marker.exists()


@pytest.mark.parametrize("what", ["in an archive", "in the old format"])
def test_the_planted_code_would_run_elsewhere(what: str, tmp_path: Path) -> None:
    """Without which the test before says nothing."""
    marker, file = tmp_path / "it-ran", tmp_path / "net.pt"
    file.write_bytes(planting_files(marker)[what])
    torch.load(file, weights_only=False)
    assert marker.exists()


def test_the_sentence_names_what_the_file_asks_for(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"net\.pt: it holds more than tensors by name: it asks for posix\.system; no code was run"
    ):
        read_weights(planting_files(tmp_path / "marker")["in an archive"], "net.pt")
