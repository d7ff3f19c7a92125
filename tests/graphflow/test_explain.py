"""Explanations: what they say is what the plan does, and asking changes nothing."""
from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from graphflow.compiler.opdef import HOST, REGISTRY, OpDef
from graphflow.runtime.peak import peak
from graphflow.runtime.session import Session

import graphflow as tf
from graphflow.explain.passes import lines


class Step:
    """One training step of a small network, its session and feeds."""

    def __init__(self) -> None:
        self.x = tf.placeholder(tf.float32, [None, 16], name="x")
        self.y = tf.placeholder(tf.int64, [None], name="y")
        self.w = tf.Variable(tf.random_normal([16, 10], seed=1), name="w")
        logits = tf.nn.relu(tf.matmul(self.x, self.w) + 1.0, name="act")
        self.loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.y, logits=logits))
        self.train = tf.train.AdamOptimizer(0.1).minimize(self.loss)
        self.initialize = tf.global_variables_initializer()
        self.session = Session()
        rng = np.random.default_rng(0)
        self.feeds = {self.x: rng.standard_normal((24, 16), np.float32), self.y: rng.integers(0, 10, 24)}
        self.fetches = [self.loss, self.train]


@pytest.fixture
def step() -> Step:
    made = Step()
    made.session.run(made.initialize)
    return made


def test_text(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session)
    text = str(explanation)
    assert text.isascii()
    assert f"fetches  {step.loss.name}, Adam" in text
    assert "x:0 float32(24, 16), y:0 int64(24,)" in text
    for stage in explanation.stages:
        assert stage.name in text and str(len(stage.graph.operations)) in text
    assert "MatMul, AddV2, Relu  (act, test_explain.py:" in text
    assert "3 Assign" in text  # Adam's update in one kernel
    assert " arena" in text and "sum of its" in text and "in use at one step" in text and "in variables" in text
    for path, source in explanation.sources.items():
        assert path in text
        with open(path) as file:
            assert file.read() == source
    assert "Buffers" not in text
    assert "HOST" not in text
    assert "Compiling: " in text and "lowering and memory plan" in text


def test_verbose_lists_buffers(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session, verbose=True)
    text = str(explanation)
    assert "Buffers" in text
    for buffer in explanation.buffers:
        assert str(buffer.offset) in text


def test_times_and_shares(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session)
    assert explanation.measured > 0 and explanation.run_seconds > 0
    assert all(k.measured > 0 and k.estimated > 0 for k in explanation.kernels)
    product = next(k for k in explanation.kernels if k.fuses == ("MatMul", "AddV2", "Relu"))
    assert product.flops >= 2 * 24 * 16 * 10
    assert product.nbytes >= 4 * (24 * 16 + 16 * 10 + 24 * 10)
    assert product.rate.endswith(("GF/s", "GB/s"))
    assert "share" in str(explanation)


def test_memory_is_the_plans(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session)
    binding = step.session.runner(step.fetches, list(step.feeds)).bind(((24, 16), (24,)))[1]
    assert explanation.arena_bytes == binding.arena_bytes
    assert explanation.live_peak_bytes <= explanation.arena_bytes <= explanation.buffer_bytes
    assert explanation.variable_bytes == sum(
        step.session.store.get(op).nbytes for op in tf.get_default_graph().operations if op.type == "VariableV2")


