"""Each test has a graph and names of its own."""
from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from graphflow import keras


@pytest.fixture(autouse=True)
def fresh_names() -> Iterator[None]:
    keras.backend.reset_uids()
    random.seed(0)
    np.random.seed(0)
    yield
