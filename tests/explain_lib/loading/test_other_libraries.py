"""Networks of timm by name, and image classifiers of transformers from a local folder."""

import inspect
import json
import shutil
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import own_detectors
import pytest
import timm
import torch
from numpy.testing import assert_allclose
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    PreTrainedModel,
    SwinConfig,
    SwinForImageClassification,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)
from weight_samples import refused, saved

import explain_lib as xl
from explain_lib.loading.architectures import find_architecture
from explain_lib.loading.building import build_network
from explain_lib.loading.hf_folders import folder_network
from explain_lib.loading.own import Described, OwnModelOptions, load_own
from explain_lib.loading.weight_files import read_weights

NAMES = ("tulip", "rose", "daisy", "lily")


@pytest.fixture(autouse=True)
def _no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing asks a server."""

    def refused(*_: object, **__: object) -> object:
        raise OSError("a test asks no server")

    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def same_weights(network: nn.Module, right: Mapping[str, Tensor]) -> bool:
    state = network.state_dict()
    return set(state) == set(right) and all(torch.equal(state[name], tensor) for name, tensor in right.items())


# Section: timm


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_convnext", "test_efficientnet"])
def test_a_network_of_timm_takes_a_file_and_its_own_mean_std_and_size(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = timm.create_model(name, num_classes=5).eval()
    torch.save({"state_dict_ema": network.state_dict(), "args": None}, tmp_path / "net.pth")
    own = xl.load_own_model(f"timm:{name}", tmp_path / "net.pth")
    assert same_weights(own.network, network.state_dict())
    config = timm.data.resolve_model_data_config(network)
    assert (own.input_size, own.mean, own.std) == (config["input_size"][1:], config["mean"], config["std"])
    assert own.classes == tuple(f"class {number}" for number in range(5))
    batch = torch.rand(2, *config["input_size"])
    with torch.no_grad():
        assert torch.equal(own.run_input(batch), network(batch))


def test_a_network_that_timm_makes_without_a_classifier_gets_the_one_in_the_file() -> None:
    name = "vit_small_patch14_reg4_dinov2"
    torch.manual_seed(1)
    network = timm.create_model(name, num_classes=3)
    assert timm.create_model(name).num_classes == 0
    file = read_weights(saved({"model": network.state_dict()}), "net.pt")
    assert same_weights(build_network(find_architecture(f"timm:{name}"), file, "net.pt").network, network.state_dict())


def test_random_weights_come_only_when_they_are_asked_for_and_are_the_same_each_time() -> None:
    said = refused("timm:test_vit")
    assert said == (
        "weights: none are given for timm:test_vit; a file, DEFAULT for timm's, or random for untrained weights would be right"
    )
    before = torch.random.get_rng_state()
    first, second = (load_own(OwnModelOptions("timm:test_vit", "random", Described(NAMES)), "cpu") for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.model.digest == second.model.digest
    assert first.model.classes == NAMES
    assert first.weights == "RANDOM"
    assert first.assumed == (
        "Not given, so taken from timm's configuration of test_vit: input size, mean, std. The weights are random: this "
        "network has learnt nothing that its maps could show."
    )
    bundled = load_own(OwnModelOptions("TutorialNet", "random"), "cpu")
    assert bundled.model.digest != xl.load_model("tutorial").digest
    assert "The weights are random" in bundled.assumed


def test_timms_published_weights_bring_their_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put where timm keeps what it has downloaded."""
    torch.manual_seed(2)
    network = timm.create_model("test_vit").eval()
    kept = tmp_path / "models--timm--test_vit.r160_in1k"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("0" * 40)
    (kept / "snapshots" / ("0" * 40)).mkdir(parents=True)
    save_file(network.state_dict(), kept / "snapshots" / ("0" * 40) / "model.safetensors")
    for name in ("timm.models._builder", "timm.models._hub"):
        assert name in sys.modules
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    own = load_own(OwnModelOptions("timm:test_vit", "DEFAULT"), "cpu")
    assert same_weights(own.model.network, network.state_dict())
    assert (len(own.model.classes), own.model.classes[1]) == (1000, "goldfish, Carassius auratus")
    assert own.weights == "published by timm for timm:test_vit"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("timm:n0_5uch", "random"), "model: timm has no 'n0_5uch'; a name of timm.list_models() would be right"),
        (("timm:resnet5", "random"), "model: timm has no 'resnet5'; similar names: resnet"),
        (("timm:hf-hub:timm/test_vit", "random"), "model: timm has no 'hf-hub:timm/test_vit'"),
        (("timm:local-dir:/tmp", "random"), "model: timm has no 'local-dir:/tmp'"),
        (("timm:test_vit4", "DEFAULT"), "weights: DEFAULT: timm publishes none for test_vit4; a file with weights"),
        (("timm:test_vit", "missing.pt"), "weights: missing.pt cannot be read (No such file or"),
    ],
)
def test_what_timm_does_not_have_gets_its_sentence(arguments: tuple[str, str], sentence: str) -> None:
    assert sentence in refused(*arguments)


