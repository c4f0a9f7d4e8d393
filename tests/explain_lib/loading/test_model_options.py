"""A file with several models: what is read, and what is said of a file that is wrong."""

from pathlib import Path

import pytest

import explain_lib as xl
from explain_lib.loading.model_options import read_models
from explain_lib.loading.model_store import OwnModels
from explain_lib.loading.own import Described, OwnModelOptions, load_own

TRANSFORMER = "own_networks:transformer"
MAKE = "own_networks:make"
"""In tests/support."""


def file(folder: Path, text: str) -> Path:
    path = folder / "nets.toml"
    path.write_text(text)
    return path


def test_every_table_is_a_model_and_its_files_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("a\nb\n")
    text = """
        [flowers]
        model = "resnet18"
        weights = "runs/flowers.pt"
        classes = "names.txt"
        input_size = [160, 128]
        mean = [0.5, 0.4, 0.3]
        std = [1, 1, 1]
        [untrained]
        model = "timm:test_vit"
        weights = "random"
        classes = ["cat", "dog"]
        input_size = 64
        [folder]
        model = "hf:vit"
    """
    first, second, third = read_models(file(tmp_path, text))
    described = Described(("a", "b"), (160, 128), (0.5, 0.4, 0.3), (1.0, 1.0, 1.0))
    assert first == OwnModelOptions("resnet18", str(tmp_path / "runs/flowers.pt"), described, "flowers")
    assert second == OwnModelOptions("timm:test_vit", "random", Described(("cat", "dog"), (64,)), "untrained")
    assert third == OwnModelOptions(f"hf:{tmp_path / 'vit'}", None, Described(), "folder")
    assert [one.name for one in (first, second, third)] == ["flowers", "untrained", "folder"]


def test_layouts_of_layers_are_those_of_as_model(tmp_path: Path) -> None:
    text = f'[a]\nmodel = "{TRANSFORMER}"\ninput_size = 32\nlayout = {{"encoder.layers.encoder_layer_0" = "tokens"}}\n'
    (given,) = read_models(file(tmp_path, text))
    assert given.described.layout == (("encoder.layers.encoder_layer_0", "tokens"),)
    assert load_own(given, "cpu").model.find_layers("encoder.layers.encoder_layer_0")[0].grid == (4, 4)
    with pytest.raises(xl.InputError, match=r"\[a\] layout: layout: block=sideways; a layer and one of channels-first, "):
        read_models(file(tmp_path, f'[a]\nmodel = "{TRANSFORMER}"\nlayout = {{block = "sideways"}}\n'))


def test_output_and_task_are_those_of_as_model(tmp_path: Path) -> None:
    text = f'[a]\nmodel = "{MAKE}"\ninput_size = 16\noutput = "logits"\ntask = "sigmoid"\n[b]\nmodel = "{MAKE}"\noutput = 1\n'
    first, second = read_models(file(tmp_path, text))
    assert (first.described.output, first.described.task, second.described.output) == ("logits", "sigmoid", 1)
    (plain,) = read_models(file(tmp_path, f'[a]\nmodel = "{MAKE}"\ninput_size = 16\ntask = "sigmoid"\n'))
    assert load_own(plain, "cpu").model.task == "sigmoid"
    (number,) = read_models(file(tmp_path, f'[a]\nmodel = "{MAKE}"\ninput_size = 16\ntask = "regression"\nunit = "kg"\n'))
    assert load_own(number, "cpu").model.unit == "kg"
    with pytest.raises(xl.InputError, match=r"\[a\] task: 'clustering'; one of softmax, "):
        read_models(file(tmp_path, f'[a]\nmodel = "{MAKE}"\ntask = "clustering"\n'))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "nets.toml is empty; a table a model, as [flowers], would be right"),
        ("[a\n", "nets.toml is no TOML (Expected ']' at the end of a table declaration (at line 1, column 3)); a table a"),
        ('model = "resnet18"\n', "nets.toml: model is in no table; a table a model, as [flowers], would be right"),
        ("[a]\nweights = 'a.pt'\n", 'nets.toml: [a] model: it is missing; a network by its name, as model = "resnet18", would'),
        ("[a]\nmodel = 3\n", "nets.toml: [a] model: '3'; a text in quotes would be right"),
        ("[a]\nmodel = 'm'\nweight = 'a.pt'\n", "nets.toml: [a] weight: there is no such key; model, weights, classes"),
        ("[a]\nmodel = 'm'\ninput_size = 'big'\n", "nets.toml: [a] input_size: input_size: 'big'; (height, width) in pixels"),
        ("[a]\nmodel = 'm'\nmean = 0.5\n", "nets.toml: [a] mean: 0.5; a list of numbers, one a channel, would be right"),
        ("[a]\nmodel = 'm'\nmean = [0, 'x', 0]\n", "nets.toml: [a] mean: channels: "),
        ("[a]\nmodel = 'm'\nclasses = []\n", "nets.toml: [a] classes: []; a list of names, or a file with a name a line"),
        ("[a]\nmodel = 'm'\nclasses = 'none.txt'\n", "none.txt cannot be read (No such file or directory)"),
        ("[tutorial]\nmodel = 'm'\n", "nets.toml: [tutorial] is the name of a bundled model; another name would be right"),
        ("['a/b']\nmodel = 'm'\n", "nets.toml: [a/b] has more than letters, digits, spaces and - _ .; another name would be"),
    ],
)
def test_a_file_that_is_wrong_gets_a_sentence_with_table_and_key(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(xl.ExplainError) as caught:
        read_models(file(tmp_path, text))
    said = str(caught.value)
    assert said.startswith("models: ")
    assert sentence in said
    assert "\n" not in said


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(xl.DataError, match=r"models: .*none\.toml cannot be read \(No such file or directory\); a TOML file"):
        read_models(tmp_path / "none.toml")


def options(name: str) -> OwnModelOptions:
    return OwnModelOptions(MAKE, described=Described(input_size=(16, 16)), title=name)


def test_several_models_are_loaded_on_first_use_and_the_oldest_goes_where_room_is_short() -> None:
    bytes_of_one = load_own(options("a"), "cpu").nbytes
    models = OwnModels(own_bytes=2 * bytes_of_one)
    models.offer(*map(options, "abc"))
    assert models.names == ("a", "b", "c")
    assert [models.known(name) for name in "abc"] == [None, None, None]
    first = models.find("a")
    models.find("b")
    assert models.find("a") is first
    models.find("c")
    assert models.known("b") is None
    assert models.known("a") is first
    again = models.find("b")
    assert again.name == "b"
    assert again.model.digest == first.model.digest
    assert models.known("a") is None


def test_a_model_larger_than_the_room_is_kept_alone() -> None:
    models = OwnModels(own_bytes=1)
    models.offer(options("a"), options("b"))
    first = models.find("a")
    assert models.find("a") is first
    models.find("b")
    assert models.known("a") is None
