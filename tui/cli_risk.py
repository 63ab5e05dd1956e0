"""`rotor risk …`: what each command takes and what it teaches; the work is imported late."""

from typing import Annotated

from cyclopts import App, Parameter

from tui.options import ConfigFile, Flag, Json, Profile, Rules, Trade, Whose, kind_named

Asked = Annotated[Trade, Parameter(name="*")]
InForce = Annotated[Rules, Parameter(name="*")]
_RULES = Rules()

app = App(name="risk", help="The risk limits: what is in force, what a trade may be.")


@app.command(name="show")
def show(*, rules: InForce = _RULES, json: Json = False) -> int:
    """Show every limit, its value, which layer set it, and the breakers in words."""
    from tui import risk as work

    return work.show(rules, json=json)


@app.command(name="set")
def change(
    *assignments: str,
    why: str = "",
    who: str | None = None,
    history: Annotated[bool, Flag] = False,
    whose: Whose = "paper",
    config: ConfigFile = None,
    profile: Profile = None,
    json: Json = False,
) -> int:
    """Change limits: rotor risk set stop_loss_pct=2 max_heat_pct=8 --why "calmer".

    Only the named keys change, in overrides.paper.toml beside config.toml; all or none of them.
    --kind live, rehearsal or replay has a file of its own: what is set for one holds for no other.
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
        return work.told(config, kind_named(whose), json=json)
    rules = Rules(config=config, profile=profile, whose=whose)
    return work.change(assignments, rules, who=who, why=why, json=json)


@app.command(name="size")
def size(
    *,
    trade: Asked,
    rules: InForce = _RULES,
    json: Json = False,
) -> int:
    """Say how many shares the limits allow at a price, which limit binds, and what is at risk."""
    from tui.risk import sized

    return sized(trade, rules, json=json)


@app.command(name="check")
def check(
    *,
    trade: Asked,
    shares: int,
    day_pnl: Annotated[float, Parameter(name="--day-pnl", help="Since the open, USD.")] = 0.0,
    drawdown_pct: Annotated[float, Parameter(name="--drawdown-pct", help="From the peak.")] = 0.0,
    losses: Annotated[int, Parameter(help="Losing round trips in a row.")] = 0,
    rules: InForce = _RULES,
    json: Json = False,
) -> int:
    """Ask every limit and breaker about a trade; exit code 0 if it may be made, 1 if not."""
    from tui.risk import checked

    readings = {"day_pnl": day_pnl, "drawdown_pct": drawdown_pct, "losses": losses}
    return checked(trade, shares, readings, rules, json=json)
