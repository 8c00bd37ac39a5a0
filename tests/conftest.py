"""How often a law is tried, and what the tests of this folder need."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.needs import needing

#: `all` is CI's; a few, the same at each run, will do elsewhere, and fewer still where they have been run already, on
#: another Python or with other releases. `thorough` runs each law 100,000 times, and kills more often.
settings.register_profile("all", max_examples=100, deadline=None, derandomize=True, database=None)
settings.register_profile("few", settings.get_profile("all"), max_examples=12)
settings.register_profile("fewer", settings.get_profile("all"), max_examples=5)
settings.register_profile(
    "thorough", max_examples=100_000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "all" if "CI" in os.environ else "few"))

pytest_pycollect_makemodule = needing(
    test_dlt=("dlt", "deliver", "sandbox"),
    test_docs=("cli", "deliver", "sandbox"),
    test_hooks=("cli", "testing"),
    test_site=("site",),
)


@pytest.fixture(scope="session", autouse=True)
def _bytecode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where no bytecode is to be written, each process of the tests would compile the library anew: not here.

    Workers of one run share what is compiled.
    """
    with pytest.MonkeyPatch.context() as patch:
        if sys.dont_write_bytecode:
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            own = tmp_path_factory.getbasetemp()
            patch.setenv(
                "PYTHONPYCACHEPREFIX", str((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "bytecode")
            )
        yield
