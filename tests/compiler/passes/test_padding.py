"""Borders of zeros join the windows that slide over them, where nothing shows."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, kinds
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import nn, slicing, window
from graphflow.compiler.ops.constant import constant

IMAGES = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("f4")
FILTERS = np.ones((3, 2, 3, 4), "f4")
BORDER = [(0, 0), (1, 2), (2, 0), (0, 0)]


def convolved(x, padding, strides=2):
    return window.conv2d(x, constant(FILTERS), strides, padding)


@pytest.mark.parametrize("build, kept", [
    (lambda x: convolved(slicing.pad(x, BORDER), "VALID"), False),
    (lambda x: convolved(slicing.pad(x, BORDER), [(1, 0), (0, 1)]), False),
    (lambda x: window.max_pool(slicing.pad(nn.relu(x), [(0, 0), (1, 1), (1, 1), (0, 0)]), 3, 2, "VALID"), False),
    # zeros that may be a maximum, or all of a window; another value; zeros beside other axes; padding that is none
    (lambda x: window.max_pool(slicing.pad(x, BORDER), 3, 2, "VALID"), True),
    (lambda x: window.max_pool(slicing.pad(ew.exp(x), [(0, 0), (3, 0), (0, 0), (0, 0)]), 3, 2, "VALID"), True),
    (lambda x: window.max_pool(slicing.pad(nn.relu(x), BORDER), 3, 2, "SAME"), True),
    (lambda x: convolved(slicing.pad(x, BORDER, constant_values=1), "VALID"), True),
    (lambda x: convolved(slicing.pad(x, [(1, 0), (0, 0), (0, 0), (0, 0)]), "VALID"), True),
])
def test_zeros_around_images(build, kept):
    for unknown in (False, True):
        program = Program(build, IMAGES, unknown=unknown)
        assert ("Place" in kinds(program.after("order"))) == kept
        program.check()
