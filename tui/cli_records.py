"""`rotor runs | analytics | signals | portfolio | rebuild`; the work is imported late."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from tui.options import Database, Flag, Scope

Asked = Annotated[Scope, Parameter(name="*")]
Where = Annotated[Database, Parameter(name="*")]
Json = Annotated[bool, Parameter(negative="", help="Print JSON and nothing else.")]
Csv = Annotated[bool, Parameter(negative="", help="Print CSV and nothing else.")]
_SCOPE = Scope()
_WHERE = Database()

runs = App(
    name="runs",
    help="""The runs that the database knows.

    Sums count live runs and one backtest per strategy: the newest that finished, or the one that
    `rotor runs use` pins. Replaying the same month five times counts it once.""",
)
analytics = App(
    name="analytics",
    help="""What trades came to: overview, by strategy, symbol, exit, hour, weekday; deciles; IC.

    Example: rotor analytics overview --from 2025-04-01 --to 2025-04-30""",
)
signals = App(
    name="signals",
    help="""What signals have won, traded or not, and what that decides.

    Example: rotor signals filter --set quality.min_win_rate=0.5""",
)


@runs.command(name="list")
def list_(*, database: Where = _WHERE, json: Json = False, csv: Csv = False) -> int:
    """List all runs, oldest first; `counts` tells which ones sums count."""
    from tui.output import form_of
    from tui.runs import list_runs

    return list_runs(database, form_of(json=json, csv=csv))


@runs.command
def compare(*run: str, database: Where = _WHERE, json: Json = False, csv: Csv = False) -> int:
    """Put runs side by side, with the settings in which they differ.

    Parameters
    ----------
    run
        Run ids or folders, two or more.
    """
    from tui.output import form_of
    from tui.runs import compare_runs

    return compare_runs(run, database, form_of(json=json, csv=csv))


@runs.command
def delete(
    run: str,
    /,
    *,
    files: Annotated[bool, Flag] = False,
    yes: Annotated[bool, Flag] = False,
    database: Where = _WHERE,
) -> int:
    """Forget a run. Its folder stays, and `rotor rebuild FOLDER` brings it back.

    Parameters
    ----------
    run
        Run id or folder.
    files
        Delete the run's records too, for good; needs --yes.
    yes
        Yes, delete the records.
    """
    from tui.runs import delete_run

    return delete_run(run, database, files=files, yes=yes)


@runs.command
def use(run: str, /, *, database: Where = _WHERE) -> int:
    """Make a backtest the one that counts for its strategy.

    Parameters
    ----------
    run
        Run id or folder.
    """
    from tui.runs import use_run

    return use_run(run, database)


def rebuild(*run: str, database: Where = _WHERE, json: Json = False) -> int:
    """Read runs anew from their journals into the database; the result is the same.

    Parameters
    ----------
    run
        Run ids or folders. Default: every run that the database knows; one whose folder is gone
        keeps its rows and is named. If the database knows none: those below [records] runs_dir.
    """
    from tui.rebuild import rebuild_runs

    return rebuild_runs(run, database, json=json)


def verify(run: str, /, *, database: Where = _WHERE, json: Json = False) -> int:
    """Check a run's records: nothing was changed, the accounts add up, and the recorded inputs lead
    to the recorded decisions again. Exit code 1 if something does not hold.

    Works on runs that ended and on runs that were killed at any moment.

    Parameters
    ----------
    run
        Run id or folder.
    """
    from tui.verify import verify_command

    return verify_command(run, database, json=json)


def explain(
    run: str, trade: str | None = None, /, *, database: Where = _WHERE, json: Json = False
) -> int:
    """Tell why a trade was made and what came of it: features, contributions, forecast,
    calibration, rank, gates, orders, fills, outcome.

    Parameters
    ----------
    run
        Run id or folder.
    trade
        The round trip's number, or the id of its signal or of an order. Default: list them.
    """
    from tui.explain import explain_command

    return explain_command(run, trade, database, json=json)


def portfolio(
    run: str | None = None, /, *, database: Where = _WHERE, json: Json = False, csv: Csv = False
) -> int:
    """Show equity and positions of the running session, or of a recorded run.

    Parameters
    ----------
    run
        Run id or folder. Default: the session that runs, else the newest run.
    """
    from tui.output import form_of
    from tui.portfolio import show_portfolio

    return show_portfolio(run, database, form_of(json=json, csv=csv))


@analytics.command
def overview(
    *, scope: Asked = _SCOPE, database: Where = _WHERE, json: Json = False, csv: Csv = False
) -> int:
    """Trades, win rate and its interval, profit factor, expectancy; backtest and live apart."""
    from tui.analytics import show_overview
    from tui.output import form_of

    return show_overview(scope, database, form_of(json=json, csv=csv))


@analytics.command
def strategy(
    name: str,
    /,
    *,
    scope: Asked = _SCOPE,
    database: Where = _WHERE,
    json: Json = False,
    csv: Csv = False,
) -> int:
    """A strategy by symbol.

    Parameters
    ----------
    name
        As in [strategy] name.
    """
    from tui.analytics import show_strategy
    from tui.output import form_of

    return show_strategy(name, scope, database, form_of(json=json, csv=csv))


def _grouped(view: str, words: str) -> None:
    def command(
        *, scope: Asked = _SCOPE, database: Where = _WHERE, json: Json = False, csv: Csv = False
    ) -> int:
        from tui.analytics import show_groups
        from tui.output import form_of

        return show_groups(view, scope, database, form_of(json=json, csv=csv))

    command.__doc__ = words
    analytics.command(command, name=view)


_grouped("symbols", "Trades by symbol.")
_grouped("exits", "Trades by the decision that ended them.")
_grouped("hours", "Trades by the New York hour of their entry.")
_grouped("weekdays", "Trades by the weekday of their entry.")
_grouped("directions", "Trades by direction.")


@analytics.command
def deciles(
    *,
    by: Literal["confidence", "strength", "edge", "probability"] = "confidence",
    scope: Asked = _SCOPE,
    database: Where = _WHERE,
    json: Json = False,
    csv: Csv = False,
) -> int:
    """How signals did by decile of a figure of theirs, traded or not.

    Parameters
    ----------
    by
        The figure.
    """
    from tui.analytics import show_deciles
    from tui.output import form_of

    return show_deciles(by, scope, database, form_of(json=json, csv=csv))


@analytics.command
def horizons(
    *, scope: Asked = _SCOPE, database: Where = _WHERE, json: Json = False, csv: Csv = False
) -> int:
    """IC and hit rate of the forecasts by horizon, each made before what it is held against."""
    from tui.analytics import show_horizons
    from tui.output import form_of

    return show_horizons(scope, database, form_of(json=json, csv=csv))


@signals.command
def quality(
    *, scope: Asked = _SCOPE, database: Where = _WHERE, json: Json = False, csv: Csv = False
) -> int:
    """What signals have won by symbol, direction and confidence, traded or not."""
    from tui.output import form_of
    from tui.signals import show_quality

    return show_quality(scope, database, form_of(json=json, csv=csv))


@signals.command
def calibration(
    *, scope: Asked = _SCOPE, database: Where = _WHERE, json: Json = False, csv: Csv = False
) -> int:
    """Brier, log-loss, ECE and the reliability table; raw probabilities against calibrated ones."""
    from tui.output import form_of
    from tui.signals import show_calibration

    return show_calibration(scope, database, form_of(json=json, csv=csv))


@signals.command(name="filter")
def filter_(
    *, scope: Asked = _SCOPE, database: Where = _WHERE, json: Json = False, csv: Csv = False
) -> int:
    """Which signals pass, are rejected, or are unproven, by the rules now in force."""
    from tui.output import form_of
    from tui.signals import show_filter

    return show_filter(scope, database, form_of(json=json, csv=csv))
