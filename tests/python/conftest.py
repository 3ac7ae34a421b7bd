"""What every Python test shares: the hypothesis profile."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A machine that is shared or emulated must not turn a slow example into a failure.
settings.register_profile("fewbits", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fewbits-ci", settings.get_profile("fewbits"), derandomize=True)
settings.load_profile("fewbits-ci" if os.environ.get("CI") else "fewbits")
