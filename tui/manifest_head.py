"""What every run's manifest says of where, by what and with which settings it was made.

KEY INPUT: a configuration.
KEY OUTPUT: a table of JSON values, without passwords and tokens.
"""

import datetime as dt
import os
import platform
from typing import Any

from engine.config import Config
from engine.records.store.url import without_password
from tui.code import fingerprint, versions


def manifest_head(config: Config) -> dict[str, Any]:
    """Return what is known of a run when it begins."""
    shown = config.model_dump()
    shown["database"]["url"] = without_password(config.database.url)
    shown["alerts"] = config.alerts.shown()
    return {
        "strategy": config.strategy.name,
        "profile": config.profile.name,
        "config_sha256": config.sha256(),
        "config": shown,
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": versions(),
        "code": fingerprint(config.learning.predictor),
        "cpus": os.cpu_count(),
        "started": dt.datetime.now(dt.UTC).isoformat(),
        "ended": None,
    }
