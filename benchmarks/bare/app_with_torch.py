"""The bare pages in a script that imports PyTorch and the package grad-cam, as a page that explains has to."""

import runpy
from pathlib import Path

import pytorch_grad_cam  # noqa: F401  its cost is what this script adds
import torch  # noqa: F401  its cost too

runpy.run_path(str(Path(__file__).with_name("app.py")), run_name="__main__")
