"""A drawing of a network made from its own graph: boxes in the order of the pass, stages in rows, shortcuts as arcs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise

from explain_lib.passes.graph import GraphBlock, GraphNode, NetworkGraph

MOST_BOXES = 60
"""Of more, blocks that repeat the one before are drawn as a box each."""
ACROSS = 10
"""So many boxes stand side by side."""
FEW = 4
"""Rows of up to so many boxes share one."""
OPENED = 0.6
"""A block that holds more of the network than this is no stage of it."""
PITCH, WIDE, LINE, MARGIN, ARC, TITLE, GAP = 84, 72, 14, 24, 22, 16, 16
LETTERS = 11
"""So many letters have room in a box."""
JOINS = {"add": "+", "mul": "×", "cat": "concat"}


@dataclass(frozen=True)
class Box:
    """Steps of a network that are drawn as one. first: the number of the first. name: of the block that they are, if any."""

    first: int
    numbers: tuple[int, ...]
    name: str = ""


def draw_network(graph: NetworkGraph, layer: str, offered: Sequence[str], address: Callable[[str], str]) -> str:
    """The drawing as SVG, in which each layer on offer is a link.

    layer: the one that is marked. address: of the view that explains a layer.
    """
    boxes = _boxes(graph, layer)
    return _Drawing(graph, boxes, layer, frozenset(offered), address).svg()


# Section: boxes and rows


def _boxes(graph: NetworkGraph, layer: str) -> list[Box]:
    """A box for each step, together with normalisations and activation functions that nothing else stands before."""
    readers = [0] * len(graph.nodes)
    for node in graph.nodes:
        for source in node.sources:
            readers[source] += 1
    grouped: list[list[int]] = []
    of = dict[int, list[int]]()
    for number, node in enumerate(graph.nodes):
        before = of[node.sources[0]] if node.completes and len(node.sources) == 1 else None
        if before is not None and before[-1] == node.sources[0] != 0 and readers[node.sources[0]] == 1:
            before.append(number)
        else:
            before = [number]
            grouped.append(before)
        of[number] = before
    boxes = [Box(numbers[0], tuple(numbers)) for numbers in grouped]
    return boxes if len(boxes) <= MOST_BOXES else _folded(graph, boxes, layer)


def _folded(graph: NetworkGraph, boxes: list[Box], layer: str) -> list[Box]:
    """The boxes, where blocks that repeat another, but for that with the marked layer, are one box each."""
    seen = set[tuple[object, ...]]()
    folded = dict[int, GraphBlock]()
    for block in _outermost([one for one in graph.blocks if 3 <= one.end - one.first <= 20]):
        inside = graph.nodes[block.first : block.end]
        shape = tuple((node.kind, node.shape) for node in inside)
        if shape in seen and not any(layer in node.names for node in inside):
            folded |= dict.fromkeys(range(block.first, block.end), block)
        seen.add(shape)
    left = [tuple(number for number in box.numbers if number not in folded) for box in boxes]
    kept = [Box(numbers[0], numbers) for numbers in left if numbers]
    made = {block.name: Box(block.first, tuple(range(block.first, block.end)), block.name) for block in folded.values()}
    return sorted([*kept, *made.values()], key=lambda box: box.first)


def _outermost(blocks: Sequence[GraphBlock]) -> list[GraphBlock]:
    """The blocks that lie in none of the others, in the order of the pass."""
    found: list[GraphBlock] = []
    for block in sorted(blocks, key=lambda one: (one.first, -one.end)):
        if not found or block.first >= found[-1].end:
            found.append(block)
    return found


def _rows(graph: NetworkGraph, boxes: Sequence[Box]) -> list[tuple[str, list[Box]]]:
    """The boxes stage by stage, each row under the name of its stage, if it has one."""
    stages = _outermost([one for one in graph.blocks if one.end - one.first <= OPENED * len(graph.nodes)])

    def stage(box: Box) -> str:
        return next((one.name for one in stages if one.first <= box.first < one.end), "")

    rows: list[tuple[str, list[Box]]] = []
    for name, same in groupby(boxes, stage):
        held = list(same)
        if rows and len(held) <= FEW and len(rows[-1][1]) + len(held) <= ACROSS and (not name or len(rows[-1][1]) <= FEW):
            rows[-1] = ("" if rows[-1][0] != name else name, [*rows[-1][1], *held])
        else:
            rows += [(name, held[start : start + ACROSS]) for start in range(0, len(held), ACROSS)]
    return rows


# Section: SVG


@dataclass(frozen=True)
class _Place:
    """Where a box stands: its row, its left and top edge, and its height."""

    row: int
    x: int
    y: int
    high: int

    @property
    def middle(self) -> int:
        return self.y + LINE + 4


@dataclass(frozen=True)
class _Drawing:
    graph: NetworkGraph
    boxes: Sequence[Box]
    layer: str
    offered: frozenset[str]
    address: Callable[[str], str]

    def svg(self) -> str:
        rows, places, parts, top = _rows(self.graph, self.boxes), dict[int, _Place](), list[str](), 0
        for row, (name, boxes) in enumerate(rows):
            high = max(self._height(box) for box in boxes)
            above = (TITLE if name else 0) + (ARC if self._has_arcs(boxes) else 2)
            for column, box in enumerate(boxes):
                places[box.first] = _Place(row, MARGIN + column * PITCH, top + above, high)
            if name:
                parts.append(f'<text class="stage-name" x="{MARGIN}" y="{top + 13}">{escape(name)}</text>')
            top += above + high + GAP
        parts += self._edges(places) + self._turns(rows, places)
        for box in self.boxes:
            parts += self._box(box, places[box.first])
        wide = MARGIN + PITCH * max(len(boxes) for _, boxes in rows)
        joins = len(self.graph.joins)
        words = f"The network: {len(self.boxes)} boxes in {len(rows)} rows, {joins} of its operations join paths."
        size = f'width="{wide}" height="{top}" viewBox="0 0 {wide} {top}"'
        return f'<svg role="group" aria-label="{words}" {size}>{"".join(parts)}</svg>'

    def _has_arcs(self, boxes: Sequence[Box]) -> bool:
        """Whether a box of a row reads another than the one before it."""
        pairs = zip(boxes[1:], boxes, strict=False)
        return any(source not in before.numbers for box, before in pairs for source in self._read(box))

    def _read(self, box: Box) -> set[int]:
        return {source for node in self._nodes(box) for source in node.sources} - set(box.numbers)

    def _nodes(self, box: Box) -> list[GraphNode]:
        return [self.graph.nodes[number] for number in box.numbers]

    def _names(self, box: Box) -> list[str]:
        """The layers of a box; of a block the names of its output alone."""
        nodes = self._nodes(box)
        return [name for node in (nodes[-1:] if box.name else nodes) for name in node.names]

    def _height(self, box: Box) -> int:
        return LINE * (2 + len(self._names(box))) + 10

    def _box(self, box: Box, place: _Place) -> list[str]:
        nodes, names = self._nodes(box), self._names(box)
        inside = any(self.layer in node.names for node in nodes)
        kind = "block" if box.name else JOINS.get(nodes[0].kind, nodes[0].kind)
        look = "step" + (" join" if nodes[0].sources and not nodes[0].is_module else "") + (" hooked" if inside else "")
        parts = [f'<rect class="{look}" x="{place.x}" y="{place.y}" width="{WIDE}" height="{place.high}" rx="6"/>']
        parts.append(_text("kind", place, 0, "picture" if kind == "input" else kind, nodes[0].kind))
        parts += [self._name(name, place, line, nodes) for line, name in enumerate(names, start=1)]
        shape = " × ".join(map(str, nodes[-1].shape))
        last = (place.high - 10) // LINE - 1
        return [*parts, _text("shape", place, last, shape.replace(" ", "") if len(shape) > LETTERS + 2 else shape, shape)]

    def _name(self, name: str, place: _Place, line: int, nodes: Sequence[GraphNode]) -> str:
        if name not in self.offered:
            return _text("name", place, line, _short(name), name)
        node = next(one for one in nodes if name in one.names)
        words = f"{name}, {node.kind}, {' × '.join(map(str, node.shape))}"
        marked = name == self.layer
        back = (
            f'<rect class="mark" x="{place.x + 2}" y="{place.y + LINE * line + 4}" width="{WIDE - 4}" height="{LINE}" rx="3"/>'
        )
        current = ' aria-current="true"' if marked else ""
        link = f'<a href="{escape(self.address(name))}" data-layer="{escape(name)}" aria-label="{escape(words)}"{current}>'
        return f"{link}{back}{_text('name', place, line, _short(name), words)}</a>"

    def _edges(self, places: Mapping[int, _Place]) -> list[str]:
        of = {number: box.first for box in self.boxes for number in box.numbers}
        drawn = dict[tuple[int, int], None]()
        for number, node in enumerate(self.graph.nodes):
            drawn |= {(of[source], of[number]): None for source in node.sources if of[source] != of[number]}
        return [_edge(places[source], places[target]) for source, target in drawn]

    def _turns(self, rows: Sequence[tuple[str, list[Box]]], places: Mapping[int, _Place]) -> list[str]:
        """The way from the end of each row to the start of the next."""
        parts = []
        for (_, boxes), (_, following) in pairwise(rows):
            end, start = places[boxes[-1].first], places[following[0].first]
            below = end.y + end.high + GAP // 2
            x = end.x + WIDE // 2
            parts.append(f'<path class="edge" d="M{x} {end.y + end.high} V{below} H6 V{start.middle}"/>')
        return parts


def _edge(source: _Place, target: _Place) -> str:
    """A line to the box beside, an arc over those between; from the left edge where it comes from a row above."""
    if source.row != target.row:
        if target.x == MARGIN:
            return f'<path class="edge" d="M6 {target.middle} H{target.x}"/>'
        return _arc(6, target.middle, target)
    if target.x - source.x == PITCH:
        return f'<path class="edge" d="M{source.x + WIDE} {target.middle} H{target.x}"/>'
    return _arc(source.x + WIDE // 2, source.y, target)


def _arc(x: int, y: int, target: _Place) -> str:
    end, high = target.x + WIDE // 2, target.y - ARC
    return f'<path class="edge shortcut" d="M{x} {y} C{x} {high - 6} {end} {high - 6} {end} {target.y}"/>'


def _text(look: str, place: _Place, line: int, words: str, whole: str) -> str:
    x, y = place.x + WIDE // 2, place.y + LINE * (line + 1) + 1
    return f'<text class="{look}" x="{x}" y="{y}"><title>{escape(whole)}</title>{escape(_cut(words, look))}</text>'


def _cut(words: str, look: str) -> str:
    """What has room in a box: the end of a name, which tells it from others, the start of other words."""
    if len(words) <= LETTERS + 2:
        return words
    return f"…{words[-LETTERS:]}" if look == "name" else f"{words[:LETTERS]}…"


def _short(name: str) -> str:
    """The end of a layer's name, with the number of its block."""
    return ".".join(name.split(".")[-2:])
