"""The table of a scan, read back by pandas and pyarrow, and its summary against NumPy."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sample_networks import model_of, noise, seeded
from scan_samples import Overflowing, scan_batch

import explain_lib as xl
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.compare.scan import ScanRows
from explain_lib.compare.scan_summary import scan_table, summarise_scan, to_csv, to_parquet

COUNT = 60


@pytest.fixture(scope="module")
def rows(tutorial: xl.Model, images: xl.ImageSet) -> ScanRows:
    return scan_batch(tutorial, images.pixels, np.arange(100, 100 + COUNT), STUDY_MANUAL, STUDY_PACKAGE)


@pytest.fixture(scope="module")
def broken() -> ScanRows:
    """Eight rows, of which that of image 3 is not finite."""
    pixels = noise(8)
    pixels[3] = 255
    sides = parse_configuration("manual;layers=relu"), parse_configuration("package;layers=relu")
    return scan_batch(model_of(seeded(Overflowing)), pixels, np.arange(8), *sides, package=True)


def from_csv(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content))


def from_parquet(content: bytes) -> pd.DataFrame:
    return pyarrow.parquet.read_table(io.BytesIO(content)).to_pandas()


WAYS = pytest.mark.parametrize(("write", "read"), [(to_csv, from_csv), (to_parquet, from_parquet)], ids=["csv", "parquet"])


@WAYS
def test_the_table_reads_back_as_it_was(write, read, rows: ScanRows, tutorial: xl.Model, images: xl.ImageSet) -> None:
    frame = read(write(scan_table(rows, images.labels)))
    causes = [f"cause_{name}" for name in xl.decompose(tutorial, images.pixels[:4], 0).settings]
    assert list(frame.columns) == ["image", "true_class", "predicted_class", "right", "state", "mae", *causes]
    names = np.array(xl.CLASSES)
    numbers = np.arange(100, 100 + COUNT)
    predicted = tutorial.predict(images.pixels[numbers]).argmax(1)
    assert_array_equal(frame["image"], numbers)
    assert_array_equal(frame["true_class"].to_numpy(), names[images.labels[numbers]])
    assert_array_equal(frame["predicted_class"].to_numpy(), names[predicted])
    assert frame["right"].dtype == bool
    assert_array_equal(frame["right"], predicted == images.labels[numbers])
    assert set(frame["state"]) == {"ok"}
    assert_array_equal(frame["mae"], rows.mae)  # every bit of it
    assert_array_equal(frame[causes].to_numpy(), rows.shares)


@WAYS
def test_a_row_that_is_not_finite_says_so_and_has_no_numbers(write, read, broken: ScanRows) -> None:
    labels = np.array([0, 1] * 4)
    table = scan_table(broken, labels, ("left, or so", 'the "right"'), package=True)
    frame = read(write(table))
    numbers = [name for name in frame.columns if name.startswith("cause_") or name in ("mae", "residual")]
    assert len(numbers) == 2 + len(broken.settings)
    assert list(frame["state"]) == ["ok"] * 3 + ["not finite"] + ["ok"] * 4
    assert frame.loc[3, numbers].isna().all()
    assert frame.drop(3)[numbers].notna().all(axis=None)
    assert list(frame["true_class"]) == ["left, or so", 'the "right"'] * 4
    assert all(table[name].null_count == 1 for name in numbers)


def test_columns_that_were_not_asked_for_are_not_there(rows: ScanRows, images: xl.ImageSet) -> None:
    names = scan_table(rows, images.labels, causes=False).column_names
    assert names == ["image", "true_class", "predicted_class", "right", "state", "mae"]


def test_labels_and_classes_must_fit(rows: ScanRows, images: xl.ImageSet) -> None:
    with pytest.raises(xl.InputError, match=r"^labels: 120 of them.*would be right"):
        scan_table(rows, images.labels[:120])
    with pytest.raises(xl.InputError, match=r"^classes: 9 names.*would be right"):
        scan_table(rows, images.labels, xl.CLASSES[:9])
    with pytest.raises(xl.InputError, match=r"^labels: "):
        summarise_scan(rows, images.labels[:120])


def test_an_image_without_a_class_is_neither_right_nor_wrong(rows: ScanRows, images: xl.ImageSet) -> None:
    labels = images.labels.copy()
    labels[rows.images[:7]] = -1
    frame = from_parquet(to_parquet(scan_table(rows, labels)))
    assert frame["true_class"].isna().tolist() == frame["right"].isna().tolist() == [place < 7 for place in range(COUNT)]
    summary = summarise_scan(rows, labels)
    right = (images.labels[rows.images] == rows.predicted)[7:]
    assert (summary.finite, summary.right_images, summary.wrong_images) == (COUNT, right.sum(), (~right).sum())
    assert summary.class_images.sum() == COUNT - 7
    assert summary.right_mean == pytest.approx(rows.mae[7:][right].mean())


def test_the_summary_is_that_of_the_columns(rows: ScanRows, images: xl.ImageSet) -> None:
    frame = from_parquet(to_parquet(scan_table(rows, images.labels)))
    summary = summarise_scan(rows, images.labels, listed=5)
    assert (summary.images, summary.finite) == (COUNT, COUNT)
    assert_allclose(summary.quantiles, frame["mae"].quantile([0.05, 0.25, 0.5, 0.75, 0.95]))
    assert summary.mean == pytest.approx(frame["mae"].mean())
    by_class = frame.groupby("true_class")["mae"]
    assert_allclose(summary.class_means, by_class.mean()[list(xl.CLASSES)])
    assert_array_equal(summary.class_images, by_class.size()[list(xl.CLASSES)])
    by_right = frame.groupby("right")["mae"].mean()
    assert (summary.right_mean, summary.wrong_mean) == pytest.approx((by_right[True], by_right[False]))
    assert (summary.right_images, summary.wrong_images) == (frame["right"].sum(), (~frame["right"]).sum())
    assert_allclose(summary.shares, frame.filter(like="cause_").mean())
    assert_allclose(summary.fractions, frame.filter(like="cause_").mean() / frame["mae"].mean())
    assert summary.fractions.sum() == pytest.approx(1, abs=1e-4)
    assert_array_equal(summary.worst, frame.nlargest(5, "mae")["image"])
    distance = (frame["mae"] - frame["mae"].median()).abs()
    assert_array_equal(summary.typical, frame["image"][distance.sort_values(kind="stable").index[:5]])


def test_rows_that_are_not_finite_do_not_count(broken: ScanRows) -> None:
    labels = np.array([0, 0, 0, 1, 0, 0, 0, 0])
    summary = summarise_scan(broken, labels, ("zero", "one"), listed=99)
    left = np.delete(broken.mae, 3)
    assert (summary.images, summary.finite) == (8, 7)
    assert_allclose(summary.quantiles, np.quantile(left, [0.05, 0.25, 0.5, 0.75, 0.95]))
    assert_allclose(summary.class_means, [left.mean(), np.nan])
    assert_array_equal(summary.class_images, [7, 0])
    assert sorted(summary.worst) == sorted(summary.typical) == [0, 1, 2, 4, 5, 6, 7]
    assert_allclose(summary.shares, np.delete(broken.shares, 3, axis=0).mean(0))


def hand_made(mae: list[float], images: list[int]) -> ScanRows:
    count = len(mae)
    nothing = np.full(count, np.nan)
    return ScanRows(np.array(images), np.zeros(count, np.int64), np.array(mae), ("relu",), np.array(mae)[:, None], nothing)


@pytest.mark.filterwarnings("error")
def test_a_scan_without_a_finite_row_has_a_summary() -> None:
    summary = summarise_scan(hand_made([np.nan, np.nan], [1, 0]), np.zeros(2, np.int64), ("zero",))
    assert (summary.finite, len(summary.worst), len(summary.typical)) == (0, 0, 0)
    assert np.isnan([summary.mean, *summary.quantiles, *summary.class_means, *summary.shares, *summary.fractions]).all()


@pytest.mark.parametrize(("known", "right", "wrong"), [(None, 1, 2), (2, 1, 1), (1, 1, 0), (0, 0, 0)])
def test_a_class_that_the_network_does_not_know_is_neither_right_nor_wrong(known: int | None, right: int, wrong: int) -> None:
    rows, labels = hand_made([0.1, 0.2, 0.3, 0.4], [0, 1, 2, 3]), np.array([0, 1, 2, -1])  # each predicted as class 0
    summary = summarise_scan(rows, labels, ("zero", "one", "two"), known=known)
    assert (summary.right_images, summary.wrong_images) == (right, wrong)
    assert_allclose(summary.class_means, [0.1, 0.2, 0.3])
    column = scan_table(rows, labels, ("zero", "one", "two"), known=known).column("right").to_pylist()
    assert (column.count(True), column.count(False)) == (right, wrong)


@pytest.mark.filterwarnings("error")
def test_sides_that_are_alike_have_no_fractions() -> None:
    summary = summarise_scan(hand_made([0.0, 0.0], [1, 0]), np.zeros(2, np.int64), ("zero",))
    assert (summary.mean, summary.shares.tolist()) == (0, [0])
    assert np.isnan(summary.fractions).all()


def test_equal_images_are_listed_by_position() -> None:
    rows = hand_made([0.25, 0.75, 0.25, 0.75, 0.5], [7, 5, 2, 1, 0])
    summary = summarise_scan(rows, np.zeros(8, np.int64), ("zero",), listed=4)
    assert summary.worst.tolist() == [1, 5, 0, 2]
    assert summary.typical.tolist() == [0, 1, 2, 5]


def test_equal_rows_give_equal_bytes(rows: ScanRows, images: xl.ImageSet) -> None:
    for write in (to_csv, to_parquet):
        assert write(scan_table(rows, images.labels)) == write(scan_table(rows, images.labels))
