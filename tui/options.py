"""The options that several commands share.

KEY INPUT: nothing.
KEY OUTPUT: annotated types for cyclopts.
"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Flag = Parameter(negative="")
Json = Annotated[bool, Parameter(negative="", help="Print one JSON object and nothing else.")]
Symbols = Annotated[str | None, Parameter(help="Comma-separated, such as TQQQ,SQQQ.")]
From = Annotated[str | None, Parameter(name="--from", help="First New York session date to trade.")]
To = Annotated[str | None, Parameter(name="--to", help="Last session date, included.")]
Sets = Annotated[
    tuple[str, ...],
    Parameter(name="--set", negative="", help="section.key=value; repeatable, the last one holds."),
]
ConfigFile = Annotated[
    Path | None,
    Parameter(name="--config", help="Default: config.toml here, then the source's own."),
]
