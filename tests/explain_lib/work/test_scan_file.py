"""A scan into a file: killed anywhere it goes on, nothing lost and nothing twice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sample_networks import model_of, noise, seeded
from scan_samples import Counted, Overflowing, assert_same_rows, request, small_model

import explain_lib as xl
from explain_lib.cam.configuration import parse_configuration
from explain_lib.compare.scan import SCAN_BATCH, ScanRequest
from explain_lib.networks.requests import join_rows
from explain_lib.work.scan_files import part_path, scan_to_file

ROOT = Path(__file__).parents[3]
IMAGES = 3 * SCAN_BATCH + 20
LABELS = np.arange(IMAGES) % 2


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return small_model()


@pytest.fixture(scope="module")
def asked(model: xl.Model) -> ScanRequest:
    return request(model, IMAGES)


@pytest.fixture(scope="module")
def whole(asked: ScanRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a scan that nothing happened to."""
    path = tmp_path_factory.mktemp("whole") / "scan.csv"
    scan_to_file(asked, LABELS, path)
    return path.read_bytes()


def broken_off(asked: ScanRequest, path: Path, batches: int) -> bytes:
    """A scan that ends after some batches; the bytes of its .part file."""
    with pytest.raises(KeyboardInterrupt):
        scan_to_file(asked, LABELS, path, compute=Counted(batches))
    return part_path(path).read_bytes()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_file_holds_the_rows(ending: str, asked: ScanRequest, tmp_path: Path) -> None:
    path, told = tmp_path / "new" / "folder" / f"scan.{ending}", list[int]()
    rows = scan_to_file(asked, LABELS, path, progress=told.append)
    assert_same_rows(rows, join_rows(list(asked.rows())))
    frame = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert_array_equal(frame["image"], np.arange(IMAGES))
    assert_array_equal(frame["mae"], rows.mae)
    assert_array_equal(frame.filter(like="cause_"), rows.shares)
    assert_array_equal(frame["true_class"], np.where(LABELS == 0, "class 0", "class 1"))
    assert told == [0, 200, 400, 600, 620]
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_scan_that_was_broken_off_goes_on(asked: ScanRequest, whole: bytes, tmp_path: Path) -> None:
    path, told, counted = tmp_path / "scan.csv", list[int](), Counted()
    broken_off(asked, path, 2)
    assert not path.exists()
    scan_to_file(asked, LABELS, path, compute=counted, progress=told.append)
    assert counted.computed == [400, 600]
    assert told == [400, 600, 620]
    assert path.read_bytes() == whole
    assert not part_path(path).exists()


def cuts(content: bytes) -> list[int]:
    """Lengths at which a kill may leave the file: in the header, around each line's end, and within each line."""
    ends = [place + 1 for place, byte in enumerate(content) if byte == 10]
    around = [end + shift for end in ends for shift in (-1, 0, 1, 30, 70, 4000)]
    return sorted({length for length in (0, 1, 12, 40, *around) if length <= len(content)})


def test_a_file_that_was_cut_anywhere_is_taken_up(asked: ScanRequest, whole: bytes, tmp_path: Path) -> None:
    content = broken_off(asked, tmp_path / "scan.csv", 2)
    ends = [place + 1 for place, byte in enumerate(content) if byte == 10]
    assert len(ends) == 3
    for length in cuts(content):
        path, counted = tmp_path / f"{length}.csv", Counted()
        part_path(path).write_bytes(content[:length])
        scan_to_file(asked, LABELS, path, compute=counted)
        kept = sum(length >= end for end in ends[1:])
        assert counted.computed == [0, 200, 400, 600][kept:]
        assert path.read_bytes() == whole


