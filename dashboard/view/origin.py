"""What an address says of the weights and files that are the server's own, so that a link shows the same or says what differs.

Names alone would not do: another server, or this one next week, may have other weights under the same name. Bundled models and
pictures need no such words, and what visitors sent is named by its digest anyhow.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.view.picture_sets import FolderImages, server_set
from dashboard.view.server_options import server_cache
from dashboard.view.view import FOLDER, View
from explain_lib import ExplainCache
from explain_lib.base.words import one_line

DIGITS = 12
_MODELS = {"weights": "model", "weights2": "other_model"}
_FILES = "files"


def address_query(view: View) -> dict[str, str]:
    """The query of the view's address: the view, and what it shows of the server's own."""
    return view.to_query() | _named(view, server_cache())


def _named(view: View, cache: ExplainCache) -> dict[str, str]:
    """The digests of the server's own models, as far as they are loaded, and of its folder, under their keys."""
    shown = _MODELS if view.beside == "model" else {"weights": "model"}
    found = {key: _weights(getattr(view, field), cache) for key, field in shown.items()} | {_FILES: _files(view, cache)}
    return {key: value for key, value in found.items() if value is not None}


def _weights(name: str, cache: ExplainCache) -> str | None:
    own = cache.own_models.known(name) if name in cache.own_models.names else None
    return None if own is None else own.model.digest[:DIGITS]


def _files(view: View, cache: ExplainCache) -> str | None:
    shown = server_set(cache) if view.pictures in (None, FOLDER) else None
    return f"{len(shown.folder)}-{shown.folder.digest[:DIGITS]}" if isinstance(shown, FolderImages) else None


@dataclass(frozen=True)
class Origin:
    """What an address says of the weights and files with which it was made, by key."""

    said: Mapping[str, str]

    def differences(self, view: View, cache: ExplainCache) -> tuple[str, ...]:
        """A sentence on each of them that is another one here; own models of the server are loaded for it.

        view: that of the address, fitted to what the server has. Raises what loading a model raises.
        """
        for field in (field for key, field in _MODELS.items() if key in self.said):
            name = getattr(view, field)
            if name in cache.own_models.names:
                cache.model(name)
        here = _named(view, cache)
        notes = []
        for key, said in self.said.items():
            if here.get(key) != said and (key == _FILES or key in here):
                notes.append(f"{key}={one_line(said, 40)}: {_why(key, said, here.get(key), view)}.")
        return tuple(notes)


def _why(key: str, said: str, here: str | None, view: View) -> str:
    if key in _MODELS:
        name = getattr(view, _MODELS[key])
        return f"the address was made with {name} with other weights or another input than on this server, so maps differ"
    if here is None:
        return "the address was made with a folder of pictures that is not open here"
    counts = [text.partition("-")[0] for text in (said, here)]
    if counts[0] == counts[1]:
        return (
            f"the address was made with other files than the {counts[1]} in the folder here, so a number can mean another "
            f"picture"
        )
    many = f"{counts[0]} files" if counts[0].isdigit() else "other files"
    return f"the address was made with {many}, and the folder here has {counts[1]}: a number can mean another picture"


def take_origin(query: Mapping[str, str]) -> tuple[dict[str, str], Origin]:
    """A query without what it says of weights and files, and that."""
    keys = {*_MODELS, _FILES}
    return (
        {key: text for key, text in query.items() if key not in keys},
        Origin({key: text for key, text in query.items() if key in keys}),
    )
