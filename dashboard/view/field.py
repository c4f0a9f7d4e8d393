"""The declaration of a field of the view: its default, how an address spells its values, and its meaning."""

from collections.abc import Callable
from dataclasses import Field, dataclass, field, replace
from typing import Generic, TypeVar

import explain_lib as xl

Value = str | int | bool | tuple[str, ...] | tuple[int, ...] | xl.Configuration | None
V = TypeVar("V", bound=Value)
V_co = TypeVar("V_co", bound=Value, covariant=True)
Word = TypeVar("Word", bound=str)

ANY = "any"
"""Spells None in an address, where that is not the default."""
_DECLARED = "parameter"


@dataclass(frozen=True)
class Spelling(Generic[V_co]):
    """The spelling of a field's values in an address.

    parse: from a text to the value; raises ValueError. right: what would be right where it does, before "would be right".
    says_why: whether the sentence on such a text adds the error's own words.
    """

    parse: Callable[[str], V_co]
    right: str
    says_why: bool = False


@dataclass(frozen=True)
class Parameter:
    """A field of the view as a parameter of the address.

    about: the meaning of the field. key: its name in the address. always: whether the address has it even at its default.
    resets: fields that go back to their defaults whenever a widget writes this one.
    """

    spelling: Spelling[Value]
    about: str
    key: str
    always: bool
    resets: tuple[str, ...]


def declared(
    spelling: Spelling[V], default: V, about: str, *, key: str = "", always: bool = False, resets: tuple[str, ...] = ()
) -> V:
    """The declaration of one field of the view; see Parameter. key: empty where it is the field's name."""
    return field(default=default, metadata={_DECLARED: Parameter(spelling, about, key, always, resets)})


def parameter_of(part: "Field[object]") -> Parameter:
    """The parameter that a field was declared with. Raises KeyError for a field that was not declared with any."""
    found: Parameter = part.metadata[_DECLARED]
    return replace(found, key=found.key or part.name)


def spelled(value: Value) -> str:
    """A value as an address has it; the field's own parser reads it again."""
    match value:
        case None:
            return ANY
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case xl.Configuration():
            return value.to_text()
        case _:
            return str(value)


# Section: parsers; each raises ValueError


def whole(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        value = int(text)
        if value < least or (most is not None and value > most):
            raise ValueError("out of range")
        return value

    return parse


def whole_or_any(text: str) -> int | None:
    """A whole number from 0, or None."""
    return None if text == ANY else whole()(text)


def wholes(text: str) -> tuple[int, ...]:
    """Whole numbers from 0, each once, in rising order."""
    return tuple(sorted(set(map(whole(), text.split(",")))))


def one_of(choices: tuple[Word, ...]) -> Callable[[str], Word]:
    """A parser that takes these words and no others."""

    def parse(text: str) -> Word:
        for choice in choices:
            if choice == text:
                return choice
        raise ValueError(f"not one of {', '.join(choices)}")

    return parse


def words(choices: tuple[Word, ...]) -> Spelling[Word]:
    """The spelling of a field that has one of a few words."""
    return Spelling(one_of(choices), f"one of {', '.join(choices)}")
