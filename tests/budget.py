"""How many examples Hypothesis tries: few and always the same in `ci`, many at random in `nightly`.

ROTOR_HYPOTHESIS or pytest's --hypothesis-profile chooses; `ci` is the default. A test with a budget
of its own takes a share of the profile's: `@examples(0.2)`.
"""

import os

from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("ROTOR_HYPOTHESIS", "ci")
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def register_profiles():
    """Register both profiles and load the chosen one."""
    settings.register_profile("ci", max_examples=50, derandomize=True, **_COMMON)
    settings.register_profile(
        "nightly", max_examples=2000, derandomize=False, print_blob=True, **_COMMON
    )
    settings.load_profile(PROFILE)


def examples(share, **more):
    """Return settings with a share of the profile's examples, at least one."""
    return settings(max_examples=max(1, round(settings.default.max_examples * share)), **more)
