"""What every Python test shares: the hypothesis profile and the folder of large sample data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[2]

# A machine that is shared or emulated must not turn a slow example into a failure.
settings.register_profile("fewbits", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fewbits-ci", settings.get_profile("fewbits"), derandomize=True)
settings.load_profile("fewbits-ci" if os.environ.get("CI") else "fewbits")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of sample data too large for the repository: ``data/`` of ``shared`` beside it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is missing")
        pytest.skip("no shared/data beside the repository")
    return folder
