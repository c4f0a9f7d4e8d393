"""A view computed anew from its file: what is identical, what is not, and files that are none."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from runs import through

import explain_lib as xl
from explain_lib import __main__ as command_line
from explain_lib.base.run_context import recording
from explain_lib.networks.predictions import predict
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.sets import subset
from explain_lib.take_home import view_file
from explain_lib.take_home.json_form import PictureDepot, read, written
from explain_lib.take_home.notes import Recorder
from explain_lib.take_home.registry import note_rows
from explain_lib.take_home.replay import difference, versions
from explain_lib.take_home.view_content import view_content
from explain_lib.take_home.view_file import arrays_file, packed, read_view_file, sealed
from explain_lib.trust.ladder import ladder_curves
from explain_lib.truth.mosaics import MosaicRequest, mosaic_maps
from explain_lib.truth.own_places import OwnPlacesRequest, object_maps

MODEL = "captum-tutorial"
Say = pytest.CaptureFixture[str]


def made_view(draw: Callable[[xl.ExplainCache, xl.Model], object], **changed: object) -> dict[str, bytes]:
    """The parts of the file of a view that computes this."""
    cache = xl.ExplainCache()
    model = cache.model(MODEL)
    with recording(Recorder()) as recorder:
        draw(cache, model)
    content = view_content(recorder.notes, cache, lambda _: MODEL)
    settings = {
        "format": "grad-cam-view",
        "version": 1,
        "page": "a page",
        "link": "/?img=3",
        "versions": versions(),
        "threads": torch.get_num_threads(),
        "models": {name: {"digest": one.digest} for name, one in content.models.items()},
        "computations": [vars(one) for one in content.computations],
        "arrays": {key: {"sha256": view_file.array_mark(array)} for key, array in content.arrays.items()},
        "notes": content.notes,
        **changed,
    }
    parts = {"settings.json": json.dumps(settings).encode(), "maps.npz": arrays_file(content.arrays)}
    return parts | ({"pictures.npz": arrays_file(content.depot.arrays)} if content.depot.arrays else {})


def explain_three(cache: xl.ExplainCache, model: xl.Model) -> None:
    through(cache, xl.grad_cam, model, cache.images().pixels[3:4], "conv2", xl.Target(8, minus=0))


@cache
def three() -> Mapping[str, bytes]:
    """The parts of the file of one Grad-CAM."""
    return MappingProxyType(made_view(explain_three))


def written_to(folder: Path, parts: Mapping[str, bytes]) -> Path:
    path = folder / "view.zip"
    path.write_bytes(packed(parts))
    return path


def arrays_of(parts: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    with np.load(BytesIO(parts["maps.npz"])) as file:
        return dict(file)


def replay(path: Path, *options: str) -> int:
    return command_line.main(["replay", str(path), *options])


# Section: what is recorded


def test_a_note_keeps_neither_a_model_nor_a_large_set_alive() -> None:
    cache = xl.ExplainCache()
    pixels = cache.images().pixels
    with recording(Recorder()) as recorder:
        through(cache, xl.average_map, cache.model(MODEL), subset(pixels, np.arange(0, 9000, 3)), "conv2")
    (note,) = recorder.notes
    assert not any(isinstance(value, np.ndarray | xl.Model) for value in note.arguments.values())
    content = view_content(recorder.notes, cache, lambda _: MODEL)
    pixels_written = content.computations[0].arguments["pixels"]
    assert pixels_written == {"pixels": {"set": "cifar10", "images": list(range(0, 9000, 3))}}


def test_contrasts_at_several_layers_are_computed_anew_to_the_bit(tmp_path: Path, capsys: Say) -> None:
    def draw(cache: xl.ExplainCache, model: xl.Model) -> None:
        through(cache, xl.contrasts, model, cache.images().pixels[3:4], ("conv1", "conv2"), 8, 0)

    parts = made_view(draw)
    arrays = arrays_of(parts).values()
    found = xl.contrasts(xl.load_model(MODEL), xl.load_cifar10().pixels[3:4], ("conv1", "conv2"), 8, 0)
    for layer in found:
        assert any(np.array_equal(found[layer].signed_contrast, array) for array in arrays)
    assert replay(written_to(tmp_path, parts)) == 0
    assert "identical" in capsys.readouterr().out


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        0.25,
        "conv2",
        ("conv1", "conv2"),
        xl.Target(3, minus=2, sign=-1, score="probability"),
        (xl.Target(3), xl.Target(4)),
        xl.PAPER,
        xl.NOTEBOOK_PACKAGE,
        xl.Configuration("package", xl.NOTEBOOK_PACKAGE),
    ],
    ids=str,
)
def test_an_argument_is_read_as_it_was_written(value: object) -> None:
    depot = PictureDepot()
    text = json.dumps(written(value, lambda _: MODEL, depot))
    assert read(json.loads(text), xl.load_model, depot) == value


def test_pictures_are_written_by_number_or_stored() -> None:
    pixels, depot = xl.load_cifar10().pixels, PictureDepot()
    strange = 255 - pixels[:2]
    forms = [written(one, lambda _: MODEL, depot) for one in (pixels[7:9], pixels[12], pixels[[5, 2]], strange)]
    assert forms == [
        {"pixels": {"set": "cifar10", "images": "7-8"}},
        {"pixels": {"set": "cifar10", "images": [12], "one": True}},
        {"pixels": {"set": "cifar10", "images": [5, 2]}},
        {"pixels": {"set": "stored", "name": "pictures-1"}},
    ]
    for form, expected in zip(forms, (pixels[7:9], pixels[12], pixels[[5, 2]], strange), strict=True):
        np.testing.assert_array_equal(read(form, xl.load_model, depot), expected)


# Section: identical or not


def test_an_untouched_file_is_identical(tmp_path: Path, capsys: Say) -> None:
    assert replay(written_to(tmp_path, three())) == 0
    said = capsys.readouterr().out
    assert "All 4 arrays are identical, bit for bit." in said
    assert "Note" not in said


def test_a_changed_number_is_found_and_named(tmp_path: Path, capsys: Say) -> None:
    parts = three()
    arrays = arrays_of(parts)
    arrays["grad_cam.conv2.map"][0, 4, 7] += 0.5
    assert replay(written_to(tmp_path, parts | {"maps.npz": arrays_file(arrays)})) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("grad_cam.conv2.map ")]
    assert "1 number differs, by up to 0.5 at [0, 4, 7]" in line
    assert "the file was changed after it was written" in line


def test_arrays_that_are_missing_or_too_many_are_named(tmp_path: Path, capsys: Say) -> None:
    parts = three()
    arrays = arrays_of(parts)
    arrays["other"] = arrays.pop("grad_cam.logits")
    assert replay(written_to(tmp_path, parts | {"maps.npz": arrays_file(arrays)})) == 1
    said = capsys.readouterr().out
    assert "it is computed here, and is not in the file" in said
    assert "the file does not say how it was computed" in said
    assert "NOT identical: 2 of 5, grad_cam.logits, other." in said


@pytest.mark.parametrize(
    ("kept", "made", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0], None),
        ([np.nan, 1.0], [np.nan, 1.0], None),
        ([1.0, 2.0], [1.0, 2.5], "1 number differs, by up to 0.5 at [1]: 2 in the file, 2.5 here"),
        ([np.nan, 1.0], [0.0, 1.0], "one of them is finite on one side only at [0]"),
        ([0.0], [-0.0], "only in the bits of zeros"),
        ([1.0], [1.0, 2.0], "(1,) in the file, float32 (2,) here"),
    ],
)
def test_a_difference_is_said_in_numbers(kept: list[float], made: list[float], words: str | None) -> None:
    found = difference(np.array(kept, np.float32), np.array(made, np.float32), changed=False)
    assert found is None if words is None else words in str(found)


def test_an_array_that_had_fewer_digits_in_older_files_is_compared_in_those() -> None:
    kept = np.array([1 / 3, 2 / 3], np.float32)
    assert difference(kept, np.array([1 / 3, 2 / 3]), changed=False) is None
    assert "1 number differs" in str(difference(kept, np.array([1 / 3, 0.667]), changed=False))
    assert "float64 (2,) in the file, float32 (2,) here" in str(difference(np.array([1 / 3, 2 / 3]), kept, changed=False))


def test_another_digest_is_said(tmp_path: Path, capsys: Say) -> None:
    parts = made_view(explain_three, models={MODEL: {"digest": "f" * 64}})
    assert replay(written_to(tmp_path, parts)) == 1
    said = capsys.readouterr().out
    assert f"model: {MODEL} has the digest {xl.load_model(MODEL).digest[:12]}… here, and ffffffffffff… in the file" in said
    assert "NOT identical: 1 of 1, grad_cam." in said


# Section: the other parts


def sealed_view() -> dict[str, bytes]:
    """The parts of a file whose settings say what the others were."""
    parts = three() | {"address.txt": b"/?img=3", "pictures/01.png": b"a picture"}
    settings = json.loads(parts.pop("settings.json"))
    return parts | {"settings.json": json.dumps(sealed(settings, parts)).encode()}


def test_a_part_is_marked_by_its_sha256() -> None:
    settings = json.loads(sealed_view()["settings.json"])
    assert settings["parts"] == {
        "address.txt": hashlib.sha256(b"/?img=3").hexdigest(),
        "pictures/01.png": hashlib.sha256(b"a picture").hexdigest(),
    }


def test_what_was_compared_is_said(tmp_path: Path, capsys: Say) -> None:
    assert replay(written_to(tmp_path, sealed_view())) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Compared: the arrays of maps.npz with those computed here. Pictures, slide, page/, address")
    assert "all are unchanged" in last


def test_without_marks_nothing_is_promised_of_the_rest(tmp_path: Path, capsys: Say) -> None:
    assert replay(written_to(tmp_path, three())) == 0
    assert "it is unknown whether they were changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("address.txt", b"/?img=4", "changed after"),
        ("pictures/01.png", b"another", "changed after"),
        ("pictures/01.png", None, "missing after"),
        ("more.txt", b"more", "added after"),
    ],
)
def test_a_part_that_was_changed_is_named(name: str, content: bytes | None, words: str, tmp_path: Path, capsys: Say) -> None:
    parts = {one: kept for one, kept in (sealed_view() | {name: content}).items() if kept is not None}
    assert replay(written_to(tmp_path, parts)) == 1
    said = capsys.readouterr().out.splitlines()
    assert "1 part was CHANGED since" in said[-2]
    assert said[-1].startswith(name)
    assert words in said[-1]
    assert "All 4 arrays are identical, bit for bit." in said


def test_settings_may_be_spaced_anew_but_not_say_anything_else(tmp_path: Path, capsys: Say) -> None:
    parts = sealed_view()
    settings = json.loads(parts["settings.json"])
    turned = dict(reversed(settings.items()))
    assert replay(written_to(tmp_path, parts | {"settings.json": json.dumps(turned, indent=4).encode()})) == 0
    settings["link"] = "/?img=4"
    assert replay(written_to(tmp_path, parts | {"settings.json": json.dumps(settings).encode()})) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("settings.json ")
    assert last.endswith(" changed after the file was written")


def test_parts_that_unpack_to_too_much_are_refused(tmp_path: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_file, "MAX_UNPACKED", 2**20)
    assert replay(written_to(tmp_path, sealed_view() | {"address.txt": bytes(2**22)})) == 1
    assert "unpacked it has more than 1 MiB" in capsys.readouterr().err


def test_other_versions_are_noted(tmp_path: Path, capsys: Say) -> None:
    replay(written_to(tmp_path, made_view(explain_three, versions={"torch": "1.0", "numpy": versions()["numpy"]})))
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Note: ")]
    assert len(notes) == 1
    assert notes[0].startswith(f"Note: torch is {versions()['torch']} here, and was 1.0")


def test_some_computations_only(tmp_path: Path, capsys: Say) -> None:
    def two(cache: xl.ExplainCache, model: xl.Model) -> None:
        explain_three(cache, model)
        through(cache, predict, model, cache.images().pixels[:2])

    path = written_to(tmp_path, made_view(two))
    assert replay(path, "--only", "predict") == 0
    assert "grad_cam" not in capsys.readouterr().out
    assert replay(path, "--only", "scan") == 1
    assert "there is no scan in the file; it has grad_cam, predict" in capsys.readouterr().err


# Section: other models, and folders


def test_a_model_that_is_not_bundled_is_asked_for_and_may_be_given(tmp_path: Path, capsys: Say) -> None:
    network = xl.load_model("tutorial")
    weights = tmp_path / "weights.pt"
    torch.save(network.network.state_dict(), weights)
    own = xl.load_own_model("TutorialNet", weights)
    cache = xl.ExplainCache()
    with recording(Recorder()) as recorder:
        through(cache, xl.grad_cam, own, cache.images().pixels[:1], "conv2")
    content = view_content(recorder.notes, cache, lambda _: "TutorialNet@0123456789abcdef")
    described = {"digest": own.digest, "classes": own.classes, "input_size": own.input_size, "mean": own.mean, "std": own.std}
    settings = {
        "format": "grad-cam-view",
        "version": 1,
        "threads": torch.get_num_threads(),
        "models": dict.fromkeys(content.models, described),
        "computations": [vars(one) for one in content.computations],
        "arrays": {},
    }
    path = written_to(tmp_path, {"settings.json": json.dumps(settings).encode(), "maps.npz": arrays_file(content.arrays)})
    assert replay(path) == 1
    assert "is not bundled, and its weights are not in the file" in capsys.readouterr().out
    assert replay(path, "--model", "TutorialNet", "--weights", str(weights)) == 0


def test_of_a_folder_only_what_was_looked_at_is_stored(tmp_path: Path, capsys: Say) -> None:
    from PIL import Image

    folder = tmp_path / "folder"
    folder.mkdir()
    for number, picture in enumerate(255 - xl.load_cifar10().pixels[:9]):
        Image.fromarray(picture).save(folder / f"{number}.png")
    pixels = ImageFolder(folder).pixels((32, 32))
    parts = made_view(lambda cache, model: through(cache, ladder_curves, model, pixels, 4, ("conv2",)))
    with np.load(BytesIO(parts["pictures.npz"])) as stored:
        (held,) = stored.values()
    np.testing.assert_array_equal(held, 255 - xl.load_cifar10().pixels[4:5])
    for file in folder.iterdir():
        file.unlink()
    assert replay(written_to(tmp_path, parts)) == 0
    assert "ladder_curves.curves.deletion" in capsys.readouterr().out


def test_own_masks_and_mosaics_of_own_pictures_are_stored_with_them(tmp_path: Path, capsys: Say) -> None:
    from PIL import Image

    folder = tmp_path / "folder"
    folder.mkdir()
    for number, picture in enumerate(255 - xl.load_cifar10().pixels[:5]):
        Image.fromarray(picture).save(folder / f"{number}.png")
    pixels = ImageFolder(folder).pixels((32, 32))
    masks = np.zeros((3, 32, 32), np.bool_)
    masks[:, 4:20, 8:30] = True

    def draw(cache: xl.ExplainCache, model: xl.Model) -> None:
        request = OwnPlacesRequest(model, pixels, np.array([0, 2, 4]), masks, np.array([3, -1, 5]), ("conv2",))
        with cache.running():
            note_rows(request, request.all_rows())
            quarters, classes = np.array([[0, 1, 2, 3]]), np.array([[4, 5, 6, 7]])
            mosaics = MosaicRequest(model, pixels, quarters[:, 0], quarters, classes, ("conv2",), apart=True)
            note_rows(mosaics, mosaics.all_rows())
            object_maps(model, pixels[[2]], np.array([2]), ("conv2",), 4)

    parts = made_view(draw)
    assert json.loads(parts["settings.json"])["notes"] == []
    for file in folder.iterdir():
        file.unlink()
    assert replay(written_to(tmp_path, parts)) == 0
    said = capsys.readouterr().out
    assert "objects.values" in said
    assert "mosaics.values" in said
    assert "object_maps.maps" in said
    whole = masks.copy()
    whole[:, :, :] = True
    stored = arrays_of({"maps.npz": parts["pictures.npz"]})
    (name,) = (name for name, array in stored.items() if array.shape[-1] == 1)
    changed_masks = parts | {"pictures.npz": arrays_file(stored | {name: whole[..., None].astype(np.uint8)})}
    assert replay(written_to(tmp_path, changed_masks)) == 1


def test_mosaics_are_computed_anew_to_the_bit_from_the_numbers_of_their_pictures(tmp_path: Path, capsys: Say) -> None:
    quarters = np.array([[3, 8, 1, 5], [44, 40, 9, 2]])
    classes = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])

    def draw(cache: xl.ExplainCache, model: xl.Model) -> None:
        pictures = cache.images().pixels
        request = MosaicRequest(model, pictures, quarters[:, 0], quarters, classes, ("conv2",), "stretched", apart=True)
        with cache.running():
            note_rows(request, request.all_rows())
            mosaic_maps(model, pictures[quarters[0]], classes[0], 2, quarters[0, :1], ("conv2",), apart=True)

    parts = made_view(draw)
    said = json.loads(parts["settings.json"])
    assert said["notes"] == []
    assert "pictures.npz" not in parts
    assert said["computations"][0]["arguments"]["quarters"] == {"numbers": quarters.tolist()}
    assert replay(written_to(tmp_path, parts)) == 0
    found = capsys.readouterr().out
    assert "mosaics.values" in found
    assert "mosaic_maps.maps" in found


def test_what_needs_too_much_room_is_said() -> None:
    cache = xl.ExplainCache()
    pixels = np.zeros((4, 32, 32, 3), np.uint8)
    with recording(Recorder()) as recorder:
        through(cache, predict, cache.model(MODEL), pixels)
    with pytest.raises(xl.InputError, match="for which there is no room"):
        written(recorder.notes[0].arguments["pixels"], lambda _: MODEL, PictureDepot(room=100))


# Section: files that are none


def changed(**changes: object) -> dict[str, bytes]:
    parts = three()
    return parts | {"settings.json": json.dumps(json.loads(parts["settings.json"]) | changes).encode()}


def with_arguments(**arguments: object) -> dict[str, bytes]:
    return changed(computations=[{"key": "k", "name": "grad_cam", "arguments": arguments}])


def npz(content: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", content)
    return file.getvalue()


def lying_header() -> bytes:
    """An array that declares 8 TB and holds 8 bytes."""
    file = BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    return npz(file.getvalue() + bytes(8))


def pickled() -> bytes:
    file = BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return npz(file.getvalue())


BROKEN: dict[str, Callable[[], Mapping[str, bytes]]] = {
    "does not have one settings.json": lambda: {"maps.npz": arrays_file({})},
    "does not have one maps.npz": lambda: {"settings.json": three()["settings.json"]},
    "settings.json is not JSON": lambda: three() | {"settings.json": b"{"},
    "is not JSON": lambda: three() | {"settings.json": b"[" * 100_000},
    "does not describe a view": lambda: three() | {"settings.json": b"[]"},
    "version 2 of the format": lambda: changed(version=2),
    "is not as the dashboard writes it": lambda: changed(computations=[{"key": 1}]),
    "not as the dashboard writes it": lambda: changed(models=[]),
    "its content does not match its header": lambda: three() | {"maps.npz": lying_header()},
    "content does not match its header": lambda: three() | {"maps.npz": pickled()},
    "it is no ZIP file, or a damaged one": lambda: three() | {"maps.npz": b"PK"},
    "holds something other than pictures": lambda: three() | {"pictures.npz": arrays_file({"p": np.zeros((2, 2), np.float32)})},
}


@pytest.mark.parametrize("words", BROKEN)
def test_a_file_that_is_none_is_refused_with_a_sentence(words: str, tmp_path: Path, capsys: Say) -> None:
    assert replay(written_to(tmp_path, BROKEN[words]())) == 1
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_no_file_a_text_and_a_cut_file_are_refused(tmp_path: Path, capsys: Say) -> None:
    whole = packed(three())
    for content in (None, b"text", b"", whole[: len(whole) // 2]):
        path = tmp_path / "view.zip"
        if content is not None:
            path.write_bytes(content)
        assert replay(path) == 1
        assert "it cannot be read (" in capsys.readouterr().err


def test_a_bomb_is_refused_before_it_takes_memory(tmp_path: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_file, "MAX_SETTINGS", 2**20)
    assert replay(written_to(tmp_path, three() | {"settings.json": b" " * 2**21})) == 1
    assert "settings.json has more than 1 MiB" in capsys.readouterr().err


def test_nothing_is_written_outside(tmp_path: Path, capsys: Say) -> None:
    parts = {**three(), "../../outside.txt": b"x", "/absolute.txt": b"x"}
    assert replay(written_to(tmp_path, parts)) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["view.zip"]
    capsys.readouterr()


HOSTILE: dict[str, Mapping[str, object]] = {
    "these are no arguments for it": {"x": 1},
    "it is no value that can be read": {"model": {"model": MODEL}, "pixels": {"code": "1"}},
    "one value with its kind would be right": {"model": {"model": MODEL, "more": 1}},
    "the file does not say which one it is": {"model": {"model": "../../etc/passwd"}},
    "numbers from 0 to 9,999 would be right": {"pixels": {"pixels": {"set": "cifar10", "images": [10**9]}}},
    "0 to 9,999 would be right": {"pixels": {"pixels": {"set": "cifar10", "images": "0-99999999999"}}},
    "two numbers with a hyphen": {"pixels": {"pixels": {"set": "cifar10", "images": "__import__"}}},
    "is not stored": {"pixels": {"pixels": {"set": "stored", "name": "/etc/passwd"}}},
    "there is no class 99": {
        "model": {"model": MODEL},
        "pixels": {"pixels": {"set": "cifar10", "images": [1]}},
        "targets": {"Target": {"index": 99}},
    },
    "index, minus, plus, region, score, sign would be right": {"targets": {"Target": {"index": 1, "evil": 2}}},
    "a finite number above 0": {"settings": {"CamSettings": {"exponent": -1}}},
    "a list of whole numbers": {"images": {"numbers": [0.5]}},
    "rows of the same length would be right": {"images": {"numbers": [[1, 2], [3]]}},
}


@pytest.mark.parametrize("words", [*HOSTILE])
def test_arguments_that_mean_nothing_get_a_sentence(words: str, tmp_path: Path, capsys: Say) -> None:
    parts = with_arguments(**HOSTILE[words])
    assert replay(written_to(tmp_path, parts)) == 1
    found = capsys.readouterr()
    assert words.removeprefix("it ") in found.out
    assert "NOT identical" in found.out


@pytest.mark.parametrize("name", ["images", "entries", "__init__", "own_picture", "eval", "model"])
def test_only_what_is_recorded_can_be_called(name: str, tmp_path: Path, capsys: Say) -> None:
    assert replay(written_to(tmp_path, changed(computations=[{"key": "k", "name": name, "arguments": {}}]))) == 1
    assert f"{name}: there is no such computation" in capsys.readouterr().out


def test_what_a_terminal_would_obey_is_not_printed(tmp_path: Path, capsys: Say) -> None:
    assert replay(written_to(tmp_path, changed(page="\x1b[2J", notes=["\x1b]0;x\x07"]))) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_mark_depends_on_numbers_shape_and_type() -> None:
    ones = np.ones((2, 3), np.float32)
    marks = {view_file.array_mark(one) for one in (ones, ones.reshape(3, 2), ones.astype(np.float64), ones * 2)}
    assert len(marks) == 4
    assert view_file.array_mark(ones) == hashlib.sha256(b"<f4 (2, 3) " + ones.tobytes()).hexdigest()


def test_arrays_are_read_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    fortran = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    parts = three() | {"maps.npz": arrays_file({"a": fortran, "n": np.float64(3)})}
    found = read_view_file(written_to(tmp_path, parts)).arrays
    np.testing.assert_array_equal(found["a"], fortran)
    assert found["n"].shape == ()
