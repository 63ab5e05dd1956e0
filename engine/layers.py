"""The layers of the configuration: each is read and checked by itself, then laid over the others.

KEY INPUT: TOML texts with the names of their files, `--set section.key=value` strings.
KEY OUTPUT: tables of the types that a model asks for; or ConfigError that names, for each fault,
the layer, the line, the key, the value and what is wanted.

Types are strict: true is no number, a number in quotes is text. A whole number will do for a float.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import ConfigError

Table = Mapping[str, Any]
Path = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)
_WANTED = {
    "float_type": "a number is wanted, without quotes",
    "int_type": "a whole number is wanted, without quotes",
    "bool_type": "true or false is wanted, without quotes",
    "string_type": "text in quotes is wanted",
    "tuple_type": "a list in brackets is wanted",
    "dict_type": "a table is wanted",
    "model_type": "is a section, not a value; write its keys under [{}]",
}
"""In place of pydantic's words."""
_KEY_BY_KEY = {"learning": ("options",)}
"""Tables of which each key is laid over that of the layer below; others are replaced whole."""
_SECRET = ("alerts.urls", "database.url")
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_LONGEST = 60
_MOST = 2**63


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: where it comes from, what it says."""

    name: str
    tables: Table
    text: str = ""
    """Of its file."""
    listing: bool = False
    """A list of all keys: one that stands at its default leaves it to the layers below."""

    def line(self, path: Path) -> int | None:
        """Return the line of a key, or of the nearest table above it, as far as it can be found."""
        lines = _lines(self.text)
        for length in range(len(path), 0, -1):
            found = lines.get(".".join(map(str, path[:length])))
            if found is not None:
                return found
        return None


def layer_of(text: str, name: str, *, listing: bool = False) -> Layer:
    """Return the layer that a file holds."""
    return Layer(name, read_toml(text, name), text, listing)


def layer_of_sets(sets: Sequence[str]) -> Layer:
    """Return the layer that --set makes; of several for one key the last holds."""
    tables: dict[str, dict[str, Any]] = {}
    for item in sets:
        path, equals, value = item.partition("=")
        section, dot, key = path.strip().partition(".")
        if not (equals and dot and section and key):
            raise ConfigError(
                f"--set {item}: write section.key=value, such as rotation.max_positions=2"
            )
        table = tables.setdefault(section, {})
        *outer, key = key.split(".")
        for name in outer:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise ConfigError(f"--set {item}: {name} is a value, not a table")
        table[key] = scalar(value.strip())
    return Layer("--set", tables)


def read_toml(text: str, name: str) -> dict[str, Any]:
    """Return what a TOML text holds; raises ConfigError that names the file."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{name}: not valid TOML: brackets too deep") from None
    except ValueError as error:  # also a number of more digits than Python reads
        why = str(error).partition(" integer string conversion")[0]
        raise ConfigError(f"{name}: not valid TOML: {why}") from None


def scalar(text: str) -> Any:
    """Return a value that was typed: TOML's if it is one, else a bare word, which is text."""
    try:
        found = read_toml(f"v = {text}", "")
    except ConfigError:
        return text
    return found["v"] if len(found) == 1 else text


def validated(model: type[M], layers: Sequence[Layer]) -> tuple[M, dict[str, Any]]:
    """Return the model of all layers, and their tables laid over each other."""
    faults = [fault for layer in layers for fault in _faults(model, layer)]
    if faults:
        raise ConfigError(_told(faults))
    tables = _laid(model, layers)
    try:
        return model.model_validate(tables, strict=True), tables
    except ValidationError as error:  # of keys that do not go together
        raise ConfigError(
            _told([_relation(model, item, layers) for item in error.errors()])
        ) from None


def set_by(model: BaseModel, layers: Sequence[Layer], section: str, key: str) -> str:
    """Return the name of the last layer that changed a key of `model`, the defaults; "" if none."""
    value, found = getattr(getattr(model, section), key), ""
    for layer in layers:
        table = _chosen(model, layer, section)
        if key in table and table[key] != value:
            value, found = table[key], layer.name
    return found


def frozen(value: Any) -> Any:
    """Return a value with tuples in place of lists, as models have them."""
    if isinstance(value, Mapping):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def _told(faults: Sequence[str]) -> str:
    return "the configuration cannot be used:\n  " + "\n  ".join(faults)


