"""From a name in the configuration to a predictor.

KEY INPUT: `[learning] predictor`: ewrls, momentum, random, zero, or `package.module.Class`.
KEY OUTPUT: a Predictor; ConfigError that names what is wrong and what there is.
"""

import importlib

from engine.errors import ConfigError
from engine.learning.baselines import Momentum, Random, Zero
from engine.learning.ewrls import Ewrls
from engine.learning.signals import Context, Predictor

BY_NAME: dict[str, type] = {"ewrls": Ewrls, "momentum": Momentum, "random": Random, "zero": Zero}
_METHODS = ("process", "checkpoint", "restore")


def make_predictor(name: str, context: Context) -> Predictor:
    """Make the predictor called `name`; a dotted path names a user's own class."""
    kind = BY_NAME.get(name) or _load(name)
    try:
        predictor: Predictor = kind(context)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise ConfigError(f"learning.predictor = {name!r}: cannot be made: {error}") from None
    missing = [method for method in _METHODS if not callable(getattr(predictor, method, None))]
    if missing or not isinstance(getattr(predictor, "feature_names", None), tuple):
        lacks = ", ".join(missing) or "feature_names (a tuple of str)"
        raise ConfigError(f"learning.predictor = {name!r}: the class has no {lacks}")
    return predictor


def _load(path: str) -> type:
    module, dot, name = path.rpartition(".")
    if not dot or not all(part.isidentifier() for part in path.split(".")):
        choices = ", ".join(BY_NAME)
        raise ConfigError(
            f"learning.predictor = {path!r}: there is {choices}, or package.module.Class"
        )
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ConfigError(f"learning.predictor = {path!r}: cannot be imported: {error}") from None
    if not isinstance(kind, type):
        raise ConfigError(f"learning.predictor = {path!r}: is not a class")
    return kind
