"""Drawings: every op appears, the XML is sound, nothing is fetched, and large graphs fold."""
from __future__ import annotations

import base64
import gzip
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import types
import xml.etree.ElementTree as ET

import pytest
from graphflow.compiler.pipeline import compile_graph
from graphflow.runtime.session import Session

import graphflow as tf
from graphflow.drawing import draw, interactive, save, to_html, to_svg
from graphflow.drawing.layout import Box, Net, arrange

ASSETS = pathlib.Path(interactive.__file__).parent / "assets"
SVG = "{http://www.w3.org/2000/svg}"


def layered() -> tf.Tensor:
    """A small network with scopes, a variable and constants."""
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    with tf.name_scope("hidden"):
        w = tf.Variable(tf.ones([4, 3]), name="w")
        h = tf.nn.relu(tf.matmul(x, w) + 1.0, name="activation")
    return tf.reduce_mean(h, name="mean")


def compiled(fetch: tf.Tensor) -> tf.Graph:
    runner = Session(graph=fetch.graph).runner(fetch, ["x:0"])
    return runner.bind(((8, 4),))[0].graph


def titles(svg: str) -> str:
    """What hovering shows, all of it."""
    return "\n".join(t.text or "" for t in ET.fromstring(svg).iter(SVG + "title"))


def test_every_op_appears(graph):
    layered()
    shown = titles(to_svg(graph))
    for op in graph.operations:
        assert f"{op.type}  {op.name}\n" in shown


def test_kernels_show_what_they_fuse(graph):
    after = compiled(layered())
    shown = titles(to_svg(after))
    fused = [op for op in after.operations if "body" in op.attrs]
    assert fused
    for op in fused:
        assert f"Fused  {op.name}\nfuses: " in shown
        for member in op.attrs["body"].operations:
            assert member.type == "Parameter" or f"{member.type}  {member.name}\n" in shown
    assert 'class="kernel"' in to_svg(after)


def test_edges_carry_types_and_tooltips_the_line(graph):
    svg = to_svg([layered()])
    assert ">float32(?, 3)</text>" in svg
    assert "test_drawing.py" in titles(svg) and "line" in titles(svg)
    assert "keepdims: False" in titles(svg)


def test_scopes_are_boxes(graph):
    layered()
    root = ET.fromstring(to_svg(graph))
    scopes = [g for g in root.iter(SVG + "g") if g.get("class") == "scope"]
    assert "hidden" in [g.find(SVG + "title").text for g in scopes]
    assert "hidden" in [t.text for t in root.iter(SVG + "text") if t.get("class") == "h"]


def test_fetches_leave_out_what_they_do_not_need(graph):
    mean = layered()
    other = tf.placeholder(tf.float32, [2], name="unrelated") * 2.0
    assert "unrelated" not in to_svg({"a": [mean]})
    assert "unrelated" in to_svg([mean, other])
    assert to_svg("mean:0") == to_svg(["mean"]) == to_svg(mean)
    with pytest.raises(ValueError, match="fetches has 'maen'.* Did you mean 'mean'"):
        draw("maen")


def test_names_are_escaped(graph):
    with tf.name_scope("a>b"):
        tf.placeholder(tf.float32, [], name="c>d") + 1.0
    svg = to_svg(graph)
    assert "a>b/c>d" in titles(svg)
    assert "a&gt;b" in svg


def test_control_characters_in_attributes_keep_the_xml_sound(graph):
    op = tf.placeholder(tf.float32, [], name="x").op
    op.attrs["note"] = "a\x00b\ud800<&\"'"
    assert "note: a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}<&\"'" in titles(to_svg(graph))


