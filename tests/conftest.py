"""What every test shares: data beside the repository, quiet threads, examples without a clock."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Two test processes on two cores: more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow moment of the machine is no fault of what is tested.
settings.register_profile("maskgui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("maskgui")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images and oracles; a test that needs it skips where it is missing."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared test data is not beside the repository")
    return folder
