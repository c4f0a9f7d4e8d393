"""The graph of a network: what each module reads, and where paths join, on networks whose code says so."""

from collections.abc import Callable

import own_networks
import pytest
import torch
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.passes.graph import NetworkGraph

SIDE = 8


class Made(nn.Module):
    """Two convolutions and a forward pass that a test gives."""

    def __init__(self, way: "Callable[[Made, Tensor], Tensor]") -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.act, self.fc, self.way = nn.ReLU(inplace=True), nn.Linear(4, 2), way

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc(self.way(self, x).mean((2, 3)))
        return found


def graph_of(network: nn.Module, side: int = SIDE) -> NetworkGraph:
    return xl.as_model(network, mean=(0.5,) * 3, std=(0.5,) * 3, input_size=(side, side)).graph


def told(graph: NetworkGraph) -> list[tuple[str, tuple[str, ...]]]:
    """Each step by its first name or its kind, and those that it reads."""
    names = [node.names[0] if node.is_module else node.kind for node in graph.nodes]
    return [(name, tuple(names[source] for source in node.sources)) for name, node in zip(names, graph.nodes, strict=True)]


def in_place(net: Made, x: Tensor) -> Tensor:
    kept = net.one(x)
    found: Tensor = net.two(kept)
    found += kept
    return net.act(found)


def through_a_view(net: Made, x: Tensor) -> Tensor:
    kept = net.one(x)
    found: Tensor = net.two(kept)
    found[:, :2] += kept[:, :2]
    return found


def concatenated(net: Made, x: Tensor) -> Tensor:
    kept = net.one(x)
    return torch.cat([kept, net.two(kept)], 1)[:, :4]


def functional(net: Made, x: Tensor) -> Tensor:
    kept = net.one(x).relu()
    return net.two(kept + kept.sigmoid())


@pytest.mark.parametrize(
    ("way", "middle"),
    [
        (in_place, [("two", ("one",)), ("add", ("two", "one")), ("act", ("add",)), ("fc", ("act",))]),
        (through_a_view, [("two", ("one",)), ("add", ("two", "one")), ("fc", ("add",))]),
        (concatenated, [("two", ("one",)), ("cat", ("one", "two")), ("fc", ("cat",))]),
        (functional, [("two", ("one",)), ("fc", ("two",))]),
    ],
)
def test_each_step_reads_what_the_code_says(
    way: Callable[[Made, Tensor], Tensor], middle: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert told(graph_of(Made(way))) == [("input", ()), ("one", ("input",)), *middle]


def test_an_in_place_layer_is_a_step_and_a_view_takes_nothing_from_what_it_shows() -> None:
    def way(net: Made, x: Tensor) -> Tensor:
        kept = net.one(x)
        return net.two(kept) + nn.functional.dropout(kept.view_as(kept), 0.5, training=False)

    assert told(graph_of(Made(way)))[2:4] == [("two", ("one",)), ("add", ("two", "one"))]


def test_resnet20_has_nine_additions_of_a_block_and_its_shortcut() -> None:
    graph = xl.load_model("resnet20").graph
    joined = [(graph.nodes[number].kind, told(graph)[number][1]) for number in graph.joins]
    before = ["relu1", *(f"layer{stage}.{block}.relu2" for stage in (1, 2, 3) for block in (0, 1, 2))]
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1, 2)]
    pooled = {"layer2.0", "layer3.0"}  # the grid changes there, so that the shortcut is a layer of its own
    assert joined == [
        ("add", (f"{block}.bn2", f"{block}.shortcut" if block in pooled else kept))
        for block, kept in zip(blocks, before, strict=False)
    ]
    held = {block.name: graph.nodes[block.first : block.end] for block in graph.blocks}
    assert set(held) == {*blocks, "layer1", "layer2", "layer3"}
    assert [sum(node.kind == "Conv2d" for node in held[block]) for block in blocks] == [2] * 9


@pytest.mark.parametrize("made", [own_networks.transformer, own_networks.windowed])
def test_each_layer_of_a_transformer_stands_at_one_step_and_each_block_has_two_shortcuts(made: Callable[[], nn.Module]) -> None:
    model = xl.as_model(made(), mean=(0.5,) * 3, std=(0.5,) * 3, input_size=(32, 32))
    names = [name for node in model.graph.nodes for name in node.names]
    assert sorted(names) == sorted(layer.name for layer in model.layers)
    assert len(model.graph.joins) == 2 * (2 if made is own_networks.transformer else 4)
    shapes = {name: node.shape for node in model.graph.nodes for name in node.names}
    assert {layer.name: layer.shape for layer in model.layers if layer.name in model.spatial_layers} == {
        name: shapes[name] for name in model.spatial_layers
    }