def _faults(model: type[BaseModel], layer: Layer) -> Iterator[str]:
    if not layer.tables:
        return
    unfit = list(_unfit(layer.tables, ()))
    if unfit:
        yield from (_fault(layer, path, value, why) for path, value, why in unfit)
        return
    try:
        model.model_validate(frozen(layer.tables), strict=True)
    except ValidationError as error:
        for item in error.errors():
            if item["type"] != "value_error":  # what goes together is asked of all layers at once
                yield _fault(layer, item["loc"], item["input"], _wanted(model, item))


def _fault(layer: Layer, path: Path, value: Any, why: str) -> str:
    line = layer.line(path)
    where = layer.name if line is None else f"{layer.name}, line {line}"
    key = ".".join(map(str, path))
    if why.startswith("unknown key"):
        return f"{where}: {key}: {why}"
    shown = "(not shown: it may hold a token)" if key.startswith(_SECRET) else _shown(value)
    return f"{where}: {key} = {shown}: {why}"


def _relation(model: type[BaseModel], item: Mapping[str, Any], layers: Sequence[Layer]) -> str:
    section = str(item["loc"][0])
    names = ", ".join(layer.name for layer in layers if _chosen(model(), layer, section))
    return f"[{section}] of {names}: {item['msg'].removeprefix('Value error, ')}"


def _wanted(model: type[BaseModel], item: Mapping[str, Any]) -> str:
    """Return what would be right in the place of an error."""
    if item["type"] == "extra_forbidden":
        return f"unknown key; {_known(model, item['loc'])}"
    words = _WANTED.get(item["type"], item["msg"]).format(item["loc"][0])
    default = _default(model, item["loc"])
    return f"{words}, such as {default}" if item["type"] in ("float_type", "int_type") else words


def _default(model: type[BaseModel], path: Path) -> float:
    default: Any = model()
    for part in path:
        default = getattr(default, str(part), None)
    return default if isinstance(default, int | float) else 1


def _known(model: type[BaseModel], path: Path) -> str:
    if len(path) == 1:
        return "sections are " + ", ".join(model.model_fields)
    section = model.model_fields.get(str(path[0]))
    if section is None:
        return "see config.toml"
    return f"[{path[0]}] has " + ", ".join(type(section.default).model_fields)


def _unfit(value: Any, path: Path) -> Iterator[tuple[Path, Any, str]]:
    """Yield the values that no key takes, whatever its type."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unfit(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unfit(item, (*path, place))
    elif isinstance(value, int) and not -_MOST <= value < _MOST:
        yield path, value, "a number of at most 18 digits is wanted"
    elif isinstance(value, str) and ("\0" in value or not _encodes(value)):
        yield path, value, "text without NUL, in UTF-8, is wanted"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _laid(model: type[BaseModel], layers: Sequence[Layer]) -> dict[str, Any]:
    laid: dict[str, Any] = {}
    defaults = model()
    for layer in layers:
        for section in layer.tables:
            below, above = laid.get(section, {}), _chosen(defaults, layer, section)
            laid[section] = below | above
            for key in _KEY_BY_KEY.get(section, ()):
                if key in below and key in above:
                    laid[section][key] = below[key] | above[key]
    return laid


def _chosen(defaults: BaseModel, layer: Layer, section: str) -> dict[str, Any]:
    """Return the keys of a section that a layer sets."""
    table: dict[str, Any] = frozen(layer.tables.get(section, {}))
    if not layer.listing:
        return table
    before = getattr(defaults, section)
    return {key: value for key, value in table.items() if value != getattr(before, key)}


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _lines(text: str) -> dict[str, int]:
    """Return the lines of keys and headers, by their paths."""
    lines: dict[str, int] = {}
    header = ""
    for number, line in enumerate(text.splitlines(), 1):
        if (found := _HEADER.match(line)) is not None:
            header = re.sub(r"[\"'\s]", "", found[1])
            lines.setdefault(header, number)
        elif (found := _KEY.match(line)) is not None:
            key = re.sub(r"[\"']", "", found[1])
            lines.setdefault(f"{header}.{key}" if header else key, number)
    return lines
