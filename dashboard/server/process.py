"""The settings of the server's process: garbage, threads, and the one folder in which it writes."""

import gc
import os
import sys
import tempfile
from functools import lru_cache

from dashboard.view.server_options import is_server, server_options
from explain_lib.base.files import cache_folder


def pass_over_modules() -> None:
    """Let collections pass over all that lives now, if modules were imported since the last call.

    PyTorch and its like leave half a million objects that stay for good, and looking at them takes 0.2 s a run.
    """
    _freeze(len(sys.modules))


@lru_cache(maxsize=1)
def _freeze(modules: int) -> None:
    """Once for each number of modules. What is garbage already is collected first, so that nothing of it stays."""
    del modules
    gc.collect()
    gc.freeze()


TURN = 0.0005
"""The seconds that a thread may keep the others from Python: a tenth of the default. With 40 people on two cores, 95 % of the
changes of a layer took half as long.
"""


def take_short_turns() -> None:
    """Let threads change places more often: whoever computes costs those who only draw a page less at each message sent."""
    if sys.getswitchinterval() > TURN * 1.001:
        sys.setswitchinterval(TURN)


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
