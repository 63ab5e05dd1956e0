"""The whole configuration as one validated, frozen value.

KEY INPUT: a profile's name, config.toml text, overrides text, `--set section.key=value` strings.
KEY OUTPUT: Config; or ConfigError that names every wrong key and what would be right.

Units: `_pct` is a percentage (2.0 = 2%), `_bps` basis points, `_minutes` session minutes,
strengths and probabilities are fractions. Every field carries its reload class:
`live` (at the next frame's border), `next entry` (positions keep what they have) or `restart`.
"""

import hashlib
from collections.abc import Sequence
from math import inf
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.errors import ConfigError
from engine.layers import Layer, layer_of, layer_of_sets, validated
from engine.profiles import DEFAULT, profile_layer

Reload = Literal["live", "next entry", "restart"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
PositivePercent = Annotated[float, Field(gt=0, le=100)]
Multiple = Annotated[float, Field(gt=0, le=600)]
"""A percentage of equity that leverage may carry beyond 100."""
Minutes = Annotated[int, Field(ge=0, le=390)]
Lowerable = Literal[
    "quality.earned_slope",
    "quality.half_life_sessions",
    "quality.min_outcomes",
    "quality.min_shadow_sessions",
    "quality.min_win_rate",
    "rotation.min_edge_bps",
]
"""Keys that real money takes below their defaults only if [live] accept names them."""
AlertKind = Literal["halt", "breaker", "disconnect", "reject", "end", "watchdog"]


def _key(default: Any, reload: Reload = "live", **bounds: Any) -> Any:
    """Declare one key: its default, its reload class, its bounds."""
    extra: dict[str, Any] = {"reload": reload}
    if callable(default):
        return Field(default_factory=default, json_schema_extra=extra, **bounds)
    return Field(default, json_schema_extra=extra, **bounds)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Profile(_Section):
    """Which named set of settings lies below what is set by hand."""

    name: str = _key(DEFAULT, "live", min_length=1)


class Strategy(_Section):
    """Who trades."""

    name: str = _key("rotation-ewrls", "restart", min_length=1)


class Universe(_Section):
    """What may be traded, and how the symbols hang together."""

    symbols: tuple[str, ...] = _key(
        ("SDS", "SQQQ", "SSO", "SVIX", "TQQQ", "UVXY"), "restart", min_length=1
    )
    leverage: dict[str, float] = _key(
        lambda: {
            "TQQQ": 3.0, "SQQQ": -3.0, "UPRO": 3.0, "SPXU": -3.0, "SSO": 2.0, "SDS": -2.0,
            "TNA": 3.0, "TZA": -3.0, "FAS": 3.0, "FAZ": -3.0, "ERX": 2.0, "ERY": -2.0,
            "UVXY": 1.5, "SVIX": -1.0,
        },
        "restart",
    )  # fmt: skip
    underlying: dict[str, str] = _key(
        lambda: {
            "TQQQ": "NDX", "SQQQ": "NDX", "UPRO": "SPX", "SPXU": "SPX", "SSO": "SPX", "SDS": "SPX",
            "TNA": "RTY", "TZA": "RTY", "FAS": "FIN", "FAZ": "FIN", "ERX": "ENG", "ERY": "ENG",
            "UVXY": "VIX", "SVIX": "VIX",
        },
        "restart",
    )  # fmt: skip
    twins: tuple[tuple[str, str], ...] = _key(
        (
            ("TQQQ", "SQQQ"), ("SSO", "SDS"), ("UPRO", "SDS"), ("UPRO", "SPXU"), ("SSO", "SPXU"),
            ("UVXY", "SVIX"), ("TNA", "TZA"), ("FAS", "FAZ"), ("ERX", "ERY"),
        ),
        "next entry",
    )  # fmt: skip

    def sign(self, symbol: str) -> float:
        """Return +1 if the symbol gains when the market rises, −1 if it falls (volatility up)."""
        direction = 1.0 if self.leverage.get(symbol, 1.0) >= 0 else -1.0
        return -direction if self.underlying.get(symbol) == "VIX" else direction


class SessionRules(_Section):
    """When entries end, when the book is flattened, how much history a run starts with."""

    flatten_before_close_minutes: int = _key(2, "live", ge=2, le=60)
    no_entries_before_close_minutes: Minutes = _key(30)
    warmup_sessions: int = _key(60, "restart", ge=0, le=500)


class Learning(_Section):
    """How each symbol's predictor learns."""

    predictor: str = _key("ewrls", "restart", min_length=1)
    horizons: tuple[int, ...] = _key((15, 30, 60), "restart", min_length=1, max_length=8)
    forgetting: float = _key(0.9999, "restart", gt=0.9, le=1)
    ridge: float = _key(3000.0, "restart", gt=0)
    warm_rows: int = _key(500, "restart", ge=0)
    seed: int = _key(0, "restart", ge=0, le=2**63 - 1)
    options: dict[str, Any] = _key(dict, "restart")

    @field_validator("options")
    @classmethod
    def _plain(cls, options: dict[str, Any]) -> dict[str, Any]:
        for key, value in options.items():
            if not isinstance(value, str | int | float) or value in (inf, -inf) or value != value:
                raise ValueError(
                    f"options.{key} = {value!r}: text, a finite number, true or false is wanted"
                )
        return options

    def numbers(self) -> dict[str, float]:
        """Return the keys that any predictor may use, by name."""
        return {
            "forgetting": self.forgetting,
            "ridge": self.ridge,
            "warm_rows": float(self.warm_rows),
            "seed": float(self.seed),
        }

    @model_validator(mode="after")
    def _horizons_rise(self) -> "Learning":
        if list(self.horizons) != sorted(set(self.horizons)) or not (
            self.horizons[0] >= 1 and self.horizons[-1] <= 240
        ):
            raise ValueError("horizons must rise strictly, each 1 to 240 minutes")
        return self


class SignalThresholds(_Section):
    """From a probability to a direction."""

    buy_threshold: Fraction = _key(0.505)
    sell_threshold: Fraction = _key(0.495)

    @model_validator(mode="after")
    def _ordered(self) -> "SignalThresholds":
        if self.sell_threshold > self.buy_threshold:
            raise ValueError("sell_threshold must not be above buy_threshold")
        return self


class Quality(_Section):
    """What a signal must have earned before money is put on it."""

    min_win_rate: Fraction = _key(0.55)
    unproven: Literal["allow", "shrink", "hide"] = _key("allow")
    min_outcomes: int = _key(10, "live", ge=1, le=1000)
    half_life_sessions: float = _key(40.0, "restart", gt=0, le=1000)
    track_record: Literal["on", "off"] = _key("off")
    earned_slope: Literal["on", "off"] = _key("on")
    min_shadow_sessions: int = _key(20, "live", ge=1, le=250)


class Rotation(_Section):
    """Who enters, who stays, who makes room."""

    max_positions: int = _key(3, "live", ge=1, le=100)
    min_strength_to_enter: Fraction = _key(0.005)
    min_strength_to_hold: Fraction = _key(0.002)
    min_rank_to_hold: int = _key(5, "live", ge=1)
    rotation_strength_delta: Fraction = _key(0.005)
    cooldown_minutes: Minutes = _key(15)
    min_hold_minutes: Minutes = _key(30)
    max_hold_minutes: int = _key(120, "live", ge=1, le=390)
    max_cold_minutes: int = _key(15, "live", ge=1, le=390)
    min_edge_bps: float = _key(1.0, "live", ge=-10_000, le=10_000)
    allow_short: bool = _key(default=False, reload="next entry")

    @model_validator(mode="after")
    def _hysteresis(self) -> "Rotation":
        if self.min_strength_to_hold > self.min_strength_to_enter:
            raise ValueError("min_strength_to_hold must not be above min_strength_to_enter")
        if self.min_hold_minutes > self.max_hold_minutes:
            raise ValueError("min_hold_minutes must not be above max_hold_minutes")
        return self


class Risk(_Section):
    """How much may be lost, per trade and in all; what stops new entries, and for how long."""

    risk_per_trade_pct: PositivePercent = _key(2.0, "next entry")
    max_position_pct: PositivePercent = _key(34.0, "next entry")
    symbol_max_position_pct: dict[str, PositivePercent] = _key(dict, "next entry")
    entry_limit_pct: float = _key(0.5, "next entry", ge=0, le=10)
    volatility_target_pct: Percent = _key(0.0, "next entry")
    max_heat_pct: PositivePercent = _key(10.0, "next entry")
    max_gross_exposure_pct: Multiple = _key(100.0, "next entry")
    max_net_exposure_pct: Multiple = _key(100.0, "next entry")
    max_underlying_exposure_pct: Multiple = _key(150.0, "next entry")
    max_correlation: Fraction = _key(1.0, "next entry")
    max_orders_per_minute: int = _key(60, "live", ge=1, le=1000)
    stop_loss_pct: PositivePercent = _key(1.5, "next entry")
    stop_atr_multiple: float = _key(0.0, "next entry", ge=0, le=100)
    take_profit_pct: PositivePercent = _key(3.0, "next entry")
    trailing_stop_pct: Percent = _key(1.0, "next entry")
    daily_loss_pct: PositivePercent = _key(5.0)
    daily_loss_rearm: Literal["session", "manual"] = _key("session")
    drawdown_pct: PositivePercent = _key(10.0)
    drawdown_rearm: Literal["session", "manual"] = _key("manual")
    max_consecutive_losses: int = _key(3, "live", ge=1)
    consecutive_losses_rearm: Literal["cooldown", "session", "manual"] = _key("cooldown")
    losses_cooldown_minutes: int = _key(60, "live", ge=1, le=390)
    stale_data_minutes: int = _key(3, "live", ge=1, le=390)
    max_jump_pct: float = _key(25.0, "live", gt=0, le=1000)
    max_rejects_in_a_row: int = _key(3, "live", ge=1)
    fault_rearm_minutes: int = _key(2, "live", ge=0, le=390)


class Inbox(_Section):
    """Whether entries wait for approval."""

    mode: Literal["auto", "approve"] = _key("auto")
    expiry_minutes: int = _key(5, "live", ge=1, le=120)


class Costs(_Section):
    """What a fill costs: spread and impact inside the price, fees beside it."""

    tick_usd: float = _key(0.01, "restart", gt=0, le=1)
    min_half_spread_bps: float = _key(1.0, "restart", ge=0, le=100)
    impact_bps: float = _key(5.0, "restart", ge=0, le=1000)
    forced_close_bps: float = _key(25.0, "restart", ge=0, le=1000)
    fees: bool = _key(default=True, reload="restart")


class Simulation(_Section):
    """The simulated account and its market."""

    starting_capital: float = _key(100_000.0, "restart", ge=1, le=1e12)
    participation_pct: PositivePercent = _key(10.0, "restart")
    both_touched: Literal["stop", "target"] = _key("stop", "restart")


class Records(_Section):
    """Where runs are written and how much of them."""

    runs_dir: str = _key("runs", "restart", min_length=1)
    journal: Literal["full", "trades", "none"] = _key("full", "restart")


class Database(_Section):
    """The store of results."""

    url: str = _key("sqlite:///runs/rotor.db", "restart")


class Live(_Section):
    """Trading on a real account."""

    account: str = _key("", "restart")
    accept: tuple[Lowerable, ...] = _key(())
    feed: Literal["iex", "sip"] = _key("iex", "restart")
    max_order_usd: float = _key(0.0, "live", ge=0)
    max_position_usd: float = _key(0.0, "live", ge=0)
    max_orders_per_day: int = _key(5000, "live", ge=1)
    price_collar_pct: PositivePercent = _key(2.0)
    max_spread_pct: PositivePercent = _key(0.5)
    min_free_mb: int = _key(200, "restart", ge=0, le=10**9)


class Alerts(_Section):
    """Who is told when something happens to a session."""

    urls: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9+]*://\S*$")], ...] = _key(
        (), "restart"
    )
    kinds: tuple[AlertKind, ...] = _key(get_args(AlertKind), "restart")
    bell: bool = _key(True, "restart")  # noqa: FBT003 - a key's default
    per_minute: int = _key(6, "restart", ge=1, le=60)

    def shown(self) -> dict[str, Any]:
        """Return the section without what is secret in it: of an address only its kind."""
        urls = tuple(f"{url.partition('://')[0]}://***" for url in self.urls)
        return self.model_dump() | {"urls": urls}