def test_variables_and_random_numbers_stay(step):
    noise = tf.random_uniform([4], seed=3)
    variables = tf.global_variables()
    before = step.session.run(variables)
    tf.explain([*step.fetches, noise], step.feeds, session=step.session)
    for old, new in zip(before, step.session.run(variables), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(step.session.run(noise), Session().run(noise))


def test_an_initializer_leaves_variables_uninitialized(step):
    fresh = Session()
    assert tf.explain(step.initialize, session=fresh).measured > 0
    assert fresh.store.get(step.w.op) is None


def test_uninitialized_variables_are_not_timed(step):
    explanation = tf.explain(step.fetches, step.feeds, session=Session())
    assert explanation.measured is None
    assert any("no times: Attempting to use uninitialized value" in note for note in explanation.notes)
    assert "share" not in str(explanation)


def test_without_feeds_unknown_sizes_are_32(step):
    explanation = tf.explain(step.loss)
    assert explanation.feeds == {"x:0": "float32(32, 16)", "y:0": "int64(32,)"}
    assert "x:0 has shape (?, 16): unknown sizes taken to be 32" in str(explanation)
    assert "no times: they need a feed_dict" in " ".join(str(explanation).split())


def test_shapes_may_be_given(step):
    explanation = tf.explain(step.loss, feed_shapes={step.x: [7, None], "y:0": (7,)})
    assert explanation.feeds == {"x:0": "float32(7, 16)", "y:0": "int64(7,)"}
    assert not any("32" in note for note in explanation.notes)


def test_unknown_rank_needs_a_shape():
    x = tf.placeholder(tf.float32, name="x")
    y = tf.tanh(x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="'x:0' has unknown rank; give its shape in feed_shapes"):
        tf.explain(y)
    assert tf.explain(y, feed_shapes={x: (3, 5)}).feeds == {"x:0": "float32(3, 5)"}


def test_the_default_session_is_used(step):
    with step.session.as_default():
        assert tf.explain(step.fetches, step.feeds).measured > 0


def test_the_graph_is_the_fetches(step):
    with tf.Graph().as_default():
        assert "MatMul" in str(tf.explain({"loss": [step.loss]}))


def test_bad_input(step):
    with pytest.raises(ValueError, match="'nowhere:0'.*cannot be interpreted as a Tensor"):
        tf.explain("nowhere:0", session=step.session)
    with pytest.raises(tf.errors.InvalidArgumentError, match="y"):
        tf.explain(step.loss, {step.x: step.feeds[step.x]}, session=step.session)
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(24, 15\)"):
        tf.explain(step.loss, {step.x: np.zeros((24, 15), np.float32), step.y: step.feeds[step.y]})
    with pytest.raises(ValueError, match="not both"):
        tf.explain(step.loss, step.feeds, feed_shapes={})
    with pytest.raises(ValueError):
        tf.explain(step.loss, feed_shapes={step.x: (7, 15), step.y: (7,)})
    step.session.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        tf.explain(step.loss, session=step.session)


def test_a_fault_is_the_sessions_error(step):
    step.feeds[step.y] = np.full(24, 10)
    with pytest.raises(tf.errors.InvalidArgumentError, match="value of 10 which is outside the valid range"):
        tf.explain(step.fetches, step.feeds, session=step.session)


def test_host_ops_are_marked():
    x = tf.placeholder(tf.float32, [3], name="x")
    definition = OpDef("ExplainedOnTheHost", HOST, lambda inputs, attrs: [inputs[0].type], reference=np.sort)
    try:
        explanation = tf.explain(tf.exp(definition(x)), {x: np.ones(3, np.float32)})
    finally:
        del REGISTRY["ExplainedOnTheHost"]
    assert [k.host for k in explanation.kernels] == [True, False]
    assert "HOST ExplainedOnTheHost" in str(explanation)
    assert "1 HOST op run by NumPy" in str(explanation)
    assert "class=host" in explanation._repr_html_()


def test_a_run_in_pieces():
    x = tf.placeholder(tf.float32, [None, 2], "x")
    total = tf.reduce_sum(tf.tanh(tf.boolean_mask(x, x[:, 0] > 0)), 0)
    rows = np.array([[1, 2], [-1, 3], [4, 5]], np.float32)
    found = tf.explain(total, {x: rows})
    hosts = [k.host for k in found.kernels]
    assert hosts.index(True) not in (0, len(hosts) - 1) and all(k.measured for k in found.kernels)
    assert found.run_seconds and any("(piece 2)" in s.name for s in found.stages)
    assert {b.last for b in found.buffers} & {len(hosts) - 1, len(hosts)}
    unfed = tf.explain(total, feed_shapes={x: (3, 2)})
    assert "give a feed_dict" in str(unfed) and unfed.run_seconds is None and unfed.kernels[-1].host


def test_tables_are_copied_and_iterators_may_be_fed():
    keys = tf.placeholder(tf.string, [None])
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [2]), -1)
    element = tf.data.Dataset.from_tensors(1.0).make_initializable_iterator().get_next()
    doubled = element * 2.0
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        found = tf.explain(table.lookup(keys) * 2, {keys: ["a", "b"]}, session=session)
        assert found.run_seconds and not found.notes and "Mul" in {k.name for k in found.kernels} | {
            t for k in found.kernels for t in k.fuses}
        unread = tf.explain(doubled, {}, session=session)
        assert "any tensor can be fed: GetNext() failed" in unread.notes[0] and unread._repr_html_()
        assert tf.explain(doubled, {element: 3.0}, session=session).measured


