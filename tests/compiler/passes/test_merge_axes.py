"""Groups of channels: work element by element keeps the channels as one axis, so that loops walk all of them."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, kinds
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import view
from graphflow.compiler.ops.reduction import reduce_max, reduce_mean, reduce_sum

RNG = np.random.default_rng(0)
SHAPE, GROUPS = (3, 5, 4, 6), 3
X, DY = (RNG.standard_normal(SHAPE).astype(np.float32) for _ in "12")
SCALE = RNG.standard_normal(SHAPE[-1]).astype(np.float32)


def group_norm(x, scale):
    split = view.reshape(x, (*x.dims[:-1], GROUPS, 2))
    centred = split - reduce_mean(split, (1, 2, 4), keepdims=True)
    deviation = ew.sqrt(reduce_mean(ew.square(centred), (1, 2, 4), keepdims=True) + 1e-3)
    return view.reshape(centred / deviation, x.dims) * scale


def with_gradients(x, dy, scale):
    y = group_norm(x, scale)
    return [y, *gradients(y, [x, scale], dy)]


def shapes(graph):
    return {t.dims for op in graph.operations if op.type != "Reshape" for t in op.outputs}


@pytest.mark.parametrize("unknown", [False, True])
def test_group_norm(unknown):
    def build(x, dy, scale):
        x.set_shape((None, *SHAPE[1:]))
        dy.set_shape((None, *SHAPE[1:]))
        scale.set_shape(SHAPE[-1:])
        return with_gradients(x, dy, scale)

    program = Program(build, X, DY, SCALE, unknown=unknown)
    assert not any(len(dims) == 5 and dims[2] == SHAPE[2] for dims in shapes(program.after("order")))
    program.check()


def test_no_image_and_one_of_nan():
    Program(with_gradients, X[:0], DY[:0], SCALE).check()
    Program(with_gradients, np.where(X > 2, np.nan, X), DY, SCALE).check()


@pytest.mark.parametrize("use", [
    lambda split: reduce_sum(split, (3,)),                          # of some of the channels
    lambda split: view.transpose(split, (0, 3, 1, 2, 4)),           # elements move
])
def test_other_uses_of_groups_leave_them(use):
    def build(x):
        split = view.reshape(x, (*SHAPE[:-1], GROUPS, 2))
        return use(split * reduce_max(split, (1, 2, 4), keepdims=True))

    program = Program(build, X)
    assert "Repeated" not in kinds(program.after("order"))
    program.check()


def test_what_differs_from_pixel_to_pixel_is_not_written_out():
    def build(x, y):
        return view.reshape(view.reshape(x, (3, 5, 4, 3, 2)) * y, SHAPE)

    program = Program(build, X, RNG.standard_normal((3, 5, 4, 3, 1)).astype(np.float32))
    assert "Repeated" not in kinds(program.after("order"))
    program.check()


def test_what_broadcasts_is_computed_once_for_its_elements():
    def build(x, y):
        return [ew.exp(view.broadcast_to(y, (3, 4)) * 2.0) + x, ew.tanh(view.broadcast_to(y, (3, 4)))]

    program = Program(build, RNG.standard_normal((3, 4)).astype(np.float32), RNG.standard_normal(4).astype(np.float32))
    assert {op.output.dims for op in program.after("order").operations if op.type in ("Exp", "Tanh")} == {(4,)}
    program.check()
