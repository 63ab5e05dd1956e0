"""`rotor web`; the work is imported late."""

from typing import Annotated

from tui.options import AS_USUAL, Flag, Looks


def web(
    session: str | None = None,
    /,
    *,
    port: int = 8080,
    readonly: Annotated[bool, Flag] = False,
    look: Looks = AS_USUAL,
    browser: Annotated[bool, Flag] = False,
) -> int:
    """Show the cockpit of a running session in a browser, on this machine alone.

    Prints an address with a token: whoever has it can trade. Every tab is a viewer of its own;
    closing one, or this server, changes nothing about trading. From elsewhere, through ssh:
    ssh -L 8080:127.0.0.1:8080 HOST

    Parameters
    ----------
    session
        Run id or run folder. Default: the only session started in this folder.
    port
        On 127.0.0.1; 0 for any that is free.
    readonly
        Look only: no command is sent.
    browser
        Open it in the default browser.
    """
    from tui.web import WebRequest, web_command

    return web_command(
        WebRequest(session=session, port=port, readonly=readonly, look=look, open_browser=browser)
    )
