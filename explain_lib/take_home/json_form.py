"""Computations as JSON, written and read: models by name, test images by number, other pictures as stored arrays."""

import hashlib
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError, ExplainError, InputError
from explain_lib.cam.configuration import Configuration, parse_configuration
from explain_lib.cam.settings import CamSettings
from explain_lib.networks.model import Model
from explain_lib.passes.targets import Target
from explain_lib.pictures.dataset import DIGESTS, load_cifar10
from explain_lib.pictures.intake import Intake
from explain_lib.pictures.sets import FittedPixels, LazyPixels, StoredPixels, Subset, pixels_digest, subset
from explain_lib.take_home.notes import SetPositions

Json = dict[str, object]
MOST_CHANNELS = 1_000
STORED_BYTES = 48 * 2**20
"""The limit for all pictures stored beside the computations."""


class PictureDepot:
    """The pictures that are not test images, stored beside the computations: arrays uint8 (K, H, W, C) by name."""

    def __init__(self, arrays: Mapping[str, NDArray[np.uint8]] | None = None, room: int = STORED_BYTES) -> None:
        """arrays: those stored already. room: the bytes of further ones."""
        self.arrays = dict(arrays or {})
        self._names: dict[str, str] = {}
        self._room = room

    def put(self, pictures: NDArray[np.uint8]) -> str:
        """Store pictures, once, and return their name. Raises InputError if there is no room for them."""
        content = np.ascontiguousarray(pictures)
        digest = hashlib.sha256(repr(content.shape).encode() + content.tobytes()).hexdigest()
        if digest not in self._names:
            if content.nbytes > self._room:
                raise InputError(
                    f"pixels: {len(content):,} pictures need {content.nbytes / 2**20:.0f} MiB, for which there is no room"
                )
            self._room -= content.nbytes
            self._names[digest] = f"pictures-{len(self._names) + 1}"
            self.arrays[self._names[digest]] = content
        return self._names[digest]

    def get(self, name: object) -> NDArray[np.uint8]:
        """The stored pictures of that name. Raises DataError for an unknown name."""
        if not isinstance(name, str) or name not in self.arrays:
            raise DataError(f"pictures: {name!r} is not stored; one of {', '.join(self.arrays) or 'none'} would be right")
        return self.arrays[name]


@dataclass(frozen=True)
class Computation:
    """A computation: the key of its arrays, its name in the registry, and its arguments as JSON."""

    key: str
    name: str
    arguments: Json


# Section: writing

NameOf = Callable[[Model], str]


