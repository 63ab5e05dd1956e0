"""From a name in the configuration to a predictor.

KEY INPUT: `[learning] predictor`: ewrls, momentum, random, zero, or `package.module.Class`
(also of a module in the current folder); `[learning.options]`.
KEY OUTPUT: a Predictor; ConfigError that names what is wrong and what there is.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.config import Learning
from engine.errors import ConfigError
from engine.learning.baselines import Momentum, Random, Zero
from engine.learning.ewrls import Ewrls
from engine.learning.signals import Context, Predictor

BY_NAME: dict[str, type] = {"ewrls": Ewrls, "momentum": Momentum, "random": Random, "zero": Zero}
_METHODS = ("process", "checkpoint", "restore")


def make_predictor(
    name: str, context: Context, options: Mapping[str, Any] = MappingProxyType({})
) -> Predictor:
    """Make the predictor called `name`; a dotted path names a user's own class.

    `options` are `[learning.options]`. Raises ConfigError for a name, an option or a class that
    cannot be used.
    """
    kind = BY_NAME.get(name) or _load(name)
    context = replace(context, own=_own_options(name, kind, options))
    try:
        predictor: Predictor = kind(context)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise ConfigError(f"learning.predictor = {name!r}: cannot be made: {error}") from None
    missing = [method for method in _METHODS if not callable(getattr(predictor, method, None))]
    if missing or not isinstance(getattr(predictor, "feature_names", None), tuple):
        lacks = ", ".join(missing) or "feature_names (a tuple of str)"
        raise ConfigError(f"learning.predictor = {name!r}: the class has no {lacks}")
    return predictor


def _own_options(name: str, kind: type, options: Mapping[str, Any]) -> BaseModel | None:
    """Return the options as the class declares them; raises ConfigError that names each fault."""
    model = getattr(kind, "Options", None)
    if model is None or not (isinstance(model, type) and issubclass(model, BaseModel)):
        if options:
            given = ", ".join(f"learning.options.{key}" for key in options)
            raise ConfigError(f"{given}: the predictor {name!r} declares no Options, takes none")
        return None
    unknown = [key for key in options if key not in model.model_fields]
    if unknown:
        known = ", ".join(model.model_fields) or "none"
        given = ", ".join(f"learning.options.{key}" for key in unknown)
        raise ConfigError(f"{given}: unknown; the options of the predictor {name!r} are {known}")
    try:
        return model.model_validate(dict(options), strict=True)
    except ValidationError as error:
        faults = [
            f"learning.options.{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigError("; ".join(faults)) from None


def _look_here() -> None:
    """Let modules of the current folder be found, behind all that are installed."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)


def try_predictor(learning: Learning, symbols: Sequence[str]) -> Predictor:
    """Make the predictor of `[learning]` for the first symbol; raises ConfigError as it would."""
    context = Context(symbols[0], 0, tuple(symbols), 1.0, learning.horizons, learning.numbers())
    return make_predictor(learning.predictor, context, learning.options)


def _load(path: str) -> type:
    module, dot, name = path.rpartition(".")
    if not dot or not all(part.isidentifier() for part in path.split(".")):
        choices = ", ".join(BY_NAME)
        raise ConfigError(
            f"learning.predictor = {path!r}: there is {choices}, or package.module.Class"
        )
    _look_here()
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ConfigError(f"learning.predictor = {path!r}: cannot be imported: {error}") from None
    if not isinstance(kind, type):
        raise ConfigError(f"learning.predictor = {path!r}: is not a class")
    return kind
