"""What every test process shares: one kernel cache per run, few threads per process, patient property tests."""
from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

# before anything imports Numba: the test processes share the machine, and two threads are enough to meet every race
os.environ.setdefault("NUMBA_NUM_THREADS", "2")

# a first example may compile kernels, so its time says nothing
settings.register_profile("graphflow", deadline=None)
settings.load_profile("graphflow")

_OWN_CACHE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Point GRAPHFLOW_CACHE_DIR at a fresh folder, unless the caller has; pytest-xdist's workers inherit it."""
    if "GRAPHFLOW_CACHE_DIR" not in os.environ:
        folder = config.stash[_OWN_CACHE] = tempfile.mkdtemp(prefix="graphflow-tests-")
        os.environ["GRAPHFLOW_CACHE_DIR"] = folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first, so that no process is left alone with them."""
    items.sort(key=lambda item: not item.path.name.startswith("test_examples"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder that this process made."""
    folder = config.stash.get(_OWN_CACHE, None)
    if folder is not None:
        del os.environ["GRAPHFLOW_CACHE_DIR"]
        shutil.rmtree(folder, ignore_errors=True)
