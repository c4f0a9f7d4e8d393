"""The command "replay": a view computed anew from its ZIP file, and compared bit for bit."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from explain_lib.base.errors import DataError
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.loading.own import load_own_model
from explain_lib.networks.model import Model
from explain_lib.take_home.replay import Replayed, as_many_threads, keys_of, missing_models, other_versions, replay
from explain_lib.take_home.view_file import ARRAYS, SETTINGS, ViewFile, read_view_file
from explain_lib.work.cache import ExplainCache

NARROW = 44


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a ZIP file of the dashboard's “Everything (ZIP)”")
    parser.add_argument("--only", metavar="KEY", nargs="+", help="only these computations, by the first word of their arrays")
    own = "architecture of a model that is not bundled: resnet18, package.module:factory"
    parser.add_argument("--model", metavar="ARCHITECTURE", help=own)
    parser.add_argument("--weights", metavar="FILE", help="its weights, .pt or .safetensors, or DEFAULT for torchvision's")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Compute the view anew; print which arrays are identical, and which other parts were changed.

    Returns 0 if all arrays are identical and nothing else was changed since the file was written, else 1.

    Raises DataError for a file that is not a view, and what load_own_model raises.
    """
    view = _chosen(read_view_file(options.file), options.only)
    as_many_threads(view)
    print(_head(view))
    cache = ExplainCache(device=options.device)
    own = _own_model(view, options)
    found: list[Replayed] = []
    try:
        with _watched() as progress:
            for one in replay(view, cache, own, progress):
                found.append(one)
                tqdm.write(_line(one))
    except KeyboardInterrupt:
        print(f"explain_lib: stopped after {len(found):,} arrays", file=sys.stderr)
        return INTERRUPTED
    print("\n".join([verdict(found, view), *about_the_rest(view)]))
    return 1 if any(one.fault for one in found) or not found or view.changed else 0


def _chosen(view: ViewFile, only: list[str] | None) -> ViewFile:
    """The view with only the computations of these keys."""
    if only is None:
        return view
    known = [one.key for one in view.computations]
    unknown = [key for key in only if key not in known]
    if unknown:
        raise DataError(f"only: there is no {', '.join(unknown)} in the file; it has {', '.join(known) or 'nothing'}")
    kept = tuple(one for one in view.computations if one.key in only)
    arrays = {key: view.arrays[key] for one in kept for key in keys_of(one, view.arrays)}
    return replace(view, computations=kept, arrays=arrays)


def _own_model(view: ViewFile, options: argparse.Namespace) -> Model | None:
    """The model that the options name, with input size, mean, deviation and classes from the file."""
    if options.model is None:
        return None
    names = missing_models(view)
    said: Mapping[str, object] = view.models.get(names[0], {}) if names else {}
    given = {name: _tuple(said.get(name)) for name in ("classes", "input_size", "mean", "std")}
    load: Callable[..., Model] = load_own_model
    return load(options.model, options.weights, device=options.device, **given)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else None


@contextmanager
def _watched() -> Iterator[Callable[[int, int], None]]:
    """A function that shows the progress of long computations as a bar."""
    with tqdm(unit="image", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def _head(view: ViewFile) -> str:
    """The page of the file, the versions that differ here, and its notes on what cannot be computed anew."""
    lines = [f"{view.settings.get('page', 'A view')}: {view.settings.get('link', '')}"]
    for name, (there, here) in other_versions(view).items():
        lines.append(
            f"Note: {name} is {here} here, and was {there} when the file was written; numbers may differ in their last digits."
        )
    notes = view.settings.get("notes")
    lines += [f"Note: {note}" for note in notes] if isinstance(notes, list) else []
    return "\n".join(_printable(line) for line in lines)


def _line(one: Replayed) -> str:
    what = "" if one.array is None else f"{one.array.dtype} {'×'.join(map(str, one.array.shape)) or 'number'}"
    return _printable(f"{one.key:{NARROW}} {what:22} {one.fault or 'identical'}")


def _printable(line: str) -> str:
    """The line without control characters, since the file is from outside."""
    return "".join(sign if sign.isprintable() else "�" for sign in line)


def verdict(found: list[Replayed], view: ViewFile) -> str:
    """The outcome in a sentence."""
    broken = [one for one in found if one.fault]
    if not found:
        return "Nothing in the file can be computed again."
    if not broken:
        return f"All {len(found):,} arrays are identical, bit for bit."
    why = " The versions noted above may be the reason." if other_versions(view) else ""
    return f"NOT identical: {len(broken):,} of {len(found):,}, {_names(broken)}.{why}"


def about_the_rest(view: ViewFile) -> list[str]:
    """The parts that were not computed again, and which of them were changed since the file was written."""
    compared = f"Compared: the arrays of {ARRAYS} with those computed here."
    rest = f"Pictures, slide, page/, address and what {SETTINGS} says were not computed again"
    if view.changed is None:
        return [f"{compared} {rest}, and the file has no record of them: it is unknown whether they were changed."]
    if not view.changed:
        return [f"{compared} {rest}; all are unchanged, by the SHA-256 of each in {SETTINGS}."]
    lines = [_printable(f"{name:{NARROW}} {what} after the file was written") for name, what in view.changed.items()]
    count = "1 part was" if len(lines) == 1 else f"{len(lines):,} parts were"
    return [f"{compared} {rest}; {count} CHANGED since, by the SHA-256 of each in {SETTINGS}:", *lines]


def _names(broken: list[Replayed]) -> str:
    names = [_printable(one.key) for one in broken[:3]]
    return ", ".join(names) + (f" and {len(broken) - 3:,} more" if len(broken) > 3 else "")
