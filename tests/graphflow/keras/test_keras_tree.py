"""keras.tree and the scopes of keras: what Keras does with the same arguments."""
from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import numpy as np
import pytest

from graphflow import keras

tree = keras.tree
Pair = namedtuple("Pair", "x y")
NEST = {"b": [1, (2, None)], "a": Pair(3, {"z": 4, "y": deque([5])}), "c": OrderedDict(q=6, p=7)}


def test_leaves_and_paths() -> None:
    assert tree.flatten(NEST) == [3, 5, 4, 1, 2, None, 6, 7]
    assert tree.flatten_with_path(NEST)[:4] == [(("a", 0), 3), (("a", 1, "y", 0), 5), (("a", 1, "z"), 4), (("b", 0), 1)]
    assert tree.flatten(None) == [None] and tree.is_nested({}) and not tree.is_nested("abc")


def test_mapping() -> None:
    doubled = tree.map_structure(lambda v: (v or 0) * 2, NEST)
    assert list(doubled) == ["b", "a", "c"] and doubled["a"] == Pair(6, {"z": 8, "y": deque([10])})
    assert isinstance(doubled["c"], OrderedDict) and isinstance(
        tree.map_structure(str, defaultdict(int, a=1)), defaultdict)
    assert tree.map_structure(lambda a, b: a + b, [1, (2,)], [3, (4,)]) == [4, (6,)]
    assert tree.map_structure(lambda v: v * 2, [1, None], none_is_leaf=False) == [2, None]
    assert tree.map_structure_up_to((0, [0]), len, ([1, 2], [{"a": 3}])) == (2, [1])
    assert tree.map_shape_structure(len, {"a": (1, None), "b": [(2,), [3, 4, 5]]}) == {"a": 2, "b": [1, 3]}
    assert tree.lists_to_tuples([1, [2, {"a": [3]}]]) == (1, (2, {"a": (3,)}))


def test_packing_and_traversing() -> None:
    packed = tree.pack_sequence_as({"k": {"c": (0, 0), "a": 0}, "e": 0}, "wxyz")
    assert packed == {"k": {"c": ("y", "z"), "a": "x"}, "e": "w"}
    met: list[Any] = []
    tree.traverse(met.append, [(1, 2), {"b": 4, "a": 3}])
    assert met == [[(1, 2), {"b": 4, "a": 3}], (1, 2), 1, 2, {"b": 4, "a": 3}, 3, 4]
    assert tree.traverse(lambda v: tree.MAP_TO_NONE if v == 1 else None, [1, [1, 2]]) == [None, [None, 2]]


@pytest.mark.parametrize("call, error", [
    (lambda: tree.map_structure(lambda a, b: a, [1, 2], (3, 4)), ValueError),
    (lambda: tree.map_structure(lambda a, b: a, [1], [[1]]), ValueError),
    (lambda: tree.map_structure(lambda: 0), ValueError),
    (lambda: tree.map_structure(3, [1]), TypeError),
    (lambda: tree.map_structure_up_to([[0]], abs, [1]), ValueError),
    (lambda: tree.assert_same_structure([1], (1,)), ValueError),
    (lambda: tree.assert_same_paths([1], [1, 2]), ValueError),
    (lambda: tree.pack_sequence_as([1, 2], [1]), ValueError),
    (lambda: tree.pack_sequence_as([1], 5), TypeError),
])
def test_what_does_not_fit(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_what_fits() -> None:
    tree.assert_same_structure({"a": 1, "b": 2}, OrderedDict(b=1, a=2))
    tree.assert_same_paths([1, (2, 3)], (1, [2, 3]))


def test_scopes() -> None:
    with keras.name_scope("outer"), keras.device("cpu:0"), keras.RematScope():
        variable = keras.Variable(np.ones(2, "float32"), name="v")
    assert variable.path == "outer/v"
    with keras.StatelessScope([(variable, [3.0, 4.0])]) as scope:
        variable.assign(variable * 2.0)
    assert keras.ops.convert_to_numpy(scope.get_current_value(variable)).tolist() == [6, 8]
    assert variable.numpy().tolist() == [1, 1]
    for bad in (lambda: keras.name_scope("a/b"), lambda: keras.StatelessScope([(variable, [1.0])]),
                lambda: keras.RematScope("half")):
        with pytest.raises(ValueError):
            bad()