class Api(_Section):
    """The HTTP gateway."""

    host: str = _key("127.0.0.1", "restart")
    port: int = _key(8321, "restart", ge=0, le=65535)


class Optimize(_Section):
    """The parameter search."""

    trials: int = _key(50, "restart", ge=1)
    seed: int = _key(0, "restart", ge=0, le=2**63 - 1)


class Config(_Section):
    """Everything that can be chosen, in the order of a bar's life."""

    profile: Profile = Profile()
    strategy: Strategy = Strategy()
    universe: Universe = Universe()
    session: SessionRules = SessionRules()
    learning: Learning = Learning()
    signal: SignalThresholds = SignalThresholds()
    quality: Quality = Quality()
    rotation: Rotation = Rotation()
    risk: Risk = Risk()
    inbox: Inbox = Inbox()
    costs: Costs = Costs()
    simulation: Simulation = Simulation()
    records: Records = Records()
    database: Database = Database()
    live: Live = Live()
    alerts: Alerts = Alerts()
    api: Api = Api()
    optimize: Optimize = Optimize()

    def sha256(self) -> str:
        """Return a hash of every setting that can change a decision (not of where files go)."""
        aside: dict[str, Any] = dict.fromkeys(_UNDECIDING, True)
        if not self.learning.options:  # a key of later versions: what never had it keeps its hash
            aside["learning"] = {"options"}
        deciding = self.model_dump_json(exclude=aside)
        return hashlib.sha256(deciding.encode()).hexdigest()


