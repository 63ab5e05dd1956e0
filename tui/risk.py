"""`rotor risk show | set | check | size`: the limits, in force and asked about.

KEY INPUT: config.toml with its overrides; an account and a trade as options.
KEY OUTPUT: tables or JSON; overrides.toml and its history.
"""

import datetime as dt
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import orjson

from engine.config import Config, Risk, load_config, reload_class
from engine.errors import BadInputError
from engine.events import Gate
from engine.layers import scalar
from engine.records.overrides import history, patch_overrides, read_overrides
from engine.trading.approval import ADVICE, refusal
from engine.trading.breakers import BREAKERS, Readings
from engine.trading.sizing import Exposure, Limit, Request, Sizing, size
from tui.find_session import who as user
from tui.options import Trade
from tui.prepare import read_text

Json = dict[str, Any]
ALSO = (("rotation", "max_positions"), ("simulation", "participation_pct"),
        ("simulation", "both_touched"))  # fmt: skip
"""Keys beside [risk] that sizing and exits depend on."""


def load(config: Path | None, sets: Sequence[str]) -> Config:
    """Return the configuration in force."""
    text, folder = read_text(config)
    return load_config(text, overrides=read_overrides(folder), sets=sets)[0]


def show(config: Path | None, sets: Sequence[str], *, json: bool) -> int:
    """Print every limit with its value and where it comes from, and the breakers."""
    from tui.risk_table import limits_table

    chosen = load(config, sets)
    rows = [_row(chosen, config, *key) for key in _keys()]
    breakers = [
        {
            "breaker": breaker.gate.name.lower(),
            "measures": " ".join((type(breaker).__doc__ or "").split()),
            "rearms": breaker.rearms(chosen.risk),
        }
        for breaker in BREAKERS
    ]
    if json:
        return _print({"parameters": rows, "breakers": breakers})
    limits_table(rows, breakers)
    return 0


def change(
    assignments: Sequence[str], config: Path | None, *, who: str | None, why: str, json: bool
) -> int:
    """Write overrides.toml (PATCH), and its history."""
    if not assignments:
        raise BadInputError("rotor risk set: name a key, such as risk.stop_loss_pct=2")
    text, folder = read_text(config)
    changes = patch_overrides(
        folder,
        dict(_assignment(item) for item in assignments),
        config_text=text,
        who=who or user(),
        why=why,
        when=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )
    if json:
        return _print({"changes": [asdict(found) for found in changes]})
    for found in changes:
        when = reload_class(*found.key.split(".", 1))
        print(f"{found.key}: {found.old} → {found.new}  [{when}]")  # noqa: T201
    if not changes:
        print("nothing changes: these are the values in force")  # noqa: T201
    return 0


def told(config: Path | None, *, json: bool) -> int:
    """Print the history of overrides.toml."""
    rows = history(read_text(config)[1])
    if json:
        return _print({"history": rows})
    for row in rows:
        why = f": {row['why']}" if row["why"] else ""
        print(f"{row['when']}  {row['key']}: {row['old']} → {row['new']}  by {row['who']}{why}")  # noqa: T201
    if not rows:
        print("no parameter was changed yet")  # noqa: T201
    return 0


def sized(trade: Trade, config: Path | None, sets: Sequence[str], *, json: bool) -> int:
    """Print how many shares the limits allow, and which of them binds."""
    from tui.risk_table import sizing_table

    chosen = load(config, sets)
    answer = _size(trade, chosen)
    shown: Json = {
        "shares": answer.shares,
        "binding": answer.binding,
        "value_usd": round(answer.value_usd, 2),
        "risk_usd": round(answer.risk_usd, 2),
        "risk_pct": answer.risk_usd / trade.equity,
        "stop": round(answer.stop, 4),
        "target": round(answer.target, 4),
        "limits": {name: _shares(allowed) for name, _, allowed in answer.limits},
    }
    if answer.shares < 1:
        refused = refusal(answer)
        name = refused.check.name.lower()
        shown["refused"] = {"check": name, "reason": refused.reason, "advice": refused.advice}
    if json:
        return _print(shown)
    sizing_table(shown)
    return 0


def checked(
    trade: Trade,
    shares: int,
    readings: Mapping[str, float],
    config: Path | None,
    sets: Sequence[str],
    *,
    json: bool,
) -> int:
    """Print every check of a trade; return 0 if it may be made, else 1.

    `readings`: day_pnl in USD, drawdown_pct, losses in a row.
    """
    from tui.risk_table import checks_table

    if shares < 1:
        raise BadInputError(f"--shares {shares}: at least 1")
    chosen = load(config, sets)
    answer = _size(trade, chosen)
    checks = [_limit_check(limit, shares) for limit in answer.limits]
    checks += _breaker_checks(trade, readings, chosen.risk)
    shown: Json = {
        "can_trade": all(check["ok"] for check in checks),
        "checks": checks,
        "risk_usd": round(shares * trade.price * answer.stop_fraction, 2),
        "heat_after_usd": round(trade.heat + shares * trade.price * answer.stop_fraction, 2),
        "stop": round(answer.stop, 4),
        "target": round(answer.target, 4),
    }
    if json:
        _print(shown)
    else:
        checks_table(shown)
    return 0 if shown["can_trade"] else 1


