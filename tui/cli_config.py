"""`rotor config …`: the settings, and where each comes from; the work is imported late."""

from typing import Annotated

from cyclopts import App, Parameter

from tui.options import Flag, Json, Rules

app = App(
    name="config",
    help="""The settings in force, and the profiles below them.

    Defaults < profile < config.toml < the bars' own config.toml < overrides < --set.

    Example: rotor config show --profile explore --changed""",
)
InForce = Annotated[Rules, Parameter(name="*")]
_RULES = Rules()


@app.command(name="show")
def show(
    *, rules: InForce = _RULES, changed: Annotated[bool, Flag] = False, json: Json = False
) -> int:
    """Show every key with its value and the layer that it comes from.

    Parameters
    ----------
    changed
        Only those that are not at their default.
    """
    from tui.config import show_settings

    return show_settings(rules, changed=changed, json=json)


@app.command(name="profiles")
def profiles(*, json: Json = False) -> int:
    """Show the named sets of settings (--profile NAME, or [profile] name in config.toml)."""
    from tui.config import show_profiles

    return show_profiles(json=json)