def written(value: object, name_of: NameOf, depot: PictureDepot, seen: NDArray[np.int64] | None = None) -> object:
    """An argument as JSON. name_of: the name of a model. seen: the pictures of a set that matter, None for all.

    Raises InputError for a model that is no longer kept, for pictures that need too much room, and for values of other types.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.integer() | np.floating():
            return value.item()
        case list() | tuple() | range():
            return [written(one, name_of, depot) for one in value]
        case weakref.ref() | Model():
            return {"model": name_of(_living(value))}
        case _:
            return _written_value(value, depot, seen)


def _written_value(value: object, depot: PictureDepot, seen: NDArray[np.int64] | None) -> Json:
    match value:
        case Target():
            return {"Target": value.to_json()}
        case CamSettings():
            return {"CamSettings": asdict(value)}
        case Configuration():
            return {"Configuration": value.to_text()}
        case SetPositions() | LazyPixels() | np.ndarray():
            return _written_array(value, depot, seen)
        case _:
            raise InputError(f"arguments: a {type(value).__name__} cannot be written")


def _written_array(
    value: SetPositions | LazyPixels | NDArray[np.generic], depot: PictureDepot, seen: NDArray[np.int64] | None
) -> Json:
    if isinstance(value, SetPositions):
        return {"pixels": _test_images(value, depot)}
    if isinstance(value, LazyPixels):
        return {"pixels": _lazy(value, depot, seen)}
    if value.dtype == np.bool_:  # the places that maps must find, one of each picture
        return {"pixels": {"set": "masks", "name": depot.put(value.astype(np.uint8)[..., None])}}
    if value.dtype == np.uint8:
        return {"pixels": _array(value.astype(np.uint8, copy=False), depot)}
    return {"numbers": value.tolist()}


def _living(held: "weakref.ref[Model] | Model") -> Model:
    model = held if isinstance(held, Model) else held()
    if model is None:
        raise InputError("model: the network is no longer kept here")
    return model


def _test_images(value: SetPositions, depot: PictureDepot) -> Json:
    if pixels_digest(value.pixels) == pixels_digest(load_images()):
        return {"set": "cifar10", "images": _ranges(value.positions)}
    return {"set": "stored", "name": depot.put(value.take())}


def _array(pixels: NDArray[np.uint8], depot: PictureDepot) -> Json:
    """Pictures (N, H, W, C), or one (H, W, C): test images by number, others stored."""
    several = pixels if pixels.ndim == 4 else pixels[None]
    numbers = [_number_of(picture) for picture in several]
    one = {} if pixels.ndim == 4 else {"one": True}
    if None not in numbers:
        return {"set": "cifar10", "images": _ranges(np.array(numbers, np.int64)), **one}
    return {"set": "stored", "name": depot.put(several), **one}


def _lazy(pixels: LazyPixels, depot: PictureDepot, seen: NDArray[np.int64] | None) -> Json:
    """A lazy set: test images of another size by number, else the pictures that matter, stored."""
    base = pixels.base if isinstance(pixels, Subset) else pixels
    positions = pixels.positions if isinstance(pixels, Subset) else None
    if isinstance(base, FittedPixels) and base.identity == _fitted(base.size, base.channels).identity:
        more = {} if base.channels == 3 else {"channels": base.channels}
        return {"set": "cifar10", "images": _ranges(positions), "size": list(base.size), **more}
    places = np.arange(len(pixels)) if seen is None else np.unique(seen)
    needed = len(places) * pixels.size[0] * pixels.size[1] * pixels.channels
    if needed > STORED_BYTES:
        raise InputError(f"pixels: {len(places):,} pictures of a folder need {needed / 2**20:.0f} MiB, and are not stored")
    kept = places[[pixels.is_readable(int(place)) for place in places]]
    if len(kept) == 0:
        raise InputError("pixels: none of the pictures can be read")
    name = depot.put(pixels[kept])
    return {"set": "stored", "name": name, "places": kept.tolist(), "count": len(pixels), "batch": pixels.batch}


def _ranges(positions: NDArray[np.int64] | None) -> str | list[int]:
    """All, or numbers; consecutive ones as "16-19"."""
    if positions is None:
        return "all"
    if len(positions) > 1 and bool((np.diff(positions) == 1).all()):
        return f"{positions[0]}-{positions[-1]}"
    return [int(position) for position in positions]


# Section: reading

ModelOf = Callable[[str], Model]


def read(value: object, model_of: ModelOf, depot: PictureDepot) -> object:
    """The argument from the JSON of `written`. model_of: the model of a name.

    Raises DataError for another form, and InputError as the values themselves do.
    """
    if isinstance(value, list):
        return tuple(read(one, model_of, depot) for one in value)
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise DataError(f"arguments: {_short(value)}; one value with its kind would be right")
    ((kind, content),) = value.items()
    return _read_kind(kind, content, model_of, depot)


def _read_kind(kind: str, content: object, model_of: ModelOf, depot: PictureDepot) -> object:
    match kind, content:
        case "model", str():
            return model_of(content)
        case "pixels", dict():
            return _read_pixels(content, depot)
        case "numbers", list():
            return _rows_of_numbers(content)
        case "Configuration", str():
            return parse_configuration(content)
        case "Target", dict():
            return _built(Target, content)
        case "CamSettings", dict():
            layers = content.get("layers")
            return _built(CamSettings, content | {"layers": tuple(layers) if isinstance(layers, list) else layers})
        case _:
            raise DataError(f"arguments: {_short({kind: content})} is no value that can be read")


def _built(kind: type[Target] | type[CamSettings], content: Mapping[str, object]) -> Target | CamSettings:
    names = {field.name for field in fields(kind)}
    if not set(content) <= names or (kind is Target and "index" not in content):
        raise DataError(f"arguments: {_short(content)}; {', '.join(sorted(names))} would be right")
    build = cast(Callable[..., Target | CamSettings], kind)
    try:
        return build(**content)
    except ExplainError:
        raise
    except (TypeError, ValueError) as error:
        raise DataError(f"arguments: {_short(content)} is no {kind.__name__}") from error


def _read_pixels(content: Json, depot: PictureDepot) -> NDArray[np.uint8] | NDArray[np.bool_] | LazyPixels:
    match content:
        case {"set": "masks", "name": name}:
            return np.asarray(depot.get(name)[..., 0] != 0)
        case {"set": "cifar10", "images": images, "size": [int() as height, int() as width], **more}:
            fitted = _fitted((height, width), _channels(more.get("channels", 3)))
            return fitted if images == "all" else subset(fitted, _positions(images, len(fitted)))
        case {"set": "cifar10", "images": images}:
            found = load_images() if images == "all" else load_images()[_positions(images, len(load_images()))]
        case {"set": "stored", "name": name, "places": places, "count": int() as count, "batch": int() as batch}:
            return StoredPixels(depot.get(name), _whole_numbers(places), count, batch)
        case {"set": "stored", "name": name}:
            found = depot.get(name)
        case _:
            raise DataError(f"pixels: {_short(content)}; test images by number, or stored pictures, would be right")
    return found[0] if content.get("one") is True else found


def _positions(images: object, count: int) -> NDArray[np.int64]:
    if isinstance(images, str):
        first, _, last = images.partition("-")
        if not (first.isdecimal() and last.isdecimal() and len(images) < 24):
            raise DataError(f"images: {images!r}; two numbers with a hyphen between would be right")
        start, stop = int(first), int(last)
        images = list(range(start, stop + 1)) if 0 <= start <= stop < count else [count]
    positions = _whole_numbers(images)
    if len(positions) == 0 or positions.min() < 0 or positions.max() >= count:
        raise DataError(f"images: numbers from 0 to {count - 1:,} would be right")
    return positions


def _whole_numbers(content: object) -> NDArray[np.int64]:
    if not isinstance(content, list) or not all(type(one) is int and abs(one) < 2**53 for one in content):
        raise DataError(f"numbers: {_short(content)}; a list of whole numbers would be right")
    return np.array(content, dtype=np.int64)


def _rows_of_numbers(content: list[object]) -> NDArray[np.int64]:
    """Whole numbers, or rows of as many each."""
    if not content or not all(isinstance(one, list) for one in content):
        return _whole_numbers(content)
    rows = [_whole_numbers(one) for one in content]
    if len({len(row) for row in rows}) != 1:
        raise DataError(f"numbers: {_short(content)}; rows of the same length would be right")
    return np.stack(rows)


def _short(value: object) -> str:
    words = repr(value)
    return words if len(words) <= 80 else words[:79] + "…"


def _channels(content: object) -> int:
    if not isinstance(content, int) or not 1 <= content <= MOST_CHANNELS:
        raise DataError(f"channels: {_short(content)}; a whole number from 1 to {MOST_CHANNELS} would be right")
    return content


# Section: test images


@lru_cache(maxsize=1)
def load_images() -> NDArray[np.uint8]:
    """The CIFAR-10 test images, uint8 (10000, 32, 32, 3), loaded once."""
    return load_cifar10().pixels


def _fitted(size: tuple[int, int], channels: int = 3) -> FittedPixels:
    return FittedPixels(load_images(), Intake(size, channels), DIGESTS["test"])


@lru_cache(maxsize=1)
def _numbers() -> Mapping[bytes, int]:
    """The number of each test image, by a digest of its pixels."""
    return {_mark(picture): number for number, picture in reversed(list(enumerate(load_images())))}


def _number_of(picture: NDArray[np.uint8]) -> int | None:
    return _numbers().get(_mark(picture)) if picture.shape == load_images().shape[1:] else None


def _mark(picture: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest()


def names_of(arguments: Sequence[Json]) -> set[str]:
    """The names of the models in these arguments."""
    return {
        str(value["model"])
        for one in arguments
        for value in one.values()
        if isinstance(value, dict) and isinstance(value.get("model"), str)
    }
