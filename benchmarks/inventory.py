"""What is on the dashboard's pages, read from them and kept as files for a bare page to show."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.bare.items import Item, leaves
from benchmarks.chromium import Tab

ITEMS = (Path(__file__).parent / "page_items.js").read_text()
FETCH = """async address => {
  const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
  let text = ""; bytes.forEach(byte => { text += String.fromCharCode(byte); });
  return btoa(text);
}"""


@dataclass(frozen=True)
class Inventory:
    """A folder with pictures, and the file that says which page shows what."""

    folder: Path
    variants: int
    """How many different pictures stand in for each picture that an operation changes."""

    @property
    def file(self) -> Path:
        return self.folder / "pages.json"

    def write(self, pages: dict[str, list[list[Item]]]) -> None:
        """Keep the pages, each as the items before and after an operation."""
        self.file.write_text(json.dumps({"variants": self.variants, "pages": pages}))

    def read_page(self, tab: Tab) -> list[Item]:
        """The items of the page that the tab shows; its pictures become files."""
        items: list[Item] = tab.page.evaluate(ITEMS)
        for item in leaves(items):
            if item["kind"] in {"picture", "grid"}:
                self._keep(item, base64.b64decode(tab.page.evaluate(FETCH, item.pop("address"))))
        return items

    def _keep(self, item: Item, file: bytes) -> None:
        item["file"] = item["identity"] = hashlib.sha256(file).hexdigest()[:16]
        (self.folder / item["file"]).write_bytes(file)

    def mark_changes(self, faces: list[list[Item]]) -> list[list[Item]]:
        """The faces of a page; pictures and charts that only one of them has are marked, and get their variants."""
        seen = Counter(name for face in faces for name in {item.get("identity") for item in leaves(face)})
        for item in (item for face in faces for item in leaves(face) if "identity" in item):
            item["changes"] = seen[item["identity"]] < len(faces)
            if item["changes"] and item["kind"] == "picture":
                self._make_variants(item["file"])
        return faces

    def _make_variants(self, name: str) -> None:
        pixels = np.asarray(Image.open(self.folder / name))
        for number in range(self.variants):
            shift = (number + 1) * pixels.shape[0] // (self.variants + 2)
            file = BytesIO()
            Image.fromarray(np.roll(pixels, shift, axis=0)).save(file, "PNG")
            (self.folder / f"{name}-{number}").write_bytes(file.getvalue())


def counts(items: Sequence[Item]) -> str:
    """How many there are of each kind, as words."""
    found = Counter("thumbnails" if item["kind"] == "grid" else item["kind"] for item in leaves(items))
    return ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()))
