"""A file that is written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from explain_lib.errors import DataError


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file by the content; whoever reads it meanwhile sees the old one or the new one.

    Raises DataError if it cannot be written; then nothing of it is left, and the old one is as it was.
    """
    new = path.with_name(path.name + ".new.part")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error}); name another file, or make room") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