_UNDECIDING = {"profile", "records", "database", "live", "alerts", "api", "optimize"}
NOT_YET = {
    "api": tuple(Api.model_fields),
    "optimize": tuple(Optimize.model_fields),
}
"""Keys that are accepted and validated but have no effect yet."""


def load_config(
    toml: str = "",
    *,
    name: str = "config.toml",
    source: str = "",
    overrides: str = "",
    overrides_name: str = "overrides.toml",
    sets: Sequence[str] = (),
    profile: str | None = None,
) -> tuple[Config, tuple[str, ...]]:
    """Validate defaults < profile < `toml` < `source` < `overrides` < `sets`.

    `source` is the text of a bar source's own config.toml. Return the configuration and the keys
    that were set but have no effect yet. Raises ConfigError that names every wrong key, the layer
    and the line that it stands in, its value and what is allowed.
    """
    return config_of_layers(
        layers_of(
            toml, name=name, source=source, overrides=overrides, overrides_name=overrides_name,
            sets=sets, profile=profile,
        )
    )  # fmt: skip


def layers_of(
    toml: str = "",
    *,
    name: str = "config.toml",
    source: str = "",
    overrides: str = "",
    overrides_name: str = "overrides.toml",
    sets: Sequence[str] = (),
    profile: str | None = None,
) -> tuple[Layer, ...]:
    """Return the layers above the defaults, lowest first, as `load_config` takes them.

    `profile` is that of the command line, which goes over what the layers say. Raises ConfigError
    for an unknown one, and for text that is no TOML.
    """
    own = layer_of(toml, name, listing=True)
    above = (
        layer_of(source, "the source's config.toml"),
        layer_of(overrides, overrides_name),
        layer_of_sets(sets),
    )
    asked = Layer("--profile", {} if profile is None else {"profile": {"name": profile}})
    return _profile((own, *above, asked)), own, *above, asked


