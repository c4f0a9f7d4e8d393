"""The code that makes the Grad-CAM map of one layer with four programs: explain_lib, grad-cam, torch-cam and Captum.

All four set `values`, the same map up to rounding: float32 (h, w), equation 2 of arXiv 1610.02391, in the unit of the score and
not scaled. So the programs' own scaling, enlarging and squaring are left out.
"""

from dataclasses import dataclass

from explain_lib.networks.model import Model
from explain_lib.passes.tasks import is_by_place
from explain_lib.passes.tracing import LayerTrace
from explain_lib.take_home.snippet import Explained

_SETUP = """import numpy as np
import explain_lib as xl

model = {model}
{pixels}network = model.network.eval()  # yours, and below its normalised input (1, C, H, W)
batch = model.to_input(pixels[{image}:{after}]).requires_grad_()
"""
_OURS = """values = xl.grad_cam(model, pixels[{image}:{after}], {layer!r}, {index})[{layer!r}].map[0]
"""
_IN_PLACE = """for module in network.modules():  # what follows the layer writes over its output, and the program would see that
    if getattr(module, "inplace", False):
        module.inplace = False
"""
_PACKAGE = """{in_place}from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

layer, targets = network.get_submodule({layer!r}), [ClassifierOutputTarget({index})]
with GradCAM(network, [layer]) as cam:
    cam(batch, targets)  # scaled to [0, 1] and enlarged; the lines below take the map before that
    seen = cam.activations_and_grads
    activations, gradients = seen.activations[0].numpy(), seen.gradients[0].numpy()
    values = np.maximum(cam.get_cam_image(batch, layer, targets, activations, gradients)[0], 0)
"""
_TORCH_CAM = """{in_place}from torchcam.methods import GradCAM

with GradCAM(network, {layer!r}) as extractor:
    scores = network(batch)
    values = extractor({index}, scores, normalized=False)[0][0].detach().numpy()
"""
_CAPTUM = """from captum.attr import LayerGradCam

method = LayerGradCam(network, network.get_submodule({layer!r}))
values = method.attribute(batch, target={index}, relu_attributions=True)[0, 0].detach().numpy()
"""
PROGRAMS = {"explain_lib": _OURS, "grad-cam": _PACKAGE, "torch-cam": _TORCH_CAM, "Captum": _CAPTUM}


@dataclass(frozen=True)
class HookSnippet:
    """The code for one program, after the setup. code: None where the program cannot make this map; `why` says it then."""

    program: str
    code: str | None
    why: str = ""


@dataclass(frozen=True)
class HookSnippets:
    """The code of one map. setup: sets model, pixels, network and batch. programs: one for each of PROGRAMS, in that order."""

    setup: str
    programs: tuple[HookSnippet, ...]


def hook_snippets(model: Model, layer: str, explained: Explained) -> HookSnippets:
    """The code of the map of a layer, for a class's score. Raises LayerError for an unknown layer."""
    (trace,) = model.find_layers(layer)
    why = _why_not(model, trace)
    asked = {"layer": layer, "image": explained.image, "after": explained.image + 1, "index": explained.target.index}
    asked["in_place"] = _IN_PLACE if trace.overwritten else ""
    setup = _SETUP.format(model=explained.model, pixels=explained.pixels, **asked)
    made = []
    for program, body in PROGRAMS.items():
        if why and program != "explain_lib":
            made.append(HookSnippet(program, None, f"{program} cannot make this map: {why}."))
        else:
            made.append(HookSnippet(program, body.format(**asked)))
    return HookSnippets(setup, tuple(made))


def _why_not(model: Model, layer: LayerTrace) -> str:
    """The reason why other programs cannot make the map of a layer; empty if they can."""
    if "#" in layer.name:
        return f"{layer.module} is called several times in a pass, and hooks of other programs cannot tell the calls apart"
    if layer.in_tuple:
        return f"{layer.name} gives several tensors"
    if layer.layout is None or not layer.layout.is_plain:
        return f"{layer.name} gives tokens or other axes than (N, C, h, w)"
    if model.task == "binary" or is_by_place(model.task) or model.outputs.chosen is not None or model.outputs.note:
        return "the network's output is not one tensor (N, classes)"
    return ""
