"""A folder of pictures: what is listed, how it is read, its thumbnails, and pictures of visitors."""

import hashlib
import os
import sqlite3
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from scan_samples import wait_until

import explain_lib as xl
from explain_lib.pictures.dataset import fit_labels
from explain_lib.pictures.intake import Intake
from explain_lib.pictures.store import PictureStore, preview_of
from explain_lib.pictures.thumbnails import SIDE, Thumbnails

FILES = {
    "cat/b.png": (200, 30, 40),
    "cat/a.JPG": (10, 200, 30),
    "cat/deep/er.webp": (0, 0, 255),
    "dog/c.gif": (250, 250, 0),
    "loose.png": (128, 0, 128),
}
NAMES = ("cat/a.JPG", "cat/b.png", "cat/deep/er.webp", "dog/c.gif", "dog/damaged.png", "loose.png")
DAMAGED = NAMES.index("dog/damaged.png")


def picture_file(colour: tuple[int, int, int], kind: str = "PNG", size: tuple[int, int] = (40, 24)) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for name, colour in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 24), colour).save(file, "JPEG" if name.endswith("JPG") else None)
    (root / "dog" / "damaged.png").write_bytes(picture_file((1, 2, 3))[:60])
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(picture_file((0, 0, 0)))
    (root / ".git").mkdir()
    (root / ".git" / "x.png").write_bytes(picture_file((0, 0, 0)))
    return root


def test_pictures_are_listed_by_name_with_their_subfolder_as_class(path: Path) -> None:
    folder = xl.ImageFolder(path)
    assert folder.files == NAMES
    assert folder.classes == ("cat", "dog")
    assert_array_equal(folder.labels, [0, 0, 0, 1, 1, -1])
    assert (folder.name, len(folder)) == ("pictures", 6)


def test_a_flat_folder_has_no_classes(path: Path) -> None:
    flat = xl.ImageFolder(path / "cat" / "deep")
    assert (flat.files, flat.classes) == (("er.webp",), ())
    assert_array_equal(flat.labels, [-1])


def test_links_that_lead_nowhere_and_folders_that_cannot_be_listed_are_unreadable_and_not_fatal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path / "cat" / "gone.png").symlink_to(path / "nowhere.png")
    real = os.scandir

    def scandir(folder: Path) -> object:
        if Path(folder).name == "deep":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    folder = xl.ImageFolder(path)
    assert folder.files == ("cat/a.JPG", "cat/b.png", "cat/deep", "cat/gone.png", *NAMES[3:])
    for place in (2, 3):
        with pytest.raises(xl.DataError, match="it cannot be opened"):
            folder.picture(place)
    assert folder.picture(1).shape == (24, 40, 3)
    with pytest.raises(xl.InputError, match=r"deep': Permission denied; a readable folder would be right"):
        xl.ImageFolder(path / "cat" / "deep")


def test_listing_opens_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(Path, "open", lambda *given, **_: opened.append(given))
    xl.ImageFolder(path).pixels((8, 8))
    assert not opened


def test_what_is_no_folder_or_holds_no_picture_is_said(tmp_path: Path) -> None:
    with pytest.raises(xl.InputError, match=r"'.*nowhere' is not a folder; a folder of pictures would be right"):
        xl.ImageFolder(tmp_path / "nowhere")
    with pytest.raises(xl.InputError, match=r"has no pictures; files that end with \.jpg, .* would be right"):
        xl.ImageFolder(tmp_path)


def test_pictures_come_at_the_networks_size(path: Path) -> None:
    folder = xl.ImageFolder(path)
    pixels = folder.pixels((8, 8))
    assert pixels.shape == (6, 8, 8, 3)
    assert_array_equal(pixels[1], np.full((8, 8, 3), FILES["cat/b.png"], np.uint8))
    assert_array_equal(pixels[5], np.full((8, 8, 3), FILES["loose.png"], np.uint8))
    assert pixels[1] is pixels[1]  # kept, not read again
    assert folder.pixels((16, 8))[1].shape == (16, 8, 3)


def test_a_file_that_cannot_be_read_is_named_and_remembered(path: Path) -> None:
    folder = xl.ImageFolder(path)
    pixels = folder.pixels((8, 8))
    assert folder.unreadable == {}
    with pytest.raises(xl.DataError, match=r"^dog/damaged\.png: the file is damaged, cut short"):
        pixels[DAMAGED]
    (path / "loose.png").unlink()
    with pytest.raises(xl.DataError, match=r"^loose\.png: it cannot be opened \(No such file or directory\)"):
        pixels[5]
    assert list(folder.unreadable) == [DAMAGED, 5]


