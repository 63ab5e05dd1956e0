"""`rotor risk …`: what each command takes and what it teaches; the work is imported late."""

from typing import Annotated

from cyclopts import App, Parameter

from tui.options import ConfigFile, Flag, Json, Sets, Trade

Asked = Annotated[Trade, Parameter(name="*")]

app = App(name="risk", help="The risk limits: what is in force, what a trade may be.")


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
    trade: Asked,
    config: ConfigFile = None,
    sets: Sets = (),
    json: Json = False,
) -> int:
    """Say how many shares the limits allow at a price, which limit binds, and what is at risk."""
    from tui.risk import sized

    return sized(trade, config, sets, json=json)


@app.command(name="check")
def check(
    *,
    trade: Asked,
    shares: int,
    day_pnl: Annotated[float, Parameter(name="--day-pnl", help="Since the open, USD.")] = 0.0,
    drawdown_pct: Annotated[float, Parameter(name="--drawdown-pct", help="From the peak.")] = 0.0,
    losses: Annotated[int, Parameter(help="Losing round trips in a row.")] = 0,
    config: ConfigFile = None,
    sets: Sets = (),
    json: Json = False,
) -> int:
    """Ask every limit and breaker about a trade; exit code 0 if it may be made, 1 if not."""
    from tui.risk import checked

    readings = {"day_pnl": day_pnl, "drawdown_pct": drawdown_pct, "losses": losses}
    return checked(trade, shares, readings, config, sets, json=json)
