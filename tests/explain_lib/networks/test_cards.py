"""Cards: JSON beside a checkpoint."""

import json
from pathlib import Path

import pytest

import explain_lib as xl
from explain_lib.loading.bundled import find_checkpoint
from explain_lib.networks.cards import file_digest, read_card, write_card


@pytest.fixture
def card() -> xl.ModelCard:
    return read_card(find_checkpoint("captum-tutorial").card_file)


def test_a_card_comes_back_as_it_was_written(card: xl.ModelCard, tmp_path: Path) -> None:
    write_card(card, tmp_path / "card.json")
    assert read_card(tmp_path / "card.json") == card
    assert isinstance(card.classes, tuple)


def test_the_captum_card_names_source_and_licence(card: xl.ModelCard) -> None:
    assert card.licence.startswith("BSD-3-Clause")
    assert card.source.startswith("captum 0.5.0")
    assert "BSD 3-Clause License" in find_checkpoint("captum-tutorial").checkpoint_file.with_suffix(".LICENSE").read_text()


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"name": "x"}', b"{", b"\xff"])
def test_a_damaged_card_is_refused_by_its_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(xl.DataError, match=r"the card .*card\.json"):
        read_card(tmp_path / "card.json")


def test_a_card_with_a_field_too_many_is_refused(card: xl.ModelCard, tmp_path: Path) -> None:
    write_card(card, tmp_path / "card.json")
    content = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps({**content, "colour": "red"}))
    with pytest.raises(xl.DataError, match=r"does not hold exactly the fields accuracy, architecture"):
        read_card(tmp_path / "card.json")


def test_a_file_has_its_sha256_as_digest(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert file_digest(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(xl.DataError, match=r"gone cannot be read \(No such file or directory\)"):
        file_digest(tmp_path / "gone")