def test_the_identity_changes_with_any_file(path: Path) -> None:
    before = xl.ImageFolder(path)
    assert xl.ImageFolder(path).identity == before.identity
    assert before.pixels((8, 8)).identity != before.pixels((9, 9)).identity
    status = (path / "loose.png").stat()
    os.utime(path / "loose.png", ns=(status.st_atime_ns, status.st_mtime_ns + 1000))
    assert xl.ImageFolder(path).identity != before.identity


# Section: thumbnails


def made(thumbnails: Thumbnails) -> Thumbnails:
    thumbnails.start()
    wait_until(lambda: not thumbnails.progress.running)
    return thumbnails


def database_of(path: Path, kept: Path) -> Path:
    """The file with the thumbnails of the folder, once they are made."""
    made(Thumbnails(xl.ImageFolder(path), kept))
    (file,) = kept.glob("*.sqlite")
    return file


def test_thumbnails_are_made_once_and_kept(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = xl.ImageFolder(path)
    first = made(Thumbnails(folder, tmp_path))
    assert (first.progress.done, first.progress.total, first.progress.problem) == (6, 6, None)
    found = first.find(range(6))
    assert found[DAMAGED] is None
    for place, name in enumerate(NAMES):
        if name in FILES:
            thumbnail = found[place]
            assert thumbnail is not None
            assert thumbnail.shape == (SIDE, SIDE, 3)
            assert np.abs(thumbnail.astype(int) - FILES[name]).max() <= 8  # JPEG's loss

    read: list[int] = []
    monkeypatch.setattr(xl.ImageFolder, "content", lambda _, position: read.append(position))
    again = xl.ImageFolder(path)
    second = made(Thumbnails(again, tmp_path))
    assert read == []
    assert list(again.unreadable) == [DAMAGED]  # known from the first time
    assert second.find([DAMAGED]) == [None]
    for one, other in zip(second.find(range(6)), found, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert_array_equal(one, other)


def test_a_file_that_was_changed_gets_another_thumbnail(path: Path, tmp_path: Path) -> None:
    made(Thumbnails(xl.ImageFolder(path), tmp_path))
    (path / "loose.png").write_bytes(picture_file((0, 255, 0), size=(50, 50)))
    thumbnail = made(Thumbnails(xl.ImageFolder(path), tmp_path)).find([5])[0]
    assert thumbnail is not None
    assert np.abs(thumbnail.astype(int) - (0, 255, 0)).max() <= 8


def test_those_that_are_asked_for_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "many"
    root.mkdir()
    content = picture_file((9, 9, 9))
    for number in range(300):
        (root / f"{number:03d}.png").write_bytes(content)
    order: list[int] = []
    real = xl.ImageFolder.content
    monkeypatch.setattr(xl.ImageFolder, "content", lambda self, place: order.append(place) or real(self, place))
    thumbnails = Thumbnails(xl.ImageFolder(root), tmp_path)
    assert thumbnails.ready(range(250, 270)) == 0
    made(thumbnails)
    assert order[:20] == list(range(250, 270))
    assert sorted(order) == list(range(300))


def test_without_room_on_the_disk_thumbnails_are_made_and_it_is_said(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / database_of(path, tmp_path).name).mkdir()  # a file that cannot be opened, whoever the user is
    thumbnails = made(Thumbnails(xl.ImageFolder(path), kept))
    assert thumbnails.progress.problem is not None
    assert "cannot be used (unable to open database file); make room, or delete it" in thumbnails.progress.problem
    assert [one is None for one in thumbnails.find(range(6))] == [place == DAMAGED for place in range(6)]


def test_a_damaged_file_of_thumbnails_is_said_and_nothing_is_lost(path: Path, tmp_path: Path) -> None:
    database_of(path, tmp_path).write_bytes(b"this is no database, and long enough to be taken for a damaged one" * 40)
    thumbnails = made(Thumbnails(xl.ImageFolder(path), tmp_path))
    assert "file is not a database" in str(thumbnails.progress.problem)
    assert thumbnails.ready(range(6)) == 6


def test_closing_stops_the_work(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explain_lib.pictures.thumbnails.TOGETHER", 1)
    monkeypatch.setattr("explain_lib.pictures.thumbnails.PAUSE_SECONDS", 0.05)
    thumbnails = Thumbnails(xl.ImageFolder(path), tmp_path)
    thumbnails.start()
    thumbnails.close()
    assert not thumbnails.progress.running
    assert thumbnails.progress.done < 6
    thumbnails.start()
    assert not thumbnails.progress.running


def test_two_servers_share_one_file(path: Path, tmp_path: Path) -> None:
    pair = [Thumbnails(xl.ImageFolder(path), tmp_path) for _ in range(2)]
    for one in pair:
        one.start()
    for one in pair:
        wait_until(lambda one=one: not one.progress.running)
        assert one.progress.problem is None
    (file,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT COUNT(*) FROM thumbnails").fetchone() == (6,)
    database.close()


# Section: classes


def test_classes_are_numbered_as_the_network_does() -> None:
    labels, names = fit_labels(np.array([0, 2, -1, 1]), ("Dog", "newt", "cat"), ("cat", "dog", "frog"))
    assert names == ("cat", "dog", "frog", "newt")
    assert_array_equal(labels, [1, 0, -1, 3])


def test_the_same_classes_keep_their_numbers() -> None:
    given = np.array([2, -1])
    labels, names = fit_labels(given, ("a", "b", "c"), ("a", "b", "c"))
    assert labels is given
    assert names == ("a", "b", "c")


def test_a_set_without_classes_has_none() -> None:
    labels, names = fit_labels(np.array([-1, -1]), (), ("cat",))
    assert (labels.tolist(), names) == ([-1, -1], ("cat",))


# Section: pictures of visitors


def test_a_visitors_picture_is_found_by_its_sha256() -> None:
    content, other = picture_file((5, 6, 7)), picture_file((7, 6, 5))
    store = PictureStore(max_bytes=len(content) + len(other))
    digest = store.keep(content)
    assert digest == store.keep(content) == hashlib.sha256(content).hexdigest()
    store.keep(other)  # there is room for it, since the first is kept once
    assert store.holds(digest)
    assert store.find(digest) == content


def test_the_one_that_was_not_looked_at_longest_goes_first() -> None:
    files = [picture_file((number, 0, 0)) for number in range(4)]
    store = PictureStore(max_bytes=3 * max(map(len, files)))
    kept = [store.keep(content) for content in files[:3]]
    store.find(kept[0])
    store.keep(files[3])
    assert [store.holds(digest) for digest in kept] == [True, False, True]
    with pytest.raises(xl.DataError, match="is not, or no longer, kept here; upload the file again"):
        store.find(kept[1])


def test_what_is_no_picture_is_not_kept() -> None:
    store, files = PictureStore(), (b"MZ" + bytes(1000), picture_file((1, 2, 3))[:60])
    with pytest.raises(xl.InputError, match="picture: this is not a picture"):
        store.keep(files[0])
    with pytest.raises(xl.DataError, match="picture: the file is damaged"):
        store.keep(files[1])
    assert not any(store.holds(hashlib.sha256(content).hexdigest()) for content in files)


def test_a_picture_larger_than_the_store_is_refused_in_a_sentence() -> None:
    content = picture_file((1, 2, 3))
    with pytest.raises(xl.InputError, match=r"picture: .* at most"):
        PictureStore(max_bytes=len(content) - 1).keep(content)


@pytest.mark.parametrize(
    ("size", "expected"), [((100, 50), (100, 50)), ((1000, 500), (128, 64)), ((500, 4000), (20, 160)), ((4000, 3), (128, 1))]
)
def test_a_preview_says_the_size_and_is_small(size: tuple[int, int], expected: tuple[int, int]) -> None:
    found = preview_of(np.zeros((*size, 3), np.uint8))
    assert (found.height, found.width) == size
    assert found.preview.shape[:2] == expected


def test_the_cache_fits_a_visitors_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = xl.ExplainCache()
    digest = cache.own_pictures.keep(picture_file((9, 8, 7)))
    fitted = cache.own_picture(digest, Intake((32, 32), fit="pad"))
    assert_array_equal(fitted[16, 16], (9, 8, 7))
    assert_array_equal(fitted[0, 0], (0, 0, 0))
    monkeypatch.setattr("explain_lib.pictures.intake.read_bands", lambda *_: pytest.fail("decoded again"))
    assert cache.own_picture(digest, Intake((32, 32), fit="pad")) is fitted