def test_a_scan_cut_again_and_again_ends_with_the_same_file(asked: ScanRequest, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scan.csv"
    for _ in range(3):
        content = broken_off(asked, path, 1)
        part_path(path).write_bytes(content + b"0123 half of a li")
    assert len(content.splitlines()) == 4
    counted = Counted()
    scan_to_file(asked, LABELS, path, compute=counted)
    assert counted.computed == [600]
    assert path.read_bytes() == whole


def test_a_batch_that_was_damaged_is_computed_anew(asked: ScanRequest, whole: bytes, tmp_path: Path) -> None:
    path, counted = tmp_path / "scan.csv", Counted()
    lines = broken_off(asked, path, 3).splitlines(keepends=True)
    place = lines[2].index(b'"mae": [') + 12
    lines[2] = lines[2][:place] + bytes([lines[2][place] ^ 1]) + lines[2][place + 1 :]
    part_path(path).write_bytes(b"".join(lines))
    scan_to_file(asked, LABELS, path, compute=counted)
    assert counted.computed == [200, 400, 600]
    assert path.read_bytes() == whole


def test_a_batch_that_two_processes_wrote_counts_once(asked: ScanRequest, whole: bytes, tmp_path: Path) -> None:
    path, counted = tmp_path / "scan.csv", Counted()
    header, first, second = broken_off(asked, path, 2).splitlines(keepends=True)
    part_path(path).write_bytes(header + first + first + second + second)
    scan_to_file(asked, LABELS, path, compute=counted)
    assert counted.computed == [400, 600]
    assert path.read_bytes() == whole


def test_a_kill_between_the_file_and_the_end_costs_nothing(asked: ScanRequest, whole: bytes, tmp_path: Path) -> None:
    path, counted = tmp_path / "scan.csv", Counted()
    broken_off(asked, path, 4)
    path.write_bytes(whole)
    scan_to_file(asked, LABELS, path, compute=counted)
    assert counted.computed == []
    assert path.read_bytes() == whole
    assert not part_path(path).exists()


def test_the_part_of_another_request_is_refused_and_left_as_it_is(asked: ScanRequest, model: xl.Model, tmp_path: Path) -> None:
    path = tmp_path / "scan.csv"
    content = broken_off(asked, path, 1)
    others = [request(model, IMAGES, causes=False), request(model, IMAGES, seed=1), request(model, IMAGES - 1)]
    for other in others:
        with pytest.raises(xl.InputError, match=r"^out: .*scan\.csv\.part belongs to another scan; delete it"):
            scan_to_file(other, LABELS, path)
    assert part_path(path).read_bytes() == content
    part_path(path).write_text("somebody's notes\n")
    with pytest.raises(xl.InputError, match="belongs to another scan"):
        scan_to_file(asked, LABELS, path)
    assert part_path(path).read_text() == "somebody's notes\n"


def test_a_scan_that_fails_at_once_leaves_no_part(model: xl.Model, tmp_path: Path) -> None:
    with pytest.raises(xl.LayerError):
        scan_to_file(request(model, 8, a=parse_configuration("manual;layers=conv9")), LABELS, tmp_path / "scan.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_an_earlier_scan_stays_until_the_new_one_is_whole(asked: ScanRequest, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scan.csv"
    path.write_text("earlier")
    broken_off(asked, path, 2)
    assert path.read_text() == "earlier"
    scan_to_file(asked, LABELS, path)
    assert path.read_bytes() == whole


def test_rows_that_are_not_finite_survive_a_kill(tmp_path: Path) -> None:
    pixels = noise(SCAN_BATCH + 8)
    pixels[3] = 255
    sides = parse_configuration("manual;layers=relu"), parse_configuration("package;layers=relu")
    asked = ScanRequest(model_of(seeded(Overflowing)), pixels, np.arange(len(pixels)), *sides, package=True)
    labels = np.zeros(len(pixels), np.int64)
    with pytest.raises(KeyboardInterrupt):
        scan_to_file(asked, labels, tmp_path / "scan.csv", compute=Counted(1))
    rows = scan_to_file(asked, labels, tmp_path / "scan.csv")
    assert_same_rows(rows, join_rows(list(asked.rows())))
    frame = pd.read_csv(tmp_path / "scan.csv")
    assert frame.index[frame["state"] == "not finite"].tolist() == [3]
    assert frame["residual"].isna().sum() == 1


def test_a_batch_is_on_disk_once_it_is_told(model: xl.Model, tmp_path: Path) -> None:
    """A small one too, which a buffer would hold back."""
    path, lines = tmp_path / "scan.csv", list[int]()

    def look(_: int) -> None:
        lines.append(part_path(path).read_bytes().count(b"\n") if part_path(path).exists() else 0)

    scan_to_file(request(model, 4, causes=False), LABELS, path, progress=look)
    assert lines == [0, 2]


@pytest.mark.parametrize("name", ["scan.txt", "scan", "folder.csv"])
def test_a_file_of_another_kind_is_refused(name: str, asked: ScanRequest, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(xl.InputError, match=r"^out: .*a file that ends in \.csv or \.parquet would be right"):
        scan_to_file(asked, LABELS, tmp_path / name)


def test_a_folder_that_is_a_file_is_an_error(asked: ScanRequest, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(xl.DataError, match="taken"):
        scan_to_file(asked, LABELS, tmp_path / "taken" / "scan.csv")
