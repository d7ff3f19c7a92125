"""The whole pipeline: which passes run, that each leaves a well-formed graph and mutates nothing."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent / "passes"))
from built import Program, structure  # noqa: E402
from graphflow.compiler import pipeline  # noqa: E402
from graphflow.compiler.autodiff import gradients  # noqa: E402
from graphflow.compiler.ops import elementwise as ew  # noqa: E402
from graphflow.compiler.ops import nn, state  # noqa: E402
from graphflow.compiler.ops.contraction import matmul  # noqa: E402
from graphflow.compiler.ops.reduction import reduce_mean  # noqa: E402

X = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
LABELS = np.arange(6, dtype=np.int32) % 4


def training(x, y, w, b):
    weights, bias = state.read_variable(w), state.read_variable(b)
    loss = reduce_mean(nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=matmul(x, weights) + bias))
    updates = [state.assign(h, v - 0.5 * g) for h, v, g in zip(
        (w, b), (weights, bias), gradients(loss, [weights, bias]), strict=True)]
    return [loss, state.group(*updates)]


def program(unknown=True):
    variables = {"w": np.full((5, 4), 0.1, "f4"), "b": np.zeros(4, "f4")}
    return Program(training, X, LABELS, unknown=unknown, variables=variables)


def test_every_pass_is_a_stage_with_its_time():
    stages = program().stages()
    assert [s.name for s in stages[1:]] == [p.__name__ for p in pipeline.PASSES]
    assert all(s.seconds >= 0 for s in stages)


def test_passes_mutate_nothing():
    trained = program()
    before = trained.specialised()
    shown = [(op.name, op.type, op.inputs, op.control_inputs) for op in before.operations]
    user = [(op.name, op.inputs, op.control_inputs) for op in trained.graph.operations]
    pipeline.compile_graph(before)
    assert [(op.name, op.type, op.inputs, op.control_inputs) for op in before.operations] == shown
    assert [(op.name, op.inputs, op.control_inputs) for op in trained.graph.operations] == user


def test_compiling_twice_gives_the_same_graph():
    first, second = (program(unknown=False).stages()[-1].graph for _ in range(2))
    assert [(op.name, op.type) for op in first.operations] == [(op.name, op.type) for op in second.operations]


def test_fetches_and_feeds_survive_with_their_types():
    stages = program().stages()
    for stage in stages[1:]:
        assert [t.type for t in stage.graph.outputs] == [t.type for t in stages[0].graph.outputs]
        assert [t.type for t in stage.graph.inputs] == [t.type for t in stages[0].graph.inputs]


def test_kernels_keep_names_and_lines_of_the_users_graph():
    trained = program()
    names = {op.name for op in trained.graph.operations}
    for op in trained.stages()[-1].graph.operations:
        assert op.name.split("/")[0] in {n.split("/")[0] for n in names}
        assert op.site is not None and ("test_pipeline" in str(op.site) or op.type in ("Placeholder", "VariableV2"))


def test_a_training_step_learns_as_the_references_do():
    trained = program()
    trained.check()
    session = trained.session()
    feeds = dict(zip(trained.inputs, trained.arrays, strict=True))
    losses = [float(session.run(trained.fetches, feeds)[0]) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0] and all(np.isfinite(losses))


def test_what_is_fed_and_fetched_needs_no_kernel():
    fed = Program(lambda x: x, X)
    assert fed.fused() == [] and structure(fed.stages()[-1].graph.outputs[0]) == "in0"
    fed.check()


def test_the_same_tensor_fetched_twice():
    def build(x):
        y = ew.tanh(x)
        return [y, y * 1, ew.tanh(x)]

    twice = Program(build, X)
    assert len({id(t) for t in twice.stages()[-1].graph.outputs}) == 1
    twice.check()
