"""Where the server and the libraries under it write: in one folder, and nowhere else."""

import os
import tempfile

from dashboard.server_options import is_server, server_options
from explain_lib.cache_folder import cache_folder

_VARIABLES = {"MPLCONFIGDIR": "matplotlib", "TORCHINDUCTOR_CACHE_DIR": "torch", "TORCH_HOME": "downloads"}
"""What Matplotlib and PyTorch, on being imported for the package grad-cam, make in the home and in /tmp otherwise; and where
torchvision puts weights that it downloads.
"""


def keep_files() -> None:
    """Send what this process writes into the server's cache folder, temporary files too, such as uploads on their way.

    To be called before a page imports what it needs. Other programs, such as tests, keep their own places.
    Raises InputError for a folder that cannot be written to.
    """
    if not is_server():
        return
    folder = cache_folder(server_options().cache)
    for variable, name in _VARIABLES.items():
        os.environ.setdefault(variable, str(folder / name))
    temporary = folder / "temporary"
    temporary.mkdir(mode=0o700, exist_ok=True)
    tempfile.tempdir = str(temporary)
