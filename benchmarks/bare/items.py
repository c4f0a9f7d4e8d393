"""The items of a page: what is shown, and the rows, columns and folds that it is in."""

from collections.abc import Iterator, Sequence
from typing import Any

Item = dict[str, Any]


def leaves(items: Sequence[Item]) -> Iterator[Item]:
    """Everything that is shown, without what it is in."""
    for item in items:
        if "items" in item:
            yield from leaves(item["items"])
        else:
            yield item
