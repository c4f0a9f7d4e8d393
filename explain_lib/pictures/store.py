"""Pictures that visitors sent: in memory only, as long as there is room, found again by their SHA-256."""

import hashlib
import threading
from dataclasses import dataclass

from cachetools import LRUCache

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.frozen import Frozen
from explain_lib.pictures.files import fit_picture, read_picture
from explain_lib.pictures.rendering import Picture

PREVIEW_HEIGHT, PREVIEW_WIDTH = 128, 160
STORE_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Preview(Frozen):
    """A picture's size in pixels, and itself reduced to at most 128 pixels of height and 160 of width: uint8 (h, w, 3)."""

    height: int
    width: int
    preview: Picture


def preview_of(picture: Picture) -> Preview:
    """The preview of a picture uint8 (H, W, 3)."""
    height, width = picture.shape[:2]
    share = min(1.0, PREVIEW_HEIGHT / height, PREVIEW_WIDTH / width)
    size = max(1, round(height * share)), max(1, round(width * share))
    return Preview(height, width, fit_picture(picture, size, "stretch"))


class PictureStore:
    """Files of pictures, bounded by their bytes: the one that nobody has asked for the longest goes first."""

    def __init__(self, max_bytes: int = STORE_BYTES) -> None:
        """max_bytes: of all files together."""
        self._files: LRUCache[str, bytes] = LRUCache(max_bytes, getsizeof=len)
        self._lock = threading.Lock()

    def keep(self, content: bytes) -> str:
        """Keep a file, and give its SHA-256 in hex.

        Raises as read_picture does for what is no picture, and InputError for what is larger than there is room for.
        """
        read_picture(content)
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
                f"picture: the one with the SHA-256 {digest[:12]}… is not kept here, or no longer; upload the file once more"
            )
        return content

    def holds(self, digest: str) -> bool:
        """Whether the file with that SHA-256 is kept."""
        with self._lock:
            return digest in self._files

    @property
    def bytes(self) -> int:
        """Bytes held now."""
        with self._lock:
            return int(self._files.currsize)
