"""Each test builds its own default graph, and runs it in a session of its own."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

import graphflow as tf


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


class PerGraphSession:
    """Runs fetches in one session for each default graph."""

    def __init__(self) -> None:
        self.sessions: dict[tf.Graph, tf.Session] = {}

    def run(self, *args):
        graph = tf.get_default_graph()
        return self.sessions.setdefault(graph, tf.Session()).run(*args)


@pytest.fixture
def sess(graph: tf.Graph) -> PerGraphSession:
    return PerGraphSession()
