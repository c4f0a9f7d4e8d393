"""The tensors declared in a pickle of torch.save, found without unpickling it: nothing is imported, called or allocated.

The few opcodes that torch.save writes for tensors, plain containers and values of training are followed one by one; what stands
for an object is only its name. Even a restricted unpickler of Python is not used: plain opcodes can make it allocate gigabytes,
or hash a tuple nested too deeply for its stack.
"""

import pickletools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explain_lib.base.errors import DataError
from explain_lib.base.words import one_line

MAX_BYTES = 2**20
"""The longest pickle that is read; a network of 1,000 tensors has some 150,000 bytes, the state of its optimizer twice that."""

MAX_DIMENSIONS = 16
"""The most dimensions of a tensor; weights have at most five."""

ITEM_BYTES: Mapping[str, int] = MappingProxyType(
    {
        "torch.DoubleStorage": 8, "torch.FloatStorage": 4, "torch.HalfStorage": 2, "torch.BFloat16Storage": 2,
        "torch.LongStorage": 8, "torch.IntStorage": 4, "torch.ShortStorage": 2, "torch.CharStorage": 1,
        "torch.ByteStorage": 1, "torch.BoolStorage": 1, "torch.ComplexDoubleStorage": 16, "torch.ComplexFloatStorage": 8,
    }
)  # fmt: skip
"""Bytes of a number in each kind of storage."""

_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_DICTS = frozenset({"collections.OrderedDict", "collections.defaultdict", "collections.Counter"})
_VALUES = frozenset(
    {
        "_codecs.encode", "argparse.Namespace", "builtins.complex", "builtins.dict", "builtins.frozenset", "builtins.int",
        "builtins.list", "builtins.set", "builtins.slice", "copyreg._reconstructor", "builtins.object", "datetime.date",
        "datetime.datetime", "datetime.timedelta", "enum.Enum", "pathlib.PosixPath", "pathlib.PurePosixPath",
        "pathlib.WindowsPath", "pathlib._local.PosixPath", "torch.Size", "torch.device",
        "types.SimpleNamespace", "typing.Any", "uuid.UUID",
    }
)  # fmt: skip
_PACKAGES = (
    "numpy.", "torch.optim.", "lightning.", "lightning_fabric.", "pytorch_lightning.", "mmengine.", "mmcv.", "omegaconf.",
)  # fmt: skip
"""Whose values stand beside weights in checkpoints. None of them is imported: the name alone is read, and passed over."""
_TORCH_DTYPE = re.compile(r"torch\.(bfloat16|bool|complex\d+|float\d+|u?int\d+|contiguous_format|channels_last|strided)")
_NAMES_CODE = frozenset({"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"})


@dataclass(frozen=True)
class DeclaredStorage:
    """A storage that the pickle declares: the kind of its numbers, the record that holds it, and how many numbers it has."""

    kind: str
    key: str
    count: int

    @property
    def nbytes(self) -> int:
        """Bytes that the record must have."""
        return self.count * ITEM_BYTES[self.kind]


@dataclass(frozen=True)
class DeclaredTensor:
    """A tensor that the pickle declares: a view of a storage, in numbers, not bytes."""

    storage: DeclaredStorage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Value:
    """An object of which only the name is known."""

    of: str


class RefusedFileError(DataError):
    """A file that is not read any further; the text continues a sentence about it."""


@dataclass(frozen=True)
class PickleOutline:
    """The content of a pickle.

    content: dictionaries, which may hold each other, with tensors as DeclaredTensor; anything else is not described. tensors:
    all of them, at any depth, in the order of the file.
    """

    content: object
    tensors: tuple[DeclaredTensor, ...]


def outline(pickled: bytes) -> PickleOutline:
    """The outline of a pickle. Raises RefusedFileError for one that names code, is damaged or too long."""
    if len(pickled) > MAX_BYTES:
        raise RefusedFileError(f"its list of tensors has {len(pickled):,} bytes, of which at most {MAX_BYTES:,} are read")
    _refuse_code(pickled)
    reader = _Reader()
    for name, argument in _steps_of(pickled):
        reader.step(name, argument)
    return PickleOutline(reader.result, tuple(reader.tensors))


def _steps_of(pickled: bytes) -> Iterator[tuple[str, object]]:
    try:
        yield from ((code.name, argument) for code, argument, _ in pickletools.genops(pickled))
    except (ValueError, EOFError) as error:  # a UnicodeDecodeError is a ValueError
        raise RefusedFileError(f"it is damaged ({one_line(error)})") from error


def _refuse_code(pickled: bytes) -> None:
    """Refuse a pickle for what it names, before anything else is said of it."""
    named: list[str] = []
    code: list[str] = []
    for name, argument in _steps_of(pickled):
        if name == "GLOBAL":
            named.append(_dotted(argument))
        elif name in _NAMES_CODE:
            code.append(name)
    if any(name.startswith("torch.nn.modules.") for name in named):
        raise RefusedFileError("it holds a whole pickled network, which is code; save its weights alone, network.state_dict()")
    asked = next((name for name in named if not _is_harmless(name)), None)
    if asked is not None:
        raise RefusedFileError(f"it holds more than tensors by name: it asks for {one_line(asked)}; no code was run")
    if code:
        raise RefusedFileError(f"it asks for code (opcode {code[0]}); no code was run")


def _is_harmless(name: str) -> bool:
    known = name in _VALUES or name in _DICTS or name in ITEM_BYTES or name in (_TENSOR, _PARAMETER)
    return known or name.startswith(_PACKAGES) or _TORCH_DTYPE.fullmatch(name) is not None


