"""Hypothesis runs the same examples everywhere."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "rotor", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rotor")