def config_of_layers(layers: Sequence[Layer]) -> tuple[Config, tuple[str, ...]]:
    """Return what layers come to, as `load_config` does."""
    config, tables = validated(Config, layers)
    profile, _, *above = layers
    _check_accept((profile, *above))
    idle = tuple(
        f"{section}.{key}"
        for section, keys in NOT_YET.items()
        for key in keys
        if key in tables.get(section, {})
        and getattr(getattr(config, section), key) != getattr(getattr(Config(), section), key)
    )
    return config, idle


def _profile(layers: Sequence[Layer]) -> Layer:
    """Return the layer of the profile that the highest of these layers names."""
    path = ("profile", "name")
    for layer in reversed(layers):
        table = layer.tables.get("profile")
        named = table.get("name") if isinstance(table, dict) else None
        if isinstance(named, str):  # else it is a fault, told with the others
            line = layer.line(path)
            where = layer.name if line is None else f"{layer.name}, line {line}"
            said = "" if layer.name == "--profile" else " profile.name ="
            return profile_layer(named, f"{where}:{said} {named!r}")
    return profile_layer(DEFAULT, "")


def _check_accept(layers: Sequence[Layer]) -> None:
    """Raise ConfigError for a `[live] accept` in one of these layers."""
    for layer in layers:
        if "accept" in layer.tables.get("live", {}):
            raise ConfigError(
                f"{layer.name}: live.accept: what real money accepts stands in config.toml alone"
            )


def reload_class(section: str, key: str) -> Reload:
    """Return when a change of the key takes effect; raises KeyError for an unknown key."""
    extra = Config.model_fields[section].default.__class__.model_fields[key].json_schema_extra
    return extra["reload"]  # type: ignore[no-any-return]
