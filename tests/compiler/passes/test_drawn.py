"""Every pass keeps what a program computes, and the compiled program computes it: on drawn programs."""
from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from built import assert_equal
from drawn import Drawn
from graphflow.compiler.passes import schedule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# sums in another order, and single roundings where NumPy has two
RTOL = {"f": {4: 1e-3, 8: 1e-9}}


def assert_same(got, wanted):
    """Outputs and variables of two runs agree."""
    for value, want in zip([*got[0], *got[1].values()], [*wanted[0], *wanted[1].values()], strict=True):
        assert_equal(value, want, RTOL.get(want.dtype.kind, {}).get(want.dtype.itemsize, 0.0))


def drawn(data, steps, with_variables):
    return Drawn(lambda options: data.draw(st.sampled_from(list(options))), steps, with_variables).program


@pytest.mark.parametrize("with_variables", [False, True])
@given(st.data())
@settings(max_examples=60, suppress_health_check=list(HealthCheck), derandomize=True)
def test_each_pass_keeps_what_is_computed(with_variables, data):
    program = drawn(data, 10, with_variables)
    wanted = program.interpreted()
    for stage in program.stages():
        if not any(op.type == "Fused" for op in stage.graph.operations):
            assert_same(program.interpreted(stage.graph), wanted)


@pytest.mark.parametrize("with_variables", [False, True])
@given(st.data())
@settings(max_examples=15, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_compiled_program_computes_what_the_references_do(with_variables, data):
    program = drawn(data, 8, with_variables)
    with np.errstate(all="ignore"):
        wanted = program.interpreted()
        assert_same(program.run(), wanted)
        with patch.object(schedule, "WORTH", 1e9):  # in another order, better or worse
            assert_same(program.run(), wanted)