def test_without_a_connection_timms_weights_get_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    said = refused("timm:test_convnext", "DEFAULT")
    assert said.startswith("weights: DEFAULT: timm's weights of test_convnext cannot be downloaded (")


@pytest.mark.parametrize(("library", "model"), [("timm", "timm:test_vit"), ("transformers", "hf:{folder}")])
def test_a_library_that_is_not_installed_is_named_with_how_to_get_it(
    library: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, library, None)
    name = model.format(folder=tmp_path)
    said = refused(name, "random")
    assert said.startswith(f'model: {name} needs the package {library}; after pip install "{library}>=')


# Section: folders of transformers


def vit(**given: object) -> ViTForImageClassification:
    torch.manual_seed(3)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return ViTForImageClassification(ViTConfig(**size, image_size=32, patch_size=8, id2label=dict(enumerate(NAMES)), **given))


def swin() -> SwinForImageClassification:
    sizes = {"embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}
    return SwinForImageClassification(SwinConfig(**sizes, image_size=32, patch_size=2, num_labels=4))


def convnext() -> ConvNextForImageClassification:
    sizes = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}
    return ConvNextForImageClassification(ConvNextConfig(**sizes, patch_size=4, image_size=32, num_labels=4))


def dinov2() -> Dinov2WithRegistersForImageClassification:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_register_tokens": 4}
    return Dinov2WithRegistersForImageClassification(
        Dinov2WithRegistersConfig(**sizes, mlp_ratio=2, image_size=32, patch_size=8, num_labels=4)
    )


PREPROCESSOR = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], "size": {"height": 32, "width": 32}}


def written(network: PreTrainedModel, folder: Path, preprocessor: Mapping[str, object] | None = PREPROCESSOR) -> Path:
    network.save_pretrained(folder)
    if preprocessor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


takes_outputs = pytest.mark.xfail(
    "output" not in inspect.signature(xl.as_model).parameters,
    reason="as_model takes networks that return one tensor only",
    raises=xl.NetworkError,
    strict=True,
)


@takes_outputs
@pytest.mark.parametrize("make", [vit, swin, convnext, dinov2])
def test_a_folder_of_transformers_becomes_a_model(make: type[PreTrainedModel], tmp_path: Path) -> None:
    network = make().eval()
    own = xl.load_own_model(f"hf:{written(network, tmp_path / 'net')}")
    assert same_weights(own.network, network.state_dict())
    assert (own.input_size, own.mean, own.std) == ((32, 32), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    shifted = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - torch.tensor(own.mean).view(3, 1, 1)) / torch.tensor(
        own.std
    ).view(3, 1, 1)
    with torch.no_grad():
        right = network(shifted).logits
    np.testing.assert_allclose(own.predict(pixels), right.numpy(), atol=1e-6)


@takes_outputs
def test_a_folder_with_detr_becomes_a_model_that_detects(tmp_path: Path) -> None:
    network = own_detectors.detr()
    preprocessor = {**PREPROCESSOR, "size": {"height": 64, "width": 64}}
    own = xl.load_own_model(f"hf:{written(network, tmp_path / 'net', preprocessor)}")  # type: ignore[arg-type]
    assert (own.task, own.classes, own.input_size) == ("detection", (*own_detectors.NAMES, "no object"), (64, 64))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    with torch.no_grad():
        right = network(own.to_input(pixels)).logits.softmax(2).amax(1).numpy()
    assert_allclose(own.predict(pixels)[:, :-1], right[:, :-1], atol=1e-6)


def test_class_names_are_those_of_the_configuration(tmp_path: Path) -> None:
    own = load_own(OwnModelOptions(f"hf:{written(vit(), tmp_path / 'net')}"), "cpu")
    assert own.model.classes == NAMES
    assert own.weights == "of the folder"
    assert own.assumed == "Not given, so taken from net/preprocessor_config.json: input size, mean, std."


@pytest.mark.parametrize("kind", ["pytorch_model.bin", "two files", "older names", "half"])
def test_weights_of_a_folder_are_read_however_they_were_written(kind: str, tmp_path: Path) -> None:
    network = vit()
    folder = written(network, tmp_path / "net")
    file, right = folder / "model.safetensors", dict(network.state_dict())
    state = load_file(file)
    if kind == "pytorch_model.bin":
        file.unlink()
        torch.save(state, folder / kind)
    elif kind == "two files":
        shutil.rmtree(folder)
        network.save_pretrained(folder, max_shard_size="10KB")
        assert len(list(folder.glob("*.safetensors"))) > 1
    elif kind == "older names":
        older = {"vit.layers.": "vit.encoder.layer.", "attention.q_proj": "attention.attention.query"}
        older |= {"attention.k_proj": "attention.attention.key", "attention.v_proj": "attention.attention.value"}
        for new, old in older.items():
            state = {name.replace(new, old): tensor for name, tensor in state.items()}
        assert "vit.encoder.layer.0.attention.attention.query.weight" in state
        save_file(state, file, {"format": "pt"})
    else:
        save_file({name: tensor.half() for name, tensor in state.items()}, file, {"format": "pt"})
        right = {name: tensor.half().float() for name, tensor in right.items()}
    read, said = folder_network(f"hf:{folder}")
    assert same_weights(read, right)
    assert said == ("Converted to float32: weights in float16." if kind == "half" else "")


