"""Faults on purpose."""

from typing import TYPE_CHECKING

from actors.exchange.wire import Json

if TYPE_CHECKING:
    from actors.exchange.floor import Floor


class Faults:
    """What goes wrong now."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self.symbol_limit: int | None = None

    def on_event(self, update: Json) -> list[Json]:
        """Not built yet."""
        return [update]

    def on_bars(self, items: list[Json]) -> list[Json]:
        """Not built yet."""
        return items

    def stream_refusal(self) -> int | None:
        """Not built yet."""
        return None

    def refuses_streams(self) -> bool:
        """Not built yet."""
        return False

    skew_ns = 0

    def rejects_order(self) -> bool:
        """Not built yet."""
        return False

    def inject(self, asked: Json) -> None:
        """Not built yet."""
        raise NotImplementedError

    def state(self) -> list[Json]:
        """Not built yet."""
        return []
