"""Masks and boxes of one's own pictures: fitted as the pictures are, and what is said of wrong ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scan_samples import small_model

import explain_lib as xl
from explain_lib.pictures.files import read_mask
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.intake import Intake
from explain_lib.truth.finders import Finder
from explain_lib.truth.own_places import OwnPlaces, OwnPlacesRequest


def write(path: Path, values: NDArray[np.uint8], **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A wide picture whose object is at rows 2 to 4 and columns 3 to 6, with a mask of its size; and one without a mask."""
    picture = np.zeros((8, 12, 3), np.uint8)
    picture[2:5, 3:7] = 255
    write(tmp_path / "cat" / "wide.jpg", picture)
    write(tmp_path / "cat" / "other.png", picture)
    write(tmp_path / "masks" / "cat" / "wide.png", picture[..., 0])
    return tmp_path


def test_masks_are_no_pictures_and_belong_to_those_of_their_name(folder: Path) -> None:
    found = ImageFolder(folder)
    assert (found.files, found.classes) == (("cat/other.png", "cat/wide.jpg"), ("cat",))
    assert dict(found.masks) == {"cat/wide.jpg": "masks/cat/wide.png"}
    assert OwnPlaces(found).positions.tolist() == [1]


def test_a_class_that_is_called_masks_stays_one(folder: Path) -> None:
    write(folder / "masks" / "venice.png", np.zeros((4, 4), np.uint8))
    found = ImageFolder(folder)
    assert found.classes == ("cat", "masks")
    assert dict(found.masks) == {}
    with pytest.raises(xl.InputError) as caught:
        OwnPlaces(found)
    assert str(caught.value).startswith("images: masks/venice.png is no mask, since no picture has its name; ")


@pytest.mark.parametrize(
    ("fit", "rows", "columns"),
    [
        ("crop", slice(2, 5), slice(1, 5)),  # columns 2 to 9 are kept
        ("pad", slice(4, 6), slice(2, 5)),  # 12 x 8 into 8 x 8: rows and columns shrink by 2/3, and begin at row 1.5
        ("stretch", slice(2, 5), slice(2, 5)),  # columns shrink by 2/3
    ],
)
def test_a_mask_is_resized_and_cropped_as_its_picture(folder: Path, fit: str, rows: slice, columns: slice) -> None:
    intake = Intake((8, 8), fit=fit)  # type: ignore[arg-type]  # one of the fits
    found = ImageFolder(folder)
    mask = OwnPlaces(found).mask(1, intake)
    picture = found.fitted(1, intake)[..., 0]
    expected = np.zeros((8, 8), bool)
    expected[rows, columns] = True
    if fit != "pad":
        np.testing.assert_array_equal(mask, expected)
    assert (mask != (picture > 127)).mean() <= 4 / 64  # the picture is smoothed where it is resized, and JPEG adds to that
    assert mask.any()


def test_a_mask_of_another_size_is_brought_to_its_pictures(folder: Path) -> None:
    picture = np.zeros((16, 24), np.uint8)
    picture[4:10, 6:14] = 1
    write(folder / "masks" / "cat" / "wide.png", picture)
    expected = np.zeros((8, 12), bool)
    expected[2:5, 3:7] = True
    np.testing.assert_array_equal(OwnPlaces(ImageFolder(folder)).mask(1, Intake((8, 12))), expected)


def test_what_is_not_zero_is_the_object_in_every_kind_of_mask(tmp_path: Path) -> None:
    expected = np.array([[True, False], [False, True]])
    indexed = Image.fromarray(np.array([[3, 0], [0, 1]], np.uint8), mode="P")
    indexed.putpalette([255, 255, 255] * 4)
    seen = np.zeros((2, 2, 4), np.uint8)
    seen[..., 3] = 255
    seen[[0, 1], [0, 1], 2] = 9
    kinds = {
        "grey": Image.fromarray(expected.astype(np.uint8)), "bits": Image.fromarray(expected),
        "deep": Image.fromarray(np.where(expected, 400, 0).astype(np.uint16)), "indices": indexed,
        "transparency": Image.fromarray(seen),
    }  # fmt: skip
    for name, image in kinds.items():
        image.save(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(read_mask((tmp_path / f"{name}.png").read_bytes()), expected, name)


def test_any_box_of_a_file_is_the_place(tmp_path: Path) -> None:
    write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    write(tmp_path / "b.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "boxes.csv").write_text("file,left,top,right,bottom,what\na.png,1,2,3,5,cat\na.png,6,0,8,1.4,dog\n")
    places = OwnPlaces(ImageFolder(tmp_path))
    expected = np.zeros((8, 8), bool)
    expected[2:5, 1:3] = expected[0, 6:8] = True
    assert places.positions.tolist() == [0]
    np.testing.assert_array_equal(places.mask(0, Intake((8, 8))), expected)
    small = places.mask(0, Intake((4, 4)))  # the middles of its pixels are at 1, 3, 5 and 7 of the picture
    assert np.argwhere(small).tolist() == [[0, 3], [1, 0]]
    with pytest.raises(xl.InputError, match=r"image: b\.png has no mask; one with a mask would be right"):
        places.mask(1, Intake((8, 8)))


HEAD = "file,left,top,right,bottom"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file,left,top\na.png,1,2", ": no column right, bottom; the columns file, left, top, right, bottom would be right"),
        (f"{HEAD}\nz.png,1,2,3,4", ", line 2: there is no picture 'z.png'; a file such as 'a.png' would be right"),
        (f"{HEAD}\na.png,1,x,3,4", ", line 2: could not convert string to float: 'x'; four numbers of pixels would be right"),
        (f"{HEAD}\na.png,1,2,3", ", line 2: could not convert string to float: ''; four numbers of pixels would be right"),
        (f"{HEAD}\na.png,5,2,3,4", ", line 2: left must be less than right, and top less than bottom"),
    ],
)
def test_a_wrong_list_of_boxes_is_refused_by_its_line(tmp_path: Path, text: str, why: str) -> None:
    write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(xl.DataError) as caught:
        OwnPlaces(ImageFolder(tmp_path))
    assert str(caught.value) == f"boxes.csv{why}"