class _Reader:
    """The stack of an unpickler that knows only plain containers and tensors, and describes the tensors."""

    def __init__(self) -> None:
        self.tensors: list[DeclaredTensor] = []
        self.result: object = None
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[object, object] = {}

    def step(self, name: str, argument: object) -> None:
        if name not in _STEPS:
            raise RefusedFileError(f"it holds more than tensors by name (opcode {name})")
        try:
            _STEPS[name](self, argument)
        except (LookupError, TypeError, ValueError) as error:
            raise RefusedFileError(f"it is damaged (at opcode {name})") from error

    def push(self, value: object) -> None:
        self._stack.append(value)

    def put(self, place: object) -> None:
        self._memo[place] = self._stack[-1]

    def get(self, place: object) -> None:
        self.push(self._memo[place])

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def pop(self, count: int | None = None) -> tuple[object, ...]:
        """Take the topmost values off the stack, those above the last mark for None."""
        start = self._marks.pop() if count is None else len(self._stack) - count
        if start < 0:
            raise LookupError("the stack is empty")
        values = tuple(self._stack[start:])
        del self._stack[start:]
        return values

    def stop(self) -> None:
        (self.result,) = self.pop(1)

    def set_items(self, count: int | None) -> None:
        """Keep what a dictionary holds under a text or a whole number; what stands under another number or a name is let go."""
        items = self.pop(count)
        into = self._stack[-1]
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str | int):
                if isinstance(into, dict):
                    into[key] = value
            elif not isinstance(key, float | _Global | _Value | None):
                raise TypeError("a key is neither text nor a number")

    def build(self) -> None:
        self.pop(1)
        if not isinstance(self._stack[-1], dict | _Value):
            raise TypeError("state of something else than a dictionary or a value")

    def storage(self) -> None:
        (described,) = self.pop(1)
        kind, of, key, _, count, *view = _items(described)
        if kind != "storage" or view not in ([], [None]) or not isinstance(of, _Global) or of.name not in ITEM_BYTES:
            raise TypeError("not a storage")
        if not isinstance(key, str):
            raise TypeError("not a key")
        self.push(DeclaredStorage(of.name, key, _whole(count)))

    def reduce(self) -> None:
        called, given = self.pop(2)
        values = _items(given)
        match called:
            case _Global(name) if name in _DICTS:
                self.push(values[0] if values and isinstance(values[0], dict) else {})  # a copy could be made of it many times
            case _Global(name) if name == _TENSOR and len(values) == 6:
                self.push(self._tensor(*values[:4]))
            case _Global(name) if name == _PARAMETER and len(values) == 3 and isinstance(values[0], DeclaredTensor):
                self.push(values[0])
            case _Global(name) if name not in (_TENSOR, _PARAMETER):
                self.push(_Value(name))
            case _:
                raise TypeError("not a tensor")

    def new(self) -> None:
        called, _ = self.pop(2)
        if not isinstance(called, _Global):
            raise TypeError("an object of something that is not named")
        self.push(_Value(called.name))

    def _tensor(self, storage: object, offset: object, size: object, stride: object) -> DeclaredTensor:
        if not isinstance(storage, DeclaredStorage):
            raise TypeError("not a storage")
        sizes, strides = (tuple(_whole(number) for number in _items(numbers)) for numbers in (size, stride))
        if len(sizes) != len(strides) or len(sizes) > MAX_DIMENSIONS:
            raise ValueError("sizes and strides that differ in number, or too many of them")
        tensor = DeclaredTensor(storage, _whole(offset), sizes, strides)
        self.tensors.append(tensor)
        return tensor


def _items(value: object) -> tuple[object, ...]:
    if not isinstance(value, tuple):
        raise TypeError("not a tuple")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise TypeError("not a whole number that fits 64 bits, from 0")
    return value


def _dotted(argument: object) -> str:
    """Module and name joined by a dot; a pickle separates them by a space, and calls modules as Python 2 did."""
    name = str(argument).replace(" ", ".", 1)
    return f"builtins.{name.removeprefix('__builtin__.')}" if name.startswith("__builtin__.") else name


_STEPS: Mapping[str, Callable[[_Reader, object], object]] = MappingProxyType(
    {
        **dict.fromkeys(("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), _Reader.push),
        **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Reader.put),
        **dict.fromkeys(("BINGET", "LONG_BINGET"), _Reader.get),
        "GLOBAL": lambda reader, argument: reader.push(_Global(_dotted(argument))),
        "PROTO": lambda *_: None,
        "STOP": lambda reader, _: reader.stop(),
        "NONE": lambda reader, _: reader.push(None),
        "NEWTRUE": lambda reader, _: reader.push(True),
        "NEWFALSE": lambda reader, _: reader.push(False),
        "EMPTY_TUPLE": lambda reader, _: reader.push(()),
        "EMPTY_DICT": lambda reader, _: reader.push({}),
        "EMPTY_LIST": lambda reader, _: reader.push([]),
        "MARK": lambda reader, _: reader.mark(),
        "TUPLE": lambda reader, _: reader.push(reader.pop()),
        "TUPLE1": lambda reader, _: reader.push(reader.pop(1)),
        "TUPLE2": lambda reader, _: reader.push(reader.pop(2)),
        "TUPLE3": lambda reader, _: reader.push(reader.pop(3)),
        "SETITEM": lambda reader, _: reader.set_items(2),
        "SETITEMS": lambda reader, _: reader.set_items(None),
        "APPEND": lambda reader, _: reader.pop(1),
        "APPENDS": lambda reader, _: reader.pop(),
        "BUILD": lambda reader, _: reader.build(),
        "BINPERSID": lambda reader, _: reader.storage(),
        "REDUCE": lambda reader, _: reader.reduce(),
        "NEWOBJ": lambda reader, _: reader.new(),
    }
)
