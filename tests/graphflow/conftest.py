"""Each test builds its own default graph, and runs it through the ops' NumPy references."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from graphflow.runtime.interpreter import interpret

import graphflow as tf


class ReferenceSession:
    """`run` as a session has it, op by op."""

    def __init__(self) -> None:
        self.variables: dict[str, np.ndarray] = {}

    def run(self, fetches: Any, feed_dict: dict[Any, Any] | None = None) -> Any:
        graph = tf.get_default_graph()
        many = isinstance(fetches, (list, tuple))
        elements = [graph.as_graph_element(f) for f in (fetches if many else [fetches])]
        needed: set[tf.Operation] = set()
        stack = [e if isinstance(e, tf.Operation) else e.op for e in elements]
        while stack:
            op = stack.pop()
            if op not in needed:
                needed.add(op)
                stack += [t.op for t in op.inputs] + list(op.control_inputs)
        part = tf.Graph()
        part.operations = [op for op in graph.operations if op in needed]
        part.outputs = tuple(e for e in elements if isinstance(e, tf.Tensor))
        feeds = {graph.as_graph_element(k): np.asarray(v) for k, v in (feed_dict or {}).items()}
        values = iter(interpret(part, feeds, self.variables))
        results = [next(values) if isinstance(e, tf.Tensor) else None for e in elements]
        return results if many else results[0]


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def sess(graph: tf.Graph) -> ReferenceSession:
    return ReferenceSession()
