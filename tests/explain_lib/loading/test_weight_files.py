"""Weight files from anybody: what is right is read to the bit, what is not gets a sentence, and nothing runs or swells."""

import io
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor
from weight_samples import DAMAGED, HARMFUL, archive, planting_files, saved, tutorial_file, tutorial_weights

from explain_lib.base.errors import DataError
from explain_lib.loading.weight_files import read_weights

ROOT = Path(__file__).parents[3]


def weights() -> dict[str, Tensor]:
    return dict(tutorial_weights())


@pytest.mark.parametrize(
    "content",
    [
        tutorial_file,
        lambda: saved(tutorial_weights()),  # an OrderedDict that knows the versions of its modules
        lambda: save_safetensors(weights()),
        lambda: saved({"epoch": 3, "losses": [0.5, 0.25], "best": None, "state_dict": tutorial_weights()}),
        lambda: saved({"model": {f"module.{name}": tensor for name, tensor in weights().items()}}),
        lambda: saved({name: torch.nn.Parameter(tensor) for name, tensor in weights().items()}),
    ],
    ids=["torch.save", "a state dict", "safetensors", "a checkpoint", "DataParallel", "parameters"],
)
def test_weights_are_read_to_the_bit(content: Callable[[], bytes]) -> None:
    read = read_weights(content(), "weights.pt")
    assert list(read) == list(weights()) or set(read) == set(weights())
    assert all(torch.equal(read[name], tensor) for name, tensor in weights().items())


def test_a_part_of_a_larger_tensor_is_read_as_that_part() -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    read = read_weights(saved({"rows": whole[1:3], "turned": whole.T}), "weights.pt")
    assert torch.equal(read["rows"], whole[1:3])
    assert torch.equal(read["turned"], whole.T)


@pytest.mark.parametrize("what", DAMAGED)
def test_a_file_that_is_not_right_gets_its_sentence(what: str) -> None:
    make, sentence = DAMAGED[what]
    with pytest.raises(DataError) as caught:
        read_weights(make(), "net.pt")
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
            assert all(isinstance(tensor, Tensor) for tensor in read_weights(content, "net.pt").values())
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
read_weights(good, "good.pt")  # what is imported by then does not count
pages = int(Path("/proc/self/statm").read_text().split()[0])
room = pages * resource.getpagesize() + 2**28
resource.setrlimit(resource.RLIMIT_AS, (room, room))
for path in sorted(folder.iterdir()):
    try:
        read_weights(path.read_bytes(), path.name)
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
    with pytest.raises(DataError, match=r"net\.pt: it holds more than tensors by name: it asks for posix\.system, and nothing"):
        read_weights(planting_files(tmp_path / "marker")["in an archive"], "net.pt")