def test_wrong_masks_are_refused_by_their_names(folder: Path) -> None:
    file = folder / "masks" / "cat" / "wide.png"
    for content, why in (
        (np.zeros((8, 8), np.uint8), "it is 8 x 8 and its picture 8 x 12; the same shape would be right"),
        (None, "the file is damaged, cut short or without a pixel; a whole one would be right"),
    ):
        if content is None:
            file.write_bytes(file.read_bytes()[:40])
        else:
            write(file, content)
        with pytest.raises(xl.DataError) as caught:
            OwnPlaces(ImageFolder(folder)).mask(1, Intake((8, 8)))
        assert str(caught.value) == f"masks/cat/wide.png: {why}"
    file.unlink()
    write(folder / "masks" / "cat" / "wide.jpg", np.zeros((8, 12), np.uint8))
    with pytest.raises(
        xl.DataError, match=r"masks/cat/wide\.jpg: a JPEG, which changes zeros to other numbers; a PNG would be"
    ):
        OwnPlaces(ImageFolder(folder)).mask(1, Intake((8, 8)))


def test_a_folder_without_places_is_told_what_would_be_right(tmp_path: Path) -> None:
    write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(
        xl.InputError, match=r"has no masks; a subfolder masks with a mask .*, or a list boxes\.csv of file, left"
    ):
        OwnPlaces(ImageFolder(tmp_path))


# Section: how well maps find them


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return small_model()


def asked_of(model: xl.Model, classes: list[int]) -> OwnPlacesRequest:
    height, width = model.input_size
    pixels = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8)
    masks = np.zeros((3, height, width), bool)
    masks[:2, 1:4, 2:5] = True
    return OwnPlacesRequest(model, pixels, np.arange(3), masks, np.array(classes))


def test_the_numbers_are_those_of_heat_maps_for_the_true_class_or_the_predicted_one(model: xl.Model) -> None:
    request = asked_of(model, [1, -1, 0])
    rows, layer = request.all_rows(), model.conv_layers[-1]
    said = model.predict(request.pixels).argmax(1)
    settings = xl.CamSettings(
        layers=(layer,), variant="layercam", scale_over="none", resize="torch-bilinear", placement="receptive-field"
    )
    maps = xl.heatmap(model, request.pixels[:2], settings, [1, int(said[1])]).astype(np.float64)
    energy = [one[1:4, 2:5].sum() / one.sum() if one.sum() else 0 for one in maps]
    place = rows.finders.index(Finder(layer, "layercam"))
    np.testing.assert_allclose(rows.values[:2, place, 0], energy, atol=1e-5)
    assert rows.counts.tolist() == [True, True, False]  # the last object is cut off
    np.testing.assert_allclose(rows.area[:2], 9 / np.prod(model.input_size))


def test_other_masks_and_classes_are_refused(model: xl.Model) -> None:
    with pytest.raises(xl.InputError, match="classes: a place among the model's classes for each image, or -1"):
        asked_of(model, [1, 2])
    right = asked_of(model, [0, 0, 0])
    with pytest.raises(xl.InputError, match=r"masks: bool of shape \(2, .* would be right"):
        OwnPlacesRequest(model, right.pixels, np.arange(3), right.masks[:2], right.classes)


def test_other_masks_are_another_request(model: xl.Model) -> None:
    one = asked_of(model, [0, 0, 0])
    other = OwnPlacesRequest(model, one.pixels, one.images, ~one.masks, one.classes)
    assert one.fingerprint != other.fingerprint
    assert one.take(slice(1, 2)).masks.shape[0] == 1
