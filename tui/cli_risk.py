"""`rotor risk …`: what each command takes and what it teaches; the work is imported late."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from tui.options import ConfigFile, Flag, Json, Sets

app = App(name="risk", help="The risk limits: what is in force, what a trade may be.")
Price = Annotated[float, Parameter(help="The price it would pay, USD per share.")]
Equity = Annotated[float, Parameter(help="Cash plus positions, USD.")]
Cash = Annotated[float | None, Parameter(help="Default: equity less --positions-value.")]
Power = Annotated[float | None, Parameter(name="--buying-power", help="Default: the cash.")]
Symbol = Annotated[
    str | None,
    Parameter(help="For its leverage, underlying and cap. Without: no liquidity limits."),
]
Held = Annotated[int, Parameter(name="--positions", help="How many positions are open.")]
Value = Annotated[float, Parameter(name="--positions-value", help="What they are worth, USD.")]
Heat = Annotated[float, Parameter(help="What they risk to their stops, USD.")]
Recent = Annotated[float | None, Parameter(name="--recent-volume", help="Shares a minute.")]
Closing = Annotated[
    float | None, Parameter(name="--closing-volume", help="Shares a minute before the close.")
]
Atr = Annotated[float | None, Parameter(help="For stop_atr_multiple, USD.")]
Volatility = Annotated[
    float | None, Parameter(name="--daily-volatility", help="For volatility_target_pct, 0.02 = 2%.")
]
Direction = Literal["long", "short"]


@app.command(name="show")
def show(*, config: ConfigFile = None, sets: Sets = (), json: Json = False) -> int:
    """Show every limit, its value, which layer set it, and the breakers in words."""
    from tui import risk as work

    return work.show(config, sets, json=json)


@app.command(name="set")
def change(
    *assignments: str,
    why: str = "",
    who: str | None = None,
    history: Annotated[bool, Flag] = False,
    config: ConfigFile = None,
    json: Json = False,
) -> int:
    """Change limits: rotor risk set stop_loss_pct=2 max_heat_pct=8 --why "calmer".

    Only the named keys change, in overrides.toml beside config.toml; all or none of them.
    KEY=default takes an override away. No edit lifts a halt.

    Parameters
    ----------
    why
        The reason, for the history.
    who
        Default: you.
    history
        Show who changed what, when and why, and change nothing.
    """
    from tui import risk as work

    if history:
        return work.told(config, json=json)
    return work.change(assignments, config, who=who, why=why, json=json)


@app.command(name="size")
def size(
    *,
    price: Price,
    equity: Equity,
    cash: Cash = None,
    buying_power: Power = None,
    symbol: Symbol = None,
    direction: Direction = "long",
    positions: Held = 0,
    positions_value: Value = 0.0,
    heat: Heat = 0.0,
    recent_volume: Recent = None,
    closing_volume: Closing = None,
    atr: Atr = None,
    daily_volatility: Volatility = None,
    config: ConfigFile = None,
    sets: Sets = (),
    json: Json = False,
) -> int:
    """Say how many shares the limits allow at a price, which limit binds, and what is at risk."""
    from tui.risk import Trade, sized

    trade = Trade(
        price=price, equity=equity, cash=cash, buying_power=buying_power, symbol=symbol,
        direction=direction, positions=positions, positions_value=positions_value, heat=heat,
        recent_volume=recent_volume, closing_volume=closing_volume, atr=atr,
        daily_volatility=daily_volatility,
    )  # fmt: skip
    return sized(trade, config, sets, json=json)


@app.command(name="check")
def check(
    *,
    price: Price,
    shares: int,
    equity: Equity,
    cash: Cash = None,
    buying_power: Power = None,
    symbol: Symbol = None,
    direction: Direction = "long",
    positions: Held = 0,
    positions_value: Value = 0.0,
    heat: Heat = 0.0,
    recent_volume: Recent = None,
    closing_volume: Closing = None,
    atr: Atr = None,
    daily_volatility: Volatility = None,
    day_pnl: Annotated[float, Parameter(name="--day-pnl", help="Since the open, USD.")] = 0.0,
    drawdown_pct: Annotated[float, Parameter(name="--drawdown-pct", help="From the peak.")] = 0.0,
    losses: Annotated[int, Parameter(help="Losing round trips in a row.")] = 0,
    config: ConfigFile = None,
    sets: Sets = (),
    json: Json = False,
) -> int:
    """Ask every limit and breaker about a trade; exit code 0 if it may be made, 1 if not."""
    from tui.risk import Trade, checked

    trade = Trade(
        price=price, equity=equity, cash=cash, buying_power=buying_power, symbol=symbol,
        direction=direction, positions=positions, positions_value=positions_value, heat=heat,
        recent_volume=recent_volume, closing_volume=closing_volume, atr=atr,
        daily_volatility=daily_volatility,
    )  # fmt: skip
    readings = {"day_pnl": day_pnl, "drawdown_pct": drawdown_pct, "losses": losses}
    return checked(trade, shares, readings, config, sets, json=json)
