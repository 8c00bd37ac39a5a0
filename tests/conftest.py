"""Hypothesis profiles: the suite runs the quick one; HYPOTHESIS_PROFILE=thorough runs each law 100,000 times."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=200, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "thorough", max_examples=100_000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