def test_a_folder_without_a_classifier_is_refused_and_extra_weights_are_named(tmp_path: Path) -> None:
    folder = written(vit(), tmp_path / "net")
    state = load_file(folder / "model.safetensors")
    save_file({**state, "loss_fn.weight": torch.ones(4)}, folder / "model.safetensors", {"format": "pt"})
    assert (
        folder_network(f"hf:{folder}")[1] == "Left out, because ViTForImageClassification has no such weights: loss_fn.weight."
    )
    ViTModel(vit().config, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    assert "classifier.bias, classifier.weight missing or of another shape in its weights" in refused(f"hf:{tmp_path / 'base'}")


@pytest.mark.parametrize(
    ("preprocessor", "size", "mean", "std"),
    [
        (None, (32, 32), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ({"do_normalize": False, "size": 24}, (24, 24), (0, 0, 0), (1, 1, 1)),
        (
            {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 24}, "do_center_crop": True},
            (32, 24),
            None,
            None,
        ),
        ({"image_processor": {"size": {"shortest_edge": 40}, "image_mean": [0, 0, 1]}}, (40, 40), (0, 0, 1), (0.5, 0.5, 0.5)),
        ({"rescale_factor": 1 / 127.5}, (32, 32), (0.25, 0.25, 0.25), (0.25, 0.25, 0.25)),
    ],
)
def test_mean_std_and_size_are_the_preprocessors(
    preprocessor: Mapping[str, object] | None,
    size: tuple[int, int],
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    tmp_path: Path,
) -> None:
    found = find_architecture(f"hf:{written(vit(), tmp_path / 'net', preprocessor)}")
    assert found.input_size == size
    assert mean is None or found.mean == pytest.approx(mean)
    assert std is None or found.std == pytest.approx(std)


@pytest.mark.parametrize(
    ("preprocessor", "mean", "std"),
    [
        (None, 0.5, 0.5),
        ({"do_normalize": False, "size": 32}, 0, 1),
        ({"image_mean": 0.2, "image_std": 0.3, "size": 32}, 0.2, 0.3),
    ],
)
@pytest.mark.parametrize("channels", [1, 4])
def test_a_mean_that_is_not_given_one_by_one_is_that_of_every_channel(
    channels: int, preprocessor: Mapping[str, object] | None, mean: float, std: float, tmp_path: Path
) -> None:
    own = xl.load_own_model(f"hf:{written(vit(num_channels=channels), tmp_path / 'net', preprocessor)}")
    assert (own.mean, own.std) == (pytest.approx((mean,) * channels), pytest.approx((std,) * channels))


def test_code_in_a_folder_is_not_run(tmp_path: Path) -> None:
    folder = written(vit(), tmp_path / "net")
    config = json.loads((folder / "config.json").read_text())
    custom = {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Network"}
    (folder / "own.py").write_text(f"open({str(tmp_path / 'it-ran')!r}, 'w')\n")
    for changed in ({"auto_map": custom}, {"auto_map": custom, "model_type": "own"}):
        (folder / "config.json").write_text(json.dumps({**config, **changed}))
        with suppress(xl.ExplainError):
            xl.load_own_model(f"hf:{folder}", "random")
        assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "no folder with a config.json; one that save_pretrained of transformers wrote would be right"),
        ({"config.json": "{"}, "its config.json cannot be read ("),
        ({"config.json": '{"model_type": "none"}'}, "its config.json cannot be read ("),
        ({"config.json": '{"model_type": "bert"}'}, "a bert of transformers is no image classifier, and no detector like DETR"),
        ({"config.json": '{"model_type": "vit"}'}, "holds no weights; model.safetensors or pytorch_model.bin in it would be"),
        (
            {"config.json": '{"model_type": "vit"}', "model.safetensors.index.json": '{"weight_map": {"a": "../x"}}'},
            "does not say in which files the weights are",
        ),
        (
            {"config.json": '{"model_type": "vit"}', "preprocessor_config.json": '{"image_mean": ["a"]}'},
            "preprocessor_config.json has a where a number would be right",
        ),
        ({"config.json": '{"model_type": "vit"}', "pytorch_model.bin": "text"}, "it is neither a file of torch.save nor of"),
    ],
)
def test_a_folder_that_is_not_right_gets_its_sentence(files: Mapping[str, str], sentence: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert sentence in refused(f"hf:{tmp_path}")


@takes_outputs
def test_a_file_trained_elsewhere_goes_into_the_network_of_a_folder(tmp_path: Path) -> None:
    folder, other = written(vit(), tmp_path / "net"), vit()
    with torch.no_grad():
        other.classifier.bias += 1
    torch.save({"state_dict": {f"model.{name}": tensor for name, tensor in other.state_dict().items()}}, tmp_path / "net.ckpt")
    own = xl.load_own_model(f"hf:{folder}", tmp_path / "net.ckpt")
    assert same_weights(own.network, other.state_dict())
