"""Finding components by name: the file name is the YAML name, and only the named file is imported.

A registry reads its package's folder. Code from outside joins through entry points, such as
`[project.entry-points."rnnlab.architectures"]` with name = module, or `--plugin FILE_OR_MODULE`; never because a spec
names it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from rnnlab.errors import UserError, did_you_mean
from rnnlab.strict import Strict, mistake, mistakes_error, shown

C = TypeVar("C", bound=Strict)
REGISTRIES: dict[str, Registry[Any]] = {}
_PLUGINS: list[ModuleType] = []
_PLUGIN_NAMES: list[str] = []
_DESCRIBED: list[type[Strict]] = []  # the components whose JSON schema is under way, one within the other


class Registry(Generic[C]):
    """The components of one kind.

    Args:
        package: the package whose files are the components, such as `rnnlab.architectures`.
        base: the class that each component derives from.
        key: the YAML key that names the component, such as `architecture`.
    """

    def __init__(self, package: str, base: Any, key: str) -> None:  # Any: mypy refuses an abstract class as type[C]
        self.package, self.key = package, key
        self.base: type[C] = base
        self.kind = package.rpartition(".")[2]
        REGISTRIES[self.kind] = self

    def names(self) -> list[str]:
        """Return every known name, without importing a component."""
        return sorted({*self._files(), *self._entry_points(), *self._plugins()})

    def load(self, name: str) -> type[C]:
        """Import the component of this name and return its class.

        Raises:
            UserError: the name is unknown, or its module does not define exactly one component.
        """
        plugin = self._plugins().get(name)
        if plugin is not None:
            return plugin
        if name in self._files():
            module = importlib.import_module(f"{self.package}.{name}")
        elif name in self._entry_points():
            module = importlib.import_module(self._entry_points()[name])
        else:
            raise UserError(f"unknown {self.key} {shown(name)}{did_you_mean(name, self.names())}")
        found = self._components(module)
        if len(found) != 1:
            raise UserError(f"{module.__name__}: expected one {self.base.__name__}, found {len(found)}")
        return found[0]

    def name_of(self, component: C | type[C]) -> str:
        """Return the YAML name of a component: the last part of its module's name."""
        cls = component if isinstance(component, type) else type(component)
        for name, module in self._entry_points().items():
            if module == cls.__module__:
                return name
        return cls.__module__.rpartition(".")[2]

    def parse(self, value: Any) -> C:
        """Return the component that a YAML value describes: a mapping with the naming key, or the bare name."""
        if isinstance(value, self.base):
            return value
        if isinstance(value, str):
            value = {self.key: value}
        if not isinstance(value, Mapping):
            raise mistakes_error(
                self.kind, [mistake(f"expected a mapping with '{self.key}'; received {shown(value)}", (), value)]
            )
        name = value.get(self.key)
        if not isinstance(name, str):
            received = "it is missing" if name is None else f"received {shown(name)}"
            known = ", ".join(self.names())
            raise mistakes_error(self.kind, [mistake(f"expected one of {known}; {received}", (self.key,), name)])
        try:
            cls = self.load(name)
        except UserError as error:
            raise mistakes_error(self.kind, [mistake(str(error), (self.key,), name)]) from None
        return cls.model_validate({key: each for key, each in value.items() if key != self.key})

    def dump(self, component: C) -> dict[str, Any]:
        """Return a component as the YAML mapping that gives it again, every default included."""
        return {self.key: self.name_of(component), **component.model_dump(mode="json")}

    def _files(self) -> list[str]:
        paths = importlib.import_module(self.package).__path__
        return [module.name for module in pkgutil.iter_modules(paths) if not module.name.startswith("_")]

    def _entry_points(self) -> Mapping[str, str]:
        return _installed(self.package)

    def _plugins(self) -> dict[str, type[C]]:
        return {
            module.__name__.rpartition(".")[2]: found[0]
            for module in _PLUGINS
            if len(found := self._components(module)) == 1
        }

    def _components(self, module: ModuleType) -> list[type[C]]:
        return [
            each
            for each in vars(module).values()
            if isinstance(each, type)
            and issubclass(each, self.base)
            and not inspect.isabstract(each)
            and each.__module__ == module.__name__
            and not each.__name__.startswith("_")
        ]


@cache
def _installed(group: str) -> Mapping[str, str]:
    """Return the entry points of a group; reading what every installed package declares takes milliseconds."""
    return {point.name: point.value for point in entry_points(group=group)}


@dataclass(frozen=True)
class Choice:
    """Marks a field as "one component of this registry": `Annotated[Architecture, Choice(ARCHITECTURES)]`."""

    registry: Registry[Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.registry.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(self.registry.dump),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # Within a component that is configured with others of its kind (a decoder behind any encoder): those others.
        names = [name for name in self.registry.names() if self.registry.load(name) not in _DESCRIBED]
        bare = {"enum": names, "description": f"a {self.registry.key} with its defaults"}
        return {"oneOf": [bare, *(self._alternative(name, handler) for name in names)]}

    def _alternative(self, name: str, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        cls = self.registry.load(name)
        _DESCRIBED.append(cls)
        try:
            reference = handler(cls.__pydantic_core_schema__)
        finally:
            _DESCRIBED.pop()
        schema = handler.resolve_ref_schema(reference)  # where the class is described, once for all that refer to it
        naming = {"const": name, "description": inspect.getdoc(cls) or name}
        schema["properties"] = {self.registry.key: naming, **schema.get("properties", {})}
        schema["required"] = list(dict.fromkeys([self.registry.key, *schema.get("required", [])]))
        return reference


def load_plugin(name: str) -> None:
    """Import code from outside: a `.py` file or a module's name, whose components then carry its name.

    Raises:
        UserError: there is no such file or module, or it defines no component.
    """
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            raise UserError(f"--plugin {name}: no such file")
        specification = importlib.util.spec_from_file_location(path.stem, path)
        if specification is None or specification.loader is None:
            raise UserError(f"--plugin {name}: not a Python file")
        module = importlib.util.module_from_spec(specification)
        sys.modules[path.stem] = module
        specification.loader.exec_module(module)
    else:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise UserError(f"--plugin {name}: {error}") from None
    known = (registry for registry in REGISTRIES.values() if registry._components(module))
    if not any(known):
        raise UserError(f"--plugin {name}: defines no component ({', '.join(sorted(REGISTRIES))})")
    _PLUGINS.append(module)
    _PLUGIN_NAMES.append(str(path.absolute()) if path.suffix == ".py" else name)


def plugin_digests() -> dict[str, str]:
    """Return a SHA-256 of the code of each plugin, by its name; of a package, that of the file it is imported from."""
    digests = {}
    for name, module in zip(_PLUGIN_NAMES, _PLUGINS, strict=True):
        code = Path(module.__file__).read_bytes() if module.__file__ else b""
        digests[name] = hashlib.sha256(code).hexdigest()
    return digests


def plugins() -> list[str]:
    """Return the plugins that were loaded, as `--plugin` takes them."""
    return list(_PLUGIN_NAMES)
