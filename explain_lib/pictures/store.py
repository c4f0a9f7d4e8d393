"""Uploaded pictures, kept in memory as long as there is room and found by their SHA-256; their previews."""

import hashlib
import threading
from dataclasses import dataclass

from cachetools import LRUCache

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.frozen import Frozen
from explain_lib.pictures.bands import preview_picture
from explain_lib.pictures.files import fit_picture
from explain_lib.pictures.rendering import Picture

SMALL, LARGE = (128, 160), (444, 592)
"""The largest height and width of a preview: of one in a menu, and of one that a map is drawn over."""
STORE_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Preview(Frozen):
    """The size of a picture in pixels, and the picture reduced, if it is larger than the preview may be: uint8 (h, w, 3)."""

    height: int
    width: int
    preview: Picture


def preview_of(picture: Picture, most: tuple[int, int] = SMALL) -> Preview:
    """The preview of a picture uint8 (H, W, 3). most: its largest height and width, in pixels."""
    height, width = picture.shape[:2]
    share = min(1.0, most[0] / height, most[1] / width)
    size = max(1, round(height * share)), max(1, round(width * share))
    return Preview(height, width, fit_picture(picture, size, "stretch"))


class PictureStore:
    """Picture files within a limit of bytes; the least recently used goes first."""

    def __init__(self, max_bytes: int = STORE_BYTES) -> None:
        """max_bytes: the limit for all files together."""
        self._files: LRUCache[str, bytes] = LRUCache(max_bytes, getsizeof=len)
        self._lock = threading.Lock()

    def keep(self, content: bytes) -> str:
        """Keep a file, and return its SHA-256 in hex.

        Raises what read_picture raises for a file that is not a picture, and InputError for one larger than the store.
        """
        preview_picture(content)
        room = int(self._files.maxsize)
        if len(content) > room:
            raise InputError(f"picture: the file has {len(content):,} bytes; at most {room:,} would be right")
        digest = hashlib.sha256(content).hexdigest()
        with self._lock:
            self._files[digest] = content
        return digest

    def find(self, digest: str) -> bytes:
        """The file with that SHA-256. Raises DataError if it is no longer kept, or never was."""
        with self._lock:
            content = self._files.get(digest)
        if content is None:
            raise DataError(
                f"picture: the one with the SHA-256 {digest[:12]}… is not, or no longer, kept here; upload the file again"
            )
        return content

    def holds(self, digest: str) -> bool:
        """Whether the file with that SHA-256 is kept."""
        with self._lock:
            return digest in self._files
