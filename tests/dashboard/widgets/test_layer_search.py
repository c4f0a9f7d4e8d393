"""Lists of layers: typing a layer's whole name finds that layer first, as Streamlit's own filters find."""

import own_networks
import pytest
from opened_page import open_folded
from sample_networks import model_of
from torch import nn
from torchvision.models import resnet50

from dashboard.view.captions import layer_words
from dashboard.widgets.pickers import layer_search


def ten_convolutions() -> nn.Sequential:
    convolutions = [nn.Conv2d(3, 3, 1) for _ in range(12)]
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("network", "classes", "mode"),
    [(lambda: resnet50(num_classes=2), 2, "contains"), (ten_convolutions, 2, "prefix"), (own_networks.make, 5, "prefix")],
)
def test_a_typed_name_finds_its_layer_first(network: type[nn.Module], classes: int, mode: str) -> None:
    words = layer_words(model_of(network(), classes, side=32))
    names, search = layer_search(words)
    assert search == mode
    assert sorted(names) == sorted(words)
    for typed in words:
        matches = [name for name in names if typed in words[name]]
        started = [name for name in names if words[name].startswith(typed)]
        assert (matches if mode == "contains" else started)[0] == typed


def test_ends_of_stages_stay_in_front_where_no_name_begins_another() -> None:
    words = {"head": "head · stage end", "body.1": "body.1 · stage end", "body": "body", "stem": "stem"}
    assert layer_search(words)[0] == ["head", "body", "body.1", "stem"]


def test_no_entry_for_all_matches_stands_before_them() -> None:
    app = open_folded("disagreement", a="manual;layers=conv2")
    lists = [shown.proto for shown in app.multiselect if shown.label.startswith("Layers of")]
    assert lists
    assert all(one.select_all == 0 for one in lists)
