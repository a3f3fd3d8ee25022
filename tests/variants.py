"""Configurations of a component, read off its pydantic fields: a new key is tried the moment it exists.

A configuration is a mapping of YAML values that says only what differs from the defaults.
"""

from __future__ import annotations

import itertools
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union

from annotated_types import Gt, Lt
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rnnlab.registry import Choice, Registry
from rnnlab.strict import Strict

Configuration = dict[str, Any]

OWN_TESTS = frozenset({"backbone"})  # whose networks are large, and take pictures of 32 pixels: see test_video


def required(cls: type[Strict]) -> Configuration:
    """Return the smallest configuration that is accepted: a value for each key without a default."""
    return {
        name: next(_others(field.annotation, field.metadata, PydanticUndefined))
        for name, field in cls.model_fields.items()
        if field.is_required()
    }


def changes(cls: type[Strict], skip: frozenset[str] = frozenset()) -> list[tuple[str, Configuration]]:
    """Return (key, configuration) with one key changed at a time, and beside it only what it needs to matter."""
    return [
        (key, configuration)
        for key, field in cls.model_fields.items()
        if key not in skip
        for configuration in _accepted(cls, key, field)
    ]


def keys(cls: type[Strict], skip: frozenset[str] = frozenset()) -> list[tuple[str, Configuration, Configuration]]:
    """Return (dotted key, before, after): two configurations that differ in this key alone, nested keys included."""
    found = [
        (key, {**{each: value for each, value in after.items() if each != key}, **_only(required(cls), key)}, after)
        for key, after in changes(cls, skip)
    ]
    for key, field in cls.model_fields.items():
        listed = typing.get_origin(field.annotation) is list
        inner = typing.get_args(field.annotation)[0] if listed else field.annotation
        if key not in skip and isinstance(inner, type) and issubclass(inner, Strict):
            found += [
                (f"{key}.{path}", *({**required(cls), key: [each] if listed else each} for each in (before, after)))
                for path, before, after in keys(inner)
            ]
    return found


def _only(configuration: Configuration, key: str) -> Configuration:
    return {key: configuration[key]} if key in configuration else {}


def all_changed(cls: type[Strict], skip: frozenset[str] = frozenset()) -> Configuration:
    """Return a configuration in which all keys that go together differ from their defaults, each by its last value."""
    result = required(cls)
    for configuration in dict(changes(cls, skip)).values():
        together = {**result, **configuration}
        if is_accepted(cls, together):
            result = together
    return result


def configurations(cls: type[Strict], skip: frozenset[str] = frozenset()) -> list[Configuration]:
    """Return the default, each key changed alone, and all of them together."""
    found = [required(cls), *(configuration for _, configuration in changes(cls, skip)), all_changed(cls, skip)]
    return [each for position, each in enumerate(found) if each not in found[:position]]


def is_accepted(cls: type[Strict], configuration: Configuration) -> bool:
    try:
        cls.model_validate(configuration)
    except ValidationError:
        return False
    return True


def _accepted(cls: type[Strict], key: str, field: FieldInfo) -> Iterator[Configuration]:
    default = field.get_default(call_default_factory=True)
    if field.is_required():
        default = required(cls)[key]
    values = list(_others(field.annotation, field.metadata, default))
    if not values:
        raise TypeError(f"{cls.__name__}.{key}: tests/variants.py knows no other value; teach it {field.annotation}")
    found = [together for value in values for together in _beside(cls, key, {**required(cls), key: value})]
    if not found:
        raise TypeError(f"{cls.__name__}.{key}: none of {values} is accepted")
    yield from found[:1] if field.annotation in (int, float) else found


def _beside(cls: type[Strict], key: str, configuration: Configuration) -> Iterator[Configuration]:
    """Yield the configuration, with the other key that makes this one matter where there is one."""
    if key not in cls.idle_unless:
        if is_accepted(cls, configuration):
            yield configuration
        return
    other, matters = cls.idle_unless[key]
    field = cls.model_fields[other]
    default = field.get_default(call_default_factory=True)
    values = [default, *_others(field.annotation, field.metadata, default)]
    together = [configuration if value is default else {**configuration, other: value} for value in values]
    fitting = (
        each for each in together if is_accepted(cls, each) and matters(getattr(cls.model_validate(each), other))
    )
    yield from itertools.islice(fitting, 1)


def _others(annotation: Any, metadata: Any, default: Any) -> Iterator[Any]:
    """Yield values of a type that differ from the default; for numbers, tries in turn."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    choice = next((each for each in metadata if isinstance(each, Choice)), None)
    if choice is not None:
        for name in choice.registry.names():
            cls = choice.registry.load(name)
            if _nests(cls, choice.registry):  # else there would be one within the other without an end
                continue
            if name in OWN_TESTS:
                continue
            if isinstance(annotation, type) and not issubclass(cls, annotation):
                continue
            for configuration in (required(cls), all_changed(cls)):  # all others are tried where it stands alone
                value = {choice.registry.key: name, **configuration}
                if choice.registry.parse(value) != default:
                    yield value
    elif origin is typing.Annotated:
        yield from _others(arguments[0], [*metadata, *arguments[1:]], default)
    elif origin is Literal:
        yield from (value for value in arguments if value != default)
    elif origin in (Union, types.UnionType):
        for kind in arguments:
            yield from _others(kind, metadata, default)
    elif origin is list:
        yield from _lists(arguments[0], default)
    elif annotation is bool:
        yield from (value for value in (False, True) if value != default)
    elif annotation is int:
        known = isinstance(default, int) and default
        yield from [default + 1, default - 1] if known else [32 if default == 0 else 8]
    elif annotation is float:
        yield from _floats(metadata, default)
    elif isinstance(annotation, type) and issubclass(annotation, Strict):
        for configuration in configurations(annotation):
            if annotation.model_validate(configuration) != default:
                yield configuration


def _nests(cls: type[Strict], registry: Registry[Any]) -> bool:
    """Whether a component is configured with another one of its own kind."""
    choices = [each for field in cls.model_fields.values() for each in field.metadata if isinstance(each, Choice)]
    return any(choice.registry is registry for choice in choices)


def _floats(metadata: Any, default: Any) -> Iterator[float]:
    if any(isinstance(each, Lt | Gt) for each in metadata) or default in (None, PydanticUndefined):
        yield from {0.3} - {default}
    if isinstance(default, float):
        yield from (default + 0.5, default - 0.5)


def _lists(kind: Any, default: Any) -> Iterator[list[Any]]:
    """Yield lists of one other item, then the default's last item and another one behind it."""
    known = default[-1] if isinstance(default, list) and default else PydanticUndefined
    others = list(_others(kind, (), known))
    numeric = any(isinstance(each, int | float) for each in others)
    yield from ([each] for each in (others[:1] if numeric else others))
    if isinstance(known, Strict):
        yield [known.model_dump(mode="json"), others[-1]]
    elif known is not PydanticUndefined:
        yield [known, known]
