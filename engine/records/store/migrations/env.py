"""Alembic's entry: it runs on the connection that database.py opened."""

from alembic import context
from sqlmodel import SQLModel

from engine.records.store import tables

assert tables.Run.metadata is SQLModel.metadata
connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True,
    compare_type=True,
)  # fmt: skip
with context.begin_transaction():
    context.run_migrations()
