"""Migrations: from any older schema to the one that the code knows, by Alembic.

KEY INPUT: a connection in a transaction.
KEY OUTPUT: the schema at the last revision. A new one is drafted by
`alembic.command.revision(config(), autogenerate=True)` and read before it is kept.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, for a connection if there is one."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["connection"] = connection
    return made


def upgrade(connection: Connection) -> None:
    """Bring the schema to the last revision."""
    command.upgrade(config(connection), "head")


def revisions() -> set[str]:
    """Return all revisions that the code knows."""
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