def data_of(page: str) -> dict:
    """What the page of one drawing hands to its script."""
    packed, = re.findall(r'const a=\["\w+","([^"]+)"\]', page)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_page_is_self_contained(graph):
    page = to_html(layered())
    assert page.startswith("<!DOCTYPE html>")
    for reference in ("http:", "https:", "src=", "href=", "url(", "@import", "fetch("):
        assert reference not in page
    engine, = re.findall(r'graphflowEngine="([^"]+)"', page)
    assert b"org.eclipse.elk.layered" in gzip.decompress(base64.b64decode(engine))
    assert "Eclipse Public License" in (ASSETS / "LICENSE.elkjs.md").read_text()


def test_the_page_has_all_operations(graph):
    data = data_of(to_html([layered()]))
    names = {row[8] for row in data["nodes"]}
    assert names >= {op.name for op in graph.operations if op.type not in ("ReadVariableOp", "Assign", "Const")}
    for i, (parent, kind, *_, name, tooltip) in enumerate(data["nodes"][1:], 1):
        assert parent < i and data["nodes"][parent][1]  # a scope, and before what it holds
        assert kind or f"  {name}\n" in tooltip and "test_drawing.py" in tooltip
    assert data["docs"]["MatMul"].startswith("The matrix product") and "float32(?, 3)" in data["types"]
    matmul, relu = (next(i for i, row in enumerate(data["nodes"]) if row[8] == name)
                    for name in ("hidden/MatMul", "hidden/activation"))
    assert any(target == matmul for _, _, target, _ in data["edges"])
    assert any(source == relu for source, _, _, _ in data["edges"])


def test_notebooks_show_graphs_tensors_and_operations(graph, monkeypatch):
    monkeypatch.setattr(interactive._Shown, "once", False)
    mean = layered()
    for value in (graph, mean, mean.op):
        bundle = value._repr_mimebundle_()
        ET.fromstring(bundle["image/svg+xml"])
        assert bundle["text/plain"] == repr(value)
        still, = re.findall(r'<img [^>]*src="data:image/svg\+xml;base64,([^"]+)">', bundle["text/html"])
        assert base64.b64decode(still).decode() == bundle["image/svg+xml"]
        assert ("graphflowEngine=" in bundle["text/html"]) == (value is graph)  # once, for all outputs
    assert graph.svg() == to_svg(graph) and graph.html() == to_html(graph)


def test_a_terminal_gets_no_pictures(graph, monkeypatch):
    class TerminalInteractiveShell:
        pass
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=TerminalInteractiveShell))
    mean = layered()
    assert mean._repr_mimebundle_() == graph._repr_mimebundle_() == draw(mean)._repr_mimebundle_() == {}


def test_an_eager_tensor_shows_its_value():
    with tf.eager():
        assert tf.constant(1.0)._repr_mimebundle_() == {}


@pytest.mark.parametrize("value", [tf.Graph(), []], ids=["graph", "fetches"])
def test_nothing_to_draw(value):
    assert "no operations" in to_svg(value)
    assert "no operations" in to_html(value)


def test_dot(graph):
    text = draw(layered()).dot()
    assert text.startswith("digraph {") and text.endswith("}\n")
    assert 'label="hidden"' in text and 'label="Relu\\nactivation"' in text
    name, = re.findall(r'(n\d+) \[label="MatMul"', text)
    assert re.search(rf'{name} -> n\d+ \[label="float32\(\?, 3\)"\]', text)


def test_one_op(graph):
    tf.placeholder(tf.float32, [], name="alone")
    assert "alone" in to_svg(graph)


def test_save_goes_by_suffix(graph, tmp_path):
    mean = layered()
    assert save(graph, tmp_path / "new" / "g.svg").read_text() == to_svg(graph)
    assert draw(mean).save(str(tmp_path / "g.HTML")).read_text() == to_html(mean)
    assert graph.save(tmp_path / "g.dot").read_text() == draw(graph).dot()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g.HTML", "g.dot", "new"]
    assert save(graph, tmp_path / "g.png", limit=5).read_bytes().startswith(b"\x89PNG")
    assert save(graph, tmp_path / "g.pdf", limit=5).read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match=r"ends in \.svg, .* or \.dot, received 'g'"):
        save(graph, "g")
    with pytest.raises(ValueError, match=r"cannot be written as \.docx"):
        save(graph, "g.docx")


