"""Models that are not bundled: what is built from weights, what is assumed, what is refused, and what is kept."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from runs import together
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from weight_samples import refused, saved, tutorial_file, tutorial_weights

import explain_lib as xl
from explain_lib.loading.architectures import find_architecture, torchvision_names
from explain_lib.loading.building import build_network
from explain_lib.loading.model_store import UPLOAD_ARCHITECTURES, UPLOAD_BYTES, OwnModels
from explain_lib.loading.own import Described, OwnModelOptions
from explain_lib.loading.weight_files import read_weights

SQUEEZENET = "squeezenet1_1"


@pytest.fixture(scope="module")
def squeezenet() -> dict[str, Tensor]:
    """The smallest of torchvision's networks, with seven classes."""
    torch.manual_seed(2)
    return dict(torchvision.models.get_model(SQUEEZENET, weights=None, num_classes=7).state_dict())


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a package of the caller's own."""
    code = tmp_path / "my_networks"
    code.mkdir()
    (code / "__init__.py").write_text("")
    (code / "small.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))\n"
        "def flat():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3))\n"
        "def fails():\n    raise KeyError('no such layer')\n"
        "def nothing():\n    return 'a network'\n"
        "def pair():\n    return nn.LSTM(16, 3)\n"
        "def needs(size):\n    return size\n"
        "number = 3\n"
    )
    (code / "broken.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("my_networks")]:
        del sys.modules[name]


def written(path: Path, weights: Mapping[str, Tensor]) -> Path:
    if path.suffix == ".safetensors":
        save_file(dict(weights), path)
    else:
        torch.save(dict(weights), path)
    return path


# Section: what is built


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_weights_of_a_bundled_architecture_give_its_logits(tmp_path: Path, study: np.ndarray, suffix: str) -> None:
    bundled = xl.load_model("captum-tutorial")
    file = written(tmp_path / f"net.{suffix}", bundled.network.state_dict())
    own = xl.load_own_model("TutorialNet", file)
    assert np.array_equal(own.predict(study), bundled.predict(study))
    assert own.classes == xl.CLASSES
    assert own.card is None


def test_what_is_not_given_is_what_is_usual_for_the_architecture(tmp_path: Path, squeezenet: dict[str, Tensor]) -> None:
    own = xl.load_own_model(SQUEEZENET, written(tmp_path / "net.pt", squeezenet))
    assert own.input_size == (224, 224)
    assert own.mean == (0.485, 0.456, 0.406)  # ImageNet's, as everybody writes them
    assert own.std == (0.229, 0.224, 0.225)
    assert own.classes == tuple(f"class {number}" for number in range(7))


def test_what_is_given_counts(tmp_path: Path, squeezenet: dict[str, Tensor]) -> None:
    own = xl.load_own_model(
        SQUEEZENET,
        written(tmp_path / "net.pt", squeezenet),
        classes=tuple("abcdefg"),
        input_size=(48, 64),
        mean=(0.1, 0.2, 0.3),
        std=(1, 2, 3),
    )
    assert (own.classes, own.input_size, own.mean, own.std) == (tuple("abcdefg"), (48, 64), (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))


@pytest.mark.parametrize("name", ["resnet18", "mnasnet1_0", "regnet_x_400mf", "densenet121", "swin_t"])
def test_torchvisions_networks_take_their_weights_whatever_the_number_of_classes(name: str) -> None:
    """A plain one; one that asks for versions; one that cannot be built without memory; old names; and a transformer."""
    torch.manual_seed(3)
    network = torchvision.models.get_model(name, weights=None, num_classes=5).eval()
    file = read_weights(saved(dict(network.state_dict())), "net.pt")
    built = build_network(find_architecture(name), file, "net.pt").network.eval()
    batch = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(built(batch), network(batch))


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_weights_that_only_training_uses_are_left_out(name: str) -> None:
    network = torchvision.models.get_model(name, weights=None, init_weights=False).state_dict()
    built = build_network(find_architecture(name), read_weights(saved(network), "net.pt"), "net.pt")
    assert 0 < len(built.network.state_dict()) < len(network)
    assert built.said == ""


def test_no_random_number_is_drawn_for_weights_that_come_from_a_file(squeezenet: dict[str, Tensor]) -> None:
    class Noting(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if not (args and isinstance(args[0], Tensor) and args[0].is_meta):  # what is built for its shapes alone
                names.add(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    names: set[str] = set()
    content = saved(squeezenet)
    with Noting():
        network = build_network(find_architecture(SQUEEZENET), read_weights(content, "file"), "file").network
    assert "zero_" in names
    assert not names & {"uniform_", "normal_"}
    assert all(torch.equal(tensor, squeezenet[name]) for name, tensor in network.state_dict().items())


def test_every_architecture_that_a_visitor_may_choose_exists_and_is_below_the_limit() -> None:
    for name in UPLOAD_ARCHITECTURES:
        architecture = find_architecture(name)
        if name not in ("regnet_x_400mf", "regnet_y_400mf"):  # which cannot be built without memory
            with torch.device("meta"):
                assert sum(tensor.nbytes for tensor in architecture.build(None).state_dict().values()) < UPLOAD_BYTES
    assert len(torchvision_names()) > 70


def test_a_factory_of_the_callers_own_is_imported_from_the_working_directory(own_code: Path) -> None:  # noqa: ARG001
    torch.manual_seed(4)
    own = xl.load_own_model("my_networks.small:make", input_size=(16, 16))
    assert own.conv_layers == ("0",)
    assert own.classes == ("class 0", "class 1", "class 2")
    assert (own.mean, own.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_weights_go_into_the_factorys_network(own_code: Path) -> None:
    weights = {
        "0.weight": torch.full((4, 3, 3, 3), 0.5),
        "0.bias": torch.zeros(4),
        "4.weight": torch.tensor([[1.0] * 4, [2.0] * 4, [0.0] * 4]),
        "4.bias": torch.tensor([0.0, 0.0, 7.0]),
    }
    own = xl.load_own_model("my_networks.small:make", written(own_code / "net.safetensors", weights), input_size=(16, 16))
    white = np.full((1, 16, 16, 3), 255, np.uint8)
    assert own.predict(white).tolist() == [[4 * 27 * 0.5, 8 * 27 * 0.5, 7.0]]  # each channel: 27 ones, each times 0.5


def test_the_published_weights_bring_their_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: np.ndarray) -> None:
    """Put where torchvision keeps what it has downloaded, since a test asks no server."""
    torch.manual_seed(5)
    network = torchvision.models.get_model(SQUEEZENET, weights=None)
    published = torchvision.models.get_model_weights(SQUEEZENET).DEFAULT
    kept = tmp_path / "hub" / "checkpoints" / Path(published.url).name
    kept.parent.mkdir(parents=True)
    torch.save(network.state_dict(), kept)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    own = xl.load_own_model(SQUEEZENET, "DEFAULT", input_size=(64, 64))
    assert (len(own.classes), own.classes[1], own.classes[207]) == (1000, "goldfish", "golden retriever")
    assert own.mean == (0.485, 0.456, 0.406)
    pixels = np.asarray(study).repeat(2, 1).repeat(2, 2)
    right = xl.as_model(network, classes=own.classes, input_size=(64, 64), mean=own.mean, std=own.std)
    assert np.array_equal(own.predict(pixels), right.predict(pixels))


# Section: what is refused


def test_without_a_connection_default_weights_get_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")  # where nobody listens
    said = refused(SQUEEZENET, "DEFAULT")
    assert said.startswith(f"weights: DEFAULT: torchvision's weights of {SQUEEZENET} cannot be downloaded (")
    assert said.endswith("a connection to the internet, or a file with weights, would be right")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("resnet19", "net.pt"), "model: unknown architecture 'resnet19'; package.module:factory, TutorialNet, ResNet20, "),
        (("resnet18",), "weights: none are given for resnet18; a file, DEFAULT for torchvision's, or random for untrained"),
        (("TutorialNet", "DEFAULT"), "weights: DEFAULT names what torchvision publishes, and TutorialNet is not one of its"),
        (("TutorialNet", "missing.pt"), "weights: missing.pt cannot be read (No such file or directory); a file with weights"),
        (("TutorialNet", "."), "weights: . cannot be read (Is a directory); a file with weights"),
        (("TutorialNet", "nul\0.pt"), "cannot be read (embedded null byte); a file with weights"),
        (
            ("my networks:make",),
            "model: 'my networks:make'; package.module:factory, such as my_networks.small:make, would be right",
        ),
        (("missing_networks:make",), "ModuleNotFoundError: No module named 'missing_networks'"),
        (("my_networks.broken:make",), "(ZeroDivisionError: division by zero)"),
        (("my_networks.small:other",), "model: my_networks.small has no other; the name of a function in it would be right"),
        (("my_networks.small:number",), "model: my_networks.small:number is a int; a function that makes the network"),
        (("my_networks.small:fails",), "model: my_networks.small:fails() raises KeyError: 'no such layer'; a function that"),
        (("my_networks.small:needs",), "my_networks.small:needs() raises TypeError"),
        (("my_networks.small:nothing",), "model: my_networks.small:nothing() gives a str; a torch.nn.Module would be right"),
        (
            ("my_networks.small:pair",),
            "my_networks.small:pair at 224 × 224, the size taken because no input size is given: the",
        ),
        (
            ("my_networks.small:flat",),
            "my_networks.small:flat at 224 × 224, the size taken because no input size is given: the",
        ),
    ],
)
def test_what_a_server_is_started_with_wrongly_gets_its_sentence(
    own_code: Path,  # noqa: ARG001
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    assert sentence in refused(*arguments)


def test_a_wrong_description_gets_its_sentence(own_code: Path) -> None:  # noqa: ARG001
    said = refused("my_networks.small:make", input_size=(16, 16), classes=("a", "b"))
    assert said.startswith("classes: 2 names; my_networks.small:make has 3 outputs, and a name for each would be right")
    assert refused("my_networks.small:make", input_size=(0, 16)).startswith("input_size: (0, 16); (height, width) in pixels")


def test_a_network_without_a_grid_gets_its_sentence(own_code: Path) -> None:  # noqa: ARG001
    said = refused("my_networks.small:flat", input_size=(16, 16))
    assert said.startswith("my_networks.small:flat has no layer with an output (N, C, h, w), so it has no map")


def changed(**values: Tensor | None) -> dict[str, Tensor]:
    both = {**tutorial_weights(), **{name.replace("__", "."): tensor for name, tensor in values.items()}}
    return {name: tensor for name, tensor in both.items() if tensor is not None}


MISFITS: Mapping[str, tuple[Callable[[], dict[str, Tensor]], str]] = {
    "missing": (lambda: changed(fc3__bias=None), "these are not the weights of TutorialNet: fc3.bias missing; another"),
    "surplus": (lambda: changed(fc4__bias=torch.zeros(1)), "these are not the weights of TutorialNet: fc4.bias not of it"),
    "shape": (
        lambda: changed(conv2__weight=torch.zeros(16, 6, 3, 3)),
        "conv2.weight has the shape (16, 6, 3, 3); (16, 6, 5, 5) would be right for TutorialNet",
    ),
    "a long name": (
        lambda: {**tutorial_weights(), "a\n" * 10_000: torch.zeros(1)},
        f"a name in it, {'a ' * 40}…, has 20,000 characters, and at most 256 are read",
    ),
    "whole numbers": (lambda: changed(fc1__weight=torch.zeros(120, 400).long()), "fc1.weight is int64; float32 would be right"),
    "too large for float32": (
        lambda: changed(fc1__bias=torch.full((120,), 1e300, dtype=torch.float64)),
        "fc1.bias contains NaN or infinity",
    ),
    "NaN": (lambda: changed(conv1__bias=torch.full((6,), torch.nan)), "conv1.bias contains NaN or infinity"),
    "infinity": (lambda: changed(fc2__bias=torch.full((84,), torch.inf)), "fc2.bias contains NaN or infinity"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_weights_that_do_not_fit_get_their_sentence_from_a_visitor_and_at_the_start(what: str, tmp_path: Path) -> None:
    make, sentence = MISFITS[what]
    file = written(tmp_path / "net.pt", make())
    assert sentence in refused("TutorialNet", file)
    with pytest.raises(xl.ExplainError) as caught:
        OwnModels().add("TutorialNet", "net.pt", file.read_bytes(), Described())
    assert str(caught.value).startswith("net.pt: ")
    assert sentence in str(caught.value)


def test_a_head_without_rows_is_refused(squeezenet: dict[str, Tensor]) -> None:
    empty = {**squeezenet, "classifier.1.weight": torch.zeros(0, 512, 1, 1), "classifier.1.bias": torch.zeros(0)}
    with pytest.raises(xl.DataError, match=r"classifier\.1\.weight has the shape \(0, 512, 1, 1\); \(1000, 512, 1, 1\) would"):
        build_network(find_architecture(SQUEEZENET), read_weights(saved(empty), "net.pt"), "net.pt")


# Section: what visitors send


@pytest.fixture
def kept() -> OwnModels:
    return OwnModels()


def send(models: OwnModels, content: bytes | None = None, described: Described | None = None) -> str:
    return models.add("TutorialNet", "net.pt", tutorial_file() if content is None else content, described or Described())


def test_a_sent_network_is_found_by_its_name_again_and_by_all(kept: OwnModels, study: np.ndarray, tmp_path: Path) -> None:
    name = send(kept)
    architecture, digits = name.split("@")
    assert architecture == "TutorialNet"
    assert len(digits) == 16
    assert set(digits) <= set("0123456789abcdef")
    own = kept.find(name)
    assert own.weights == "net.pt"
    right = xl.load_own_model("TutorialNet", written(tmp_path / "net.pt", tutorial_weights()))
    assert np.array_equal(own.model.predict(study), right.predict(study))
    assert send(kept) == name
    assert kept.find(name) is own


@pytest.mark.parametrize(
    "described",
    [
        Described(mean=(0.1, 0.2, 0.3)),
        Described(std=(0.1, 0.2, 0.3)),
        Described(input_size=(32, 32)),
        Described(classes=tuple("abcdefghij")),
    ],
)
def test_the_name_belongs_to_all_that_makes_the_model(kept: OwnModels, described: Described) -> None:
    assert send(kept) != send(kept, described=described)


def test_another_file_has_another_name(kept: OwnModels) -> None:
    assert send(kept) != send(kept, saved(changed(fc3__bias=torch.zeros(10))))


def test_the_least_recently_used_goes_first_and_that_is_said() -> None:
    bytes_of_one = 4 * 62_006
    kept = OwnModels(max_bytes=2 * bytes_of_one)
    names = [send(kept, described=Described(mean=(0.1 * number, 0, 0))) for number in range(2)]
    kept.find(names[0])
    third = send(kept, described=Described(mean=(0.9, 0, 0)))
    assert [kept.holds(name) for name in (*names, third)] == [True, False, True]
    with pytest.raises(xl.InputError, match=rf"model: {names[1]}: that upload is no longer kept; upload the file again"):
        kept.find(names[1])
    assert kept.names_own(names[1])
    assert send(kept, described=Described(mean=(0.1, 0, 0))) == names[1]  # and the address is right again


def test_a_network_larger_than_all_that_is_kept_is_refused() -> None:
    with pytest.raises(xl.DataError, match=r"net\.pt: the network has 0 MiB, more than this server keeps"):
        send(OwnModels(max_bytes=100_000))


@pytest.mark.parametrize(
    "name", ["TutorialNet", "TutorialNet@", "vgg16@0123456789abcdef", "os:system@0123456789abcdef", "a@b", ""]
)
def test_other_names_are_not_those_of_sent_networks(kept: OwnModels, name: str) -> None:
    assert not kept.names_own(name)
    assert not kept.holds(name)


@pytest.mark.parametrize("architecture", ["os:system", "vgg16", "captum-tutorial", ""])
def test_a_visitor_chooses_among_the_architectures_on_offer_alone(kept: OwnModels, architecture: str) -> None:
    with pytest.raises(xl.InputError, match=r"architecture: .* one of TutorialNet, ResNet20, ViTTiny, resnet18, "):
        kept.add(architecture, "net.pt", tutorial_file(), Described())


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        (Described(input_size=(4096, 32)), "input size: 4096 × 32; at most 512 a side would be right"),
        (Described(input_size=(8, 8)), r"net\.pt: TutorialNet: the network cannot run on a batch of shape \(1, 3, 8, 8\)"),
        (Described(classes=("a",)), r"net\.pt: classes: 1 names; TutorialNet has 10 outputs"),
        (Described(mean=(float("nan"), 0.0, 0.0)), "mean: .*a finite number for each channel"),
        (Described(classes=("![](http://elsewhere/a.png)", *"bcdefghij")), "class names: '!.*'; letters, digits, spaces and"),
        (Described(classes=("www.elsewhere", *"bcdefghij")), "class names: 'www.elsewhere'; letters, digits, spaces and"),
        (Described(classes=("a" * 61, *"bcdefghij")), "class names: 'a{61}'; letters, digits, spaces and .* at most 60"),
    ],
)
def test_a_visitors_description_is_checked(kept: OwnModels, described: Described, sentence: str) -> None:
    with pytest.raises(xl.ExplainError, match=sentence):
        send(kept, described=described)


def test_a_file_above_the_limit_is_refused_unread(kept: OwnModels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explain_lib.loading.model_store.UPLOAD_BYTES", len(tutorial_file()) - 1)
    with pytest.raises(xl.DataError, match=r"net\.pt: it has 0 MiB; at most 0 would be right"):
        send(kept)


def test_too_many_classes_are_refused(kept: OwnModels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explain_lib.loading.model_store.UPLOAD_CLASSES", 9)
    with pytest.raises(xl.DataError, match=r"net\.pt: it has 10 classes; at most 9 would be right"):
        send(kept)


# Section: the server's own


def test_the_servers_own_is_loaded_once_and_visitors_may_send_weights_for_it(own_code: Path) -> None:  # noqa: ARG001
    models = OwnModels()
    models.offer(OwnModelOptions("my_networks.small:make", described=Described(input_size=(16, 16))))
    assert models.names == ("my_networks.small:make",)
    assert models.known("my_networks.small:make") is None
    own = models.find("my_networks.small:make")
    assert models.known("my_networks.small:make") is models.find("my_networks.small:make") is own
    assert own.assumed == (
        "Not given, so taken as usual where nothing is known: mean, std. Names of classes are not given: numbers are shown."
    )
    usual = models.usual("my_networks.small:make")
    name = models.add("my_networks.small:make", "other.pt", saved(dict(nn.Sequential(*own.model.network).state_dict())), usual)
    assert name.startswith("my_networks.small:make@")
    assert models.find(name).model.input_size == (16, 16)


def test_a_server_that_offers_another_model_forgets_the_first(own_code: Path) -> None:  # noqa: ARG001
    models = OwnModels()
    models.offer(OwnModelOptions("my_networks.small:make"))
    models.find("my_networks.small:make")
    models.offer()
    assert models.names == ()
    with pytest.raises(xl.InputError, match="no longer kept"):
        models.find("my_networks.small:make")


def test_however_many_ask_at_once_the_servers_own_is_one(own_code: Path) -> None:  # noqa: ARG001
    models = OwnModels()
    models.offer(OwnModelOptions("my_networks.small:make"))
    assert len({id(own.model) for own in together(lambda: models.find("my_networks.small:make"))}) == 1


def test_a_cache_returns_own_models_and_says_which_it_no_longer_has() -> None:
    cache = xl.ExplainCache()
    name = send(cache.own_models)
    assert cache.model(name) is cache.own_models.find(name).model
    gone = f"TutorialNet@{'0' * 16}"
    with pytest.raises(xl.InputError, match=f"model: {gone}: that upload is no longer kept; upload the file again"):
        cache.model(gone)