def test_json(step):
    found = json.loads(json.dumps(tf.explain(step.fetches, step.feeds, session=step.session).to_dict()))
    assert found["passes"][0]["name"] == "specialise"
    assert found["kernels"][0]["fuses"] and os.path.exists(found["kernels"][0]["path"])
    assert found["arena_bytes"] and found["buffers"][0]["nbytes"]
    assert found["different_kernels"] == len({k["path"] for k in found["kernels"]})


def test_html(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session)
    page = explanation._repr_html_()
    assert "prefers-color-scheme:dark" in page
    assert "MatMul, AddV2, Relu" in page
    for path in explanation.sources:
        assert path in page
    page = page.replace("http://www.w3.org/2000/svg", "")  # the name of what an inline picture is
    for reference in ("http:", "https:", "src=", "href=", "url(", "@import", "<script"):
        assert reference not in page


def test_the_module_can_be_called(monkeypatch):
    code = ("import graphflow as tf, graphflow.explain\n"
            "from graphflow.explain import Explanation\n"
            "assert isinstance(tf.explain(tf.constant(1.0) + 2.0), Explanation)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_passes_say_what_they_changed(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session, verbose=True)
    passes = {p.name: p for p in explanation.passes}
    assert list(passes)[:2] == ["specialise", "compile_subgraphs"] and "prune 2" in passes
    fuse = passes["fuse"]
    assert any("Fused[MatMul, AddV2, Relu" in line for line in (*fuse.added, *(new for _, new in fuse.changed)))
    assert any(line.startswith("MatMul = MatMul(x, w/read)") for line in fuse.removed)
    assert len(fuse.graph.operations) == len(fuse.before.operations) + len(fuse.added) - len(fuse.removed)
    assert "\n-MatMul = MatMul(x, w/read)" in fuse.diff() and fuse.diff().startswith("--- before")
    assert "    -MatMul = MatMul(x, w/read)" in str(explanation)
    assert passes["specialise"].diff() == "" and any(p.is_idle and not p.diff() for p in explanation.passes)
    assert all(p.seconds > 0 for p in explanation.passes)


def test_operands(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session)
    product = next(k for k in explanation.kernels if k.fuses == ("MatMul", "AddV2", "Relu"))
    x, w, out = (next(o for o in product.operands if o.name.startswith(name)) for name in ("x:", "w/", "act"))
    assert (x.where, x.shape, x.nbytes, x.written) == ("feed", (24, 16), 4 * 24 * 16, False)
    assert (w.where, w.offset, out.where, out.written) == ("variable", None, "arena", True)
    assert any(b.name == out.name and b.offset == out.offset for b in explanation.buffers)
    assert product.decision.startswith("serial") and product.least and product.of_peak > 0
    assert product.compiling > 0 and product.from_disk is not None and product.calls == 1
    text = str(tf.explain(step.loss, step.feeds, session=step.session, verbose=True))
    assert f"-> {out.name} float32[24, 10]" in text


def test_memory_over_the_schedule(step):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session)
    for row, nbytes in enumerate(explanation.live_bytes):
        alive = [b for b in explanation.buffers if b.first <= row <= b.last and not b.fetched]
        assert nbytes <= sum(-(-b.nbytes // 64) * 64 for b in alive) and bool(nbytes) == bool(alive)
    assert max(explanation.live_bytes) == explanation.live_peak_bytes > 0
    shared = [b for b in explanation.buffers if b.shares]
    assert shared and all(any(o.name == b.shares and o.offset == b.offset for o in explanation.buffers) for b in shared)
    page = explanation._repr_html_()
    assert 'class="gf-memory"' in page and f"takes over {shared[0].shares}" in page


def test_loops_and_conds():
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.while_loop(lambda a: a[0] < 10, lambda a: tf.cond(a[0] > 3, lambda: a + 1.0, lambda: a + 4.0), [x])
    found = tf.explain([y, tf.gradients(y, x)], {x: np.zeros(3, np.float32)}, verbose=True)
    added = {k.op: k for k in found.kernels if k.inside.endswith("while/cond/If")}
    assert {k.calls for k in added.values()} == {1, 6} and all("while/While > " in k.inside for k in added.values())
    assert any(k.inside == "while/While" and k.calls == 7 for k in found.kernels)
    assert set(found.heat()) <= {op.name for op in found.before.operations} and found.heat()["while/While"] > 0
    assert any(o.where == "stack" for k in found.kernels for o in k.operands)
    assert "        while/cond/add = AddV2(" in "\n".join(lines(found.before).values())


def test_drawings(step, tmp_path):
    explanation = tf.explain(step.fetches, step.feeds, session=step.session)
    groups = explanation.groups()
    title = next(title for title, ops in groups.items() if "act" in ops)
    assert {"MatMul", "act"} <= set(groups[title]) and title.split()[1].startswith("gemm")
    heat = explanation.heat()
    assert sum(heat.values()) <= explanation.measured * 1.001 and set(heat) <= {
        op.name for op in explanation.before.operations}
    assert title in explanation.draw().svg()
    assert [t for t, _ in explanation.draw("fuse").panels][0].startswith("before fuse")
    with pytest.raises(ValueError, match="no pass 'fusing'; there are specialise, "):
        explanation.draw("fusing")
    page = explanation.save(tmp_path / "e.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "Drawings of the passes" in page
    assert explanation.save(tmp_path / "e.txt").read_text() == str(explanation)
    with pytest.raises(ValueError, match="ends in .txt, .html, .json, received"):
        explanation.save(tmp_path / "e.svg")


def test_the_documented_schema(step):
    text = (pathlib.Path(__file__).parents[2] / "docs" / "explain.md").read_text()
    found = json.loads(tf.explain(step.fetches, step.feeds, session=step.session).json())
    for part, record in (("## JSON", found), ("### A pass", found["passes"][1]), ("### A kernel", found["kernels"][0]),
                         ("### A buffer", found["buffers"][0])):
        table = text.partition(part + "\n")[2].partition("\n##")[0]
        names = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"))
        assert sorted(names) == sorted(record), part
    assert all(f"`{key}`" in text or f'"{key}"' in text for key in found["kernels"][0]["operands"][0])


def test_peak_is_measured_once():
    best = peak(1)
    assert best is peak(1) and min(best.flops["f32"], best.flops["f64"]) > 1e7
    assert [size for size, _ in best.bandwidth] == sorted(size for size, _ in best.bandwidth)
    assert best.seconds(10**9, 8) == pytest.approx(1e9 / best.flops["f32"])
    assert best.seconds(0, 10**9) == pytest.approx(1e9 / best.bandwidth[-1][1])