def test_heat_and_groups(graph):
    mean = layered()
    svg = draw(graph, heat={mean: 2e-3, "hidden/activation": 5e-4},
               groups={"step 1": ["hidden/activation", mean.op]}).svg()
    assert 'class="heat9"' in svg and "2 ms" in svg and "500 us" in svg
    assert 'class="group"' in svg and ">step 1</text>" in svg
    with pytest.raises(ValueError, match="heat has 'hiden/activation'.* Did you mean 'hidden/activation'"):
        draw(graph, heat={"hiden/activation": 1.0})
    with pytest.raises(ValueError, match="groups has 'maen'.* Did you mean 'mean'"):
        draw(graph, groups={"a": ["maen"]}).svg()


def test_a_failed_save_leaves_the_old_file_alone(graph, tmp_path):
    layered()
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OSError):
        save(graph, tmp_path / "file" / "g.svg")
    (tmp_path / "g.svg").mkdir()
    with pytest.raises(OSError):
        save(graph, tmp_path / "g.svg")
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "g.svg"]


def test_what_cannot_be_drawn():
    with pytest.raises(TypeError, match="expected a Graph, model, Tensor, .*, received 3"):
        draw([3])


def test_two_graphs_need_a_page(graph):
    explanation = tf.explain(layered())
    drawing = draw(explanation)
    assert drawing.html().count('class="gf-view gf-page"') == 2
    assert "image/svg+xml" not in drawing._repr_mimebundle_()
    with pytest.raises(ValueError, match="A .svg holds one graph, this drawing has 2"):
        drawing.svg()


@pytest.mark.parametrize("scoped", [True, False], ids=["scoped", "flat"])
def test_2000_ops_fold_quickly(graph, scoped):
    x = tf.placeholder(tf.float32, [None, 8], name="x")
    for layer in range(200):
        with tf.name_scope(f"layer{layer}" if scoped else None):
            for _ in range(5):
                x = tf.tanh(x) * 2.0
    assert len(graph.operations) > 2000
    start = time.perf_counter()
    svg = to_svg(graph)
    assert time.perf_counter() - start < 5
    root = ET.fromstring(svg)
    assert len(list(root.iter(SVG + "rect"))) <= 400
    assert [t.text for t in root.iter(SVG + "text") if (t.text or "").endswith(" ops")]


def test_the_limit_decides_what_folds(graph):
    layered()
    assert 'class="folded"' not in to_svg(graph)
    folded = to_svg(graph, limit=5)
    assert 'class="folded"' in folded
    assert "hidden" in folded


def test_boxes_do_not_overlap(graph):
    """Siblings stand apart, and children within their parents."""
    from graphflow.drawing.diagram import Diagram
    layered()
    for operations in (graph.operations, compiled(graph.get_tensor_by_name("mean:0")).operations):
        diagram = Diagram(operations, 250)
        arrange(diagram.root, diagram.nets)
        stack = [diagram.root]
        while stack:
            box = stack.pop()
            stack += box.children
            for i, a in enumerate(box.children):
                assert box.x <= a.x and a.x + a.width <= box.x + box.width + 1e-6
                assert box.y <= a.y and a.y + a.height <= box.y + box.height + 1e-6
                for b in box.children[:i]:
                    assert (a.x + a.width <= b.x or b.x + b.width <= a.x
                            or a.y + a.height <= b.y or b.y + b.height <= a.y)


