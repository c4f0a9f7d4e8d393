"""A view as one ZIP file: pictures, raw maps, the request of each, and Python that computes them anew."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict

import torch

import explain_lib as xl
from dashboard.view.captions import target_caption
from dashboard.view.page_files import PageFiles
from dashboard.view.record import ShownPicture, ViewRecord
from dashboard.view.scene import Scene
from explain_lib.base.devices import spare_cores
from explain_lib.base.run_context import recording
from explain_lib.loading.bundled import REGISTRY
from explain_lib.passes.tasks import name_with_task, split_task
from explain_lib.take_home.json_form import Json
from explain_lib.take_home.notes import Recorder
from explain_lib.take_home.replay import versions
from explain_lib.take_home.script import reproduce_script
from explain_lib.take_home.slide import Slide, draw_slide
from explain_lib.take_home.view_content import ViewContent, view_content
from explain_lib.take_home.view_file import ARRAYS, FORMAT, PICTURES, SETTINGS, VERSION, array_mark, arrays_file, packed, sealed

LONGEST_NAME = 80


def view_zip(
    scene: Scene, page: str, address: str, record: ViewRecord, slide: Callable[[], Slide], files: PageFiles | None
) -> bytes:
    """The file. Arrays are from the cache, or computed anew, which gives the same bits; the same view gives the same bytes."""
    spare_cores()  # as while pages are drawn: with other threads, what is no longer kept would be rounded otherwise
    with scene.cache.running(), recording(Recorder()) as own:
        drawn = slide()
    notes = (*record.recorder.notes, *own.notes)
    content = view_content(notes, scene.cache, lambda model: _name_of(model, scene))
    content.notes += _left_out(record)
    calls = {name: scene.load_call(name) for name in content.models}
    digests = {name: model.digest for name, model in content.models.items()}
    parts = {
        ARRAYS: arrays_file(content.arrays),
        "reproduce.py": reproduce_script(content.computations, calls, digests, torch.get_num_threads()).encode(),
        "slide.png": draw_slide(drawn, "png"),
        "slide.svg": draw_slide(drawn, "svg"),
    }
    if content.depot.arrays:
        parts[PICTURES] = arrays_file(content.depot.arrays)
    if files is not None:
        parts |= {
            "page/maps.npz": files.arrays_file(),
            "page/settings.json": files.settings_file(),
            "page/view.py": files.snippet().encode(),
            "page/picture.png": files.picture(),
        }
    said = {"README.txt": _readme(scene, address, content).encode(), "address.txt": f"{address}\n".encode()}
    parts |= _pictures(record.pictures)
    settings = sealed(_settings(scene, page, address, content, files), said | parts)
    return packed(said | {SETTINGS: (json.dumps(settings, indent=1) + "\n").encode()} | parts)


def _name_of(model: xl.Model, scene: Scene) -> str:
    """The name of a model that the view shows. Raises InputError for one that is no longer kept."""
    if model.card is not None:
        return name_with_task(model.card.name, None if model.task == "softmax" else model.task)
    for name in (scene.view.model, scene.view.other_model):
        known = scene.cache.own_models.known(name)
        if known is not None and known.model is model:
            return name
        if known is not None and known.model.with_task(model.task) is model:
            return name_with_task(name, model.task)
    if model is scene.model:
        return scene.view.model
    raise xl.InputError("model: the network is no longer kept here")


def _left_out(record: ViewRecord) -> list[str]:
    counts = {"pictures": record.left_out, "computations": record.recorder.left_out}
    return [f"{count:,} {what} of this page are left out: there are too many." for what, count in counts.items() if count]


def _settings(scene: Scene, page: str, address: str, content: ViewContent, files: PageFiles | None) -> Json:
    view, target = scene.view, scene.target
    said = scene.said(view.image)
    return {
        "format": FORMAT,
        "version": VERSION,
        "page": page,
        "link": address,
        "address": view.to_query(),
        "image": {"number": None if scene.is_own else view.image, "words": scene.name, "true": scene.true_class(view.image)},
        "model": view.model,
        "models_of_the_arrays": list(content.models),
        "task": {"name": scene.model.task, "decided": scene.model.task_source},
        "predicted": {"class": scene.model.classes[said.predicted], scene.task_words.value: said.confidence},
        "target": target.to_json() | {"class": scene.model.classes[target.index], "words": target_caption(scene)},
        "view": {name: _plain(value) for name, value in vars(view).items()},
        "details": None if files is None else json.loads(files.settings_file()),
        "versions": versions(),
        "threads": torch.get_num_threads(),
        "models": {name: _described(name, model, scene) for name, model in content.models.items()},
        "computations": [asdict(one) for one in content.computations],
        "arrays": {
            key: {"sha256": array_mark(array), "dtype": str(array.dtype), "shape": list(array.shape)}
            for key, array in content.arrays.items()
        },
        "notes": content.notes,
    }


def _plain(value: object) -> object:
    return value.to_text() if isinstance(value, xl.Configuration) else value


def _described(name: str, model: xl.Model, scene: Scene) -> Mapping[str, object]:
    usual, _ = split_task(name)
    own, chosen = scene.cache.own_models.known(usual), model.outputs.chosen
    return {
        "digest": model.digest,
        "bundled": usual in REGISTRY,
        "task": model.task,
        "output": chosen if chosen is None or isinstance(chosen, str | int) else "a function",
        "architecture": None if own is None else own.architecture,
        "weights": None if own is None else own.weights,
        "input_size": model.given_size,
        "mean": model.mean,
        "std": model.std,
        "classes": model.classes,
        "device": model.device.type,
    }


def _readme(scene: Scene, address: str, content: ViewContent) -> str:
    lines = [
        "A view of the Grad-CAM dashboard.",
        f"Address: {address}",
        "",
        "pictures/      what the page shows, as PNG without loss; charts are numbers in maps.npz",
        "slide.png/svg  one picture of it for a slide, with a caption",
        f"{ARRAYS}       the raw arrays behind it; {len(content.arrays):,} of them",
        f"{SETTINGS}  address, model with digest, target, versions, and what each array was computed from",
        "reproduce.py   Python that computes the arrays anew",
        "",
        "Whether they come out identical elsewhere: python -m explain_lib replay FILE, with this ZIP file.",
        f"It also says whether any other part was changed since: {SETTINGS} has the SHA-256 of each. That finds what was",
        "changed by accident or by hand, not what somebody forged.",
        *_whose(scene.model_name, content),
        *(f"Note: {note}" for note in content.notes),
    ]
    return "\n".join(lines) + "\n"


def _whose(model: str, content: ViewContent) -> list[str]:
    """The models of the arrays, where these are not all of the view's model."""
    if set(content.models) <= {model}:
        return []
    names = ", ".join(content.models)
    return [
        f"The arrays are of {names}; the view's model, of which “predicted” and “target” in {SETTINGS} are, is {model}.",
        f"Of which model each array is, its computation in {SETTINGS} says.",
    ]


def _pictures(shown: tuple[ShownPicture, ...]) -> dict[str, bytes]:
    """The PNG files by readable names, in the order of the page; one that is shown twice is there once."""
    files: dict[str, bytes] = {}
    for picture in shown:
        content = picture.file()
        if content not in files.values():
            files[f"pictures/{len(files) + 1:02d}-{_file_name(picture)}.png"] = content
    return files


def _file_name(picture: ShownPicture) -> str:
    """The beginning of the alternative text, which says what it is; what it shows comes behind."""
    what = re.split(r"; |: \d+ by \d+ cells", picture.alt or picture.caption)[0]
    words = re.sub(r"[^a-z0-9.]+", "-", what.lower()).strip("-.")
    return words[:LONGEST_NAME].strip("-.") or "picture"
