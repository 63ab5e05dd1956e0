"""What columns are made of: UTC moments, exact money, signals.

KEY INPUT: aware datetimes, micro-dollars.
KEY OUTPUT: column types that give the same values back on SQLite and PostgreSQL.
"""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Integer
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class Utc(TypeDecorator[dt.datetime]):
    """An aware moment, kept and given back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, _dialect: Dialect) -> Any:
        """Take an aware datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value}: a moment without a time zone")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, _dialect: Dialect) -> Any:
        """Give an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Table(SQLModel):
    """A table with a surrogate key."""

    id: int | None = Field(default=None, primary_key=True)


def run_key() -> Any:
    """Return the column that says of which run a row is; it goes when the run goes."""
    return Field(sa_type=Integer, sa_column_args=[ForeignKey("runs.id", ondelete="CASCADE")])


def big(*, optional: bool = False) -> Any:
    """Return a column of whole numbers beyond 2^31: micro-dollars, milliseconds."""
    if optional:
        return Field(default=None, sa_type=BigInteger)
    return Field(sa_type=BigInteger)


def moment(*, optional: bool = False) -> Any:
    """Return a column of a UTC moment."""
    if optional:
        return Field(default=None, sa_type=Utc)
    return Field(sa_type=Utc)


class WithSignal(SQLModel):
    """The signal behind a row; all None where there was none."""

    signal_id: str | None = None
    probability: float | None = None
    confidence: float | None = None
    strength: float | None = None
    rank: int | None = None
    edge_bps: float | None = None
    win_rate: float | None = None
    verdict: str | None = None
