"""`rotor --version`."""

from importlib.metadata import version

from tui.cli import main


def test_it_is_the_distributions(capsys):
    """Not that of the package which holds the command line: it said 0.0.0."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == version("rotor")
