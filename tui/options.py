"""The options that several commands share.

KEY INPUT: nothing.
KEY OUTPUT: annotated types for cyclopts.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from engine.records.overrides import Kind

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
Profile = Annotated[
    str | None,
    Parameter(
        name="--profile",
        help="A named set of settings below those of config.toml: cautious (the defaults), explore "
        "(paper, rehearsal, replay: trades small what the learner says), seed (the documents' "
        "rules). rotor config profiles shows what each sets.",
    ),
]

Faults = Annotated[
    str | None,
    Parameter(
        help="What goes wrong: a script (TOML file); a seed (7: requests, sockets, streams, "
        "market); a seed and families (7:hands,cash, or 7:all): hands, refusals, state, words, "
        "late, busts, cash, bars."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the cockpit is drawn, where a terminal or its line is poor."""

    low_bandwidth: Annotated[
        bool, Parameter(negative="", help="The screen is drawn once a second, without curves.")
    ] = False
    ascii: Annotated[
        bool, Parameter(negative="", help="For terminals that draw other signs double.")
    ] = False


Looks = Annotated[Look, Parameter(name="*")]
AS_USUAL = Look()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade that is asked about, and the account that it would be made in. USD."""

    price: Annotated[float, Parameter(help="The price it would pay, USD per share.")]
    equity: Annotated[float, Parameter(help="Cash plus positions, USD.")]
    cash: Annotated[float | None, Parameter(help="Default: equity less --positions-value.")] = None
    buying_power: Annotated[float | None, Parameter(help="Default: the cash.")] = None
    symbol: Annotated[
        str | None,
        Parameter(help="For its leverage, underlying and cap. Without: no liquidity limits."),
    ] = None
    direction: Literal["long", "short"] = "long"
    positions: Annotated[int, Parameter(help="How many positions are open.")] = 0
    positions_value: Annotated[float, Parameter(help="What they are worth, USD.")] = 0.0
    heat: Annotated[float, Parameter(help="What they risk to their stops, USD.")] = 0.0
    recent_volume: Annotated[float | None, Parameter(help="Shares a minute.")] = None
    closing_volume: Annotated[float | None, Parameter(help="Shares a minute before the close.")] = (
        None
    )
    atr: Annotated[float | None, Parameter(help="For stop_atr_multiple, USD.")] = None
    daily_volatility: Annotated[
        float | None, Parameter(help="For volatility_target_pct, 0.02 = 2%.")
    ] = None


Whose = Annotated[
    Literal["paper", "live", "rehearsal", "replay"],
    Parameter(
        name="--kind", help="Whose overrides: each has its own; what paper has never holds live."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which settings are asked about."""

    config: ConfigFile = None
    profile: Profile = None
    sets: Sets = ()
    whose: Whose = "paper"

    @property
    def kind(self) -> "Kind":
        """Return whose overrides hold."""
        return kind_named(self.whose)


def kind_named(word: str) -> "Kind":
    """Return the kind of account that an option names."""
    return word.upper()  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Which database is asked."""

    config: ConfigFile = None
    profile: Profile = None
    sets: Sets = ()

    @property
    def kind(self) -> "Kind":
        """Return whose overrides hold: those of replays."""
        return "REPLAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which outcomes are asked about."""

    run: Annotated[
        str | None,
        Parameter(help="Run id or folder. Default: live runs and the backtest that counts."),
    ] = None
    strategy: Annotated[str | None, Parameter(help="Default: [strategy] name.")] = None
    first: Annotated[str | None, Parameter(name="--from", help="First date of the exit.")] = None
    last: Annotated[str | None, Parameter(name="--to", help="Last date, included.")] = None