def _size(trade: Trade, config: Config) -> Sizing:
    _sane(trade)
    risk, universe = config.risk, config.universe
    stop = risk.stop_loss_pct / 100
    if risk.stop_atr_multiple > 0:
        if trade.atr is None:
            raise BadInputError("--atr: is needed, since risk.stop_atr_multiple is set")
        stop = min(1.0, risk.stop_atr_multiple * trade.atr / trade.price)
    symbol = (trade.symbol or "").upper()
    cash = trade.equity - trade.positions_value if trade.cash is None else trade.cash
    request = Request(
        symbol=symbol,
        direction=1 if trade.direction == "long" else -1,
        price=trade.price,
        stop=stop,
        target=risk.take_profit_pct / 100,
        leverage=universe.leverage.get(symbol, 1.0),
        underlying=universe.underlying.get(symbol, ""),
        recent_volume=trade.recent_volume if symbol else None,
        closing_volume=trade.closing_volume if symbol else None,
        daily_volatility=trade.daily_volatility,
    )
    exposure = Exposure(
        equity=trade.equity,
        cash=cash,
        buying_power=cash if trade.buying_power is None else trade.buying_power,
        gross=trade.positions_value,
        net=trade.positions_value,
        heat=trade.heat,
        margin=trade.positions_value,
        free_slots=max(1, config.rotation.max_positions - trade.positions),
    )
    return size(request, exposure, risk, config.simulation.participation_pct)


def _sane(trade: Trade) -> None:
    for field in fields(trade):
        value = getattr(trade, field.name)
        if not isinstance(value, float):
            continue
        option = f"--{field.name.replace('_', '-')}"
        if not math.isfinite(value) or value < 0:
            raise BadInputError(f"{option} {value:g}: must be a number, not below zero")
        if field.name in ("price", "equity") and value == 0:
            raise BadInputError(f"{option} 0: must be above zero")
    if trade.positions < 0:
        raise BadInputError(f"--positions {trade.positions}: must not be below zero")


def _limit_check(limit: Limit, shares: int) -> Json:
    name, gate, allowed = limit
    ok = shares <= allowed
    return {
        "check": name,
        "ok": ok,
        "asked": shares,
        "allowed": _shares(allowed),
        "advice": "" if ok else ADVICE.get(gate, ""),
    }


def _breaker_checks(trade: Trade, given: Mapping[str, float], risk: Risk) -> list[Json]:
    day_pnl, drawdown = given["day_pnl"], given["drawdown_pct"]
    if not (math.isfinite(day_pnl) and math.isfinite(drawdown) and 0 <= drawdown < 100):
        raise BadInputError("--day-pnl and --drawdown-pct: a number, and 0 to below 100")
    readings = Readings(
        minute=0,
        equity=trade.equity,
        day_open=trade.equity - day_pnl,
        peak=trade.equity / (1 - drawdown / 100),
        losses=int(given["losses"]),
        rejects=0,
        orders=0,
        stream_lost="",
        data_age=0.0,
        bad_price="",
    )
    rows = []
    for breaker in BREAKERS:
        if breaker.gate not in (Gate.DAILY_LOSS, Gate.DRAWDOWN, Gate.CONSECUTIVE_LOSSES):
            continue
        why = breaker.exceeded(readings, risk)
        name = breaker.gate.name.lower()
        advice = "" if why is None else f"{why}; {ADVICE[breaker.gate]}"
        rows.append({"check": name, "ok": why is None, "advice": advice})
    return rows


def _keys() -> list[tuple[str, str]]:
    return [*(("risk", key) for key in Risk.model_fields), *ALSO]


def _row(chosen: Config, config: Path | None, section: str, key: str) -> Json:
    text, folder = read_text(config)
    layers = (
        ("default", Config()),
        ("config.toml" if config is None else str(config), load_config(text)[0]),
        ("overrides.toml", load_config(text, overrides=read_overrides(folder))[0]),
        ("--set", chosen),
    )
    values = [getattr(getattr(layer, section), key) for _, layer in layers]
    last = max((i for i in range(1, len(values)) if values[i] != values[i - 1]), default=0)
    return {
        "key": f"{section}.{key}",
        "value": values[-1],
        "unit": _unit(key),
        "default": values[0],
        "set_by": layers[last][0],
        "reload": reload_class(section, key),
    }


def _unit(key: str) -> str:
    for ending, unit in (("_pct", "%"), ("_minutes", "minutes"), ("_multiple", "× ATR")):
        if key.endswith(ending):
            return unit
    return ""


def _assignment(item: str) -> tuple[str, Any]:
    name, equals, value = item.partition("=")
    name = name.strip()
    key = name.removeprefix("risk.")
    if not equals or key not in Risk.model_fields:
        known = ", ".join(Risk.model_fields)
        raise BadInputError(f"rotor risk set {item}: write KEY=VALUE; keys are {known}")
    if value.strip() == "default":
        return f"risk.{key}", None
    return f"risk.{key}", scalar(value.strip())


def _shares(allowed: float) -> float | None:
    return round(allowed, 2) if math.isfinite(allowed) else None


def _print(shown: Json) -> int:
    sys.stdout.buffer.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2) + b"\n")
    return 0