def test_edges_lead_down_and_around_cycles():
    root = Box()
    a, b, c = (root.add(Box(width=40, height=20)) for _ in range(3))
    wires = arrange(root, [Net("ab", a, [b]), Net("bc", b, [c]), Net("ac", a, [c]), Net("ca", c, [a])])
    assert a.y < b.y < c.y
    assert [w.key for w in wires if w.backward] == ["ca"]
    for wire in wires:
        if not wire.backward:
            assert [y for _, y in wire.points] == sorted(y for _, y in wire.points)
    long = [w for w in wires if w.key == "ac"]
    assert [w.ends for w in long] == [False, True]  # past b's layer, then to c
    assert long[0].points[-1] == long[1].points[0]


def test_control_edges_that_data_implies_are_left_out(graph):
    a = tf.placeholder(tf.float32, [], name="a")
    b = tf.tanh(a, name="b")
    with tf.control_dependencies([a.op]):
        tf.exp(b, name="implied")
    assert 'class="control"' not in to_svg(graph)
    with tf.control_dependencies([b.op]):
        tf.exp(a, name="needed")
    assert to_svg(graph).count('class="control"') == 1


def test_networkx_loads_only_to_draw():
    code = ("import sys, graphflow.drawing as d, graphflow as g; assert 'networkx' not in sys.modules; "
            "g.constant(1.0); d.to_svg(g.get_default_graph()); assert 'networkx' in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_pass_can_be_drawn(graph):
    runner = Session(graph=graph).runner(layered(), ["x:0"])
    from graphflow.compiler.passes.specialise import specialise
    stages: list = []
    compile_graph(specialise(runner.outputs, runner.targets, runner.feeds, ((8, 4),))[0], stages)
    for stage in stages:
        ET.fromstring(to_svg(stage.graph))


def test_loops_and_branches_show_what_they_run(graph):
    x = tf.placeholder(tf.float32, [], name="x")
    big = tf.cond(x > 0.0, lambda: tf.sin(x), lambda: tf.cos(x))
    _, y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.tanh(a) * x), [0, big])
    data = data_of(to_html(y))
    kinds = [row[3] for row in data["nodes"]]
    assert {"Sin", "Cos", "Less", "Tanh", "StatelessIf", "StatelessWhile"} <= set(kinds)

    def feeds(source: str, target: str) -> bool:
        return any(kinds[s] == source and kinds[t] == target for s, _, t, _ in data["edges"])
    assert feeds("Greater", "StatelessIf") and feeds("Sin", "StatelessIf") and feeds("Cos", "StatelessIf")
    assert feeds("Placeholder", "Argument") and feeds("Tanh", "Mul") and feeds("Mul", "StatelessWhile")
    assert not feeds("Greater", "Argument")
    shown = {t.text for t in ET.fromstring(to_svg(y)).iter(SVG + "text")}
    assert {"condition", "body", "then_branch", "else_branch", "Tanh"} <= shown
    assert "body: " in titles(to_svg(y))


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_lays_the_page_out(graph, tmp_path):
    layered()
    path = graph.save(tmp_path / "g.html")
    script = """<script>
    const shown = () => [...document.querySelectorAll(".gf-graph .t")].map((t) => t.textContent).join();
    const when = (test, act) => test() ? act() : setTimeout(when, 20, test, act);
    when(() => document.querySelector("[data-ready]"), () => {
      document.body.dataset.opened = shown();
      document.querySelector("[data-do=none]").click();
      when(() => shown().includes("+"), () => { document.body.dataset.folded = shown(); });
    });</script></body>"""
    path.write_text(path.read_text().replace("</body>", script))
    dom = subprocess.run([CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom",
                          "--virtual-time-budget=9000", path.as_uri()], capture_output=True, text=True, timeout=120)
    opened, folded = (set(re.findall(f'data-{name}="([^"]*)"', dom.stdout)[0].split(","))
                      for name in ("opened", "folded"))
    assert opened == {"Placeholder", "MatMul", "AddV2", "Relu", "Mean", "Assign"}
    assert folded == {"Placeholder", "+ hidden", "Mean"}
