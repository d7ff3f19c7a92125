"""Every op of the registry, by its cases: value, shapes, gradient, second gradient, compiled result."""
from __future__ import annotations

import pytest
from cases import CASES
from check_op import KNOWLEDGE, built, check_compiled, check_gradient, check_shapes, check_value
from graphflow.compiler.opdef import REGISTRY, declare_all

ALL = [case for name in sorted(CASES) for case in CASES[name]]


# made by the compiler, tested with it
PASSES_OWN = {"Fused", "Parameter", "Snapshot", "Argument", "Undefined", "Recurrence", "Repeated"}
WITH_EFFECTS = {"If", "While", "Repeat", "Timestamp", "PartitionedCall"}  # tested in sessions
FED = {"Late"}  # another op with a fed attribute: tested in test_tf1_late.py
# tested by reading it back
READ_BACK = {"AudioSummaryV2", "HistogramSummary", "ImageSummary", "MergeSummary", "ScalarSummary", "TensorSummaryV2",
             "SerializeManySparse", "DeserializeManySparse", "DecodeJSONExample", "DatasetToVariant"}


def test_every_op_has_a_case():
    declare_all()
    in_sessions = {name for name, op in REGISTRY.items() if "resource" in op.fields}  # tested with those
    declared = {name for name in REGISTRY if not name.startswith("Test")}  # those are other tests' own
    assert sorted(declared - set(CASES) - PASSES_OWN - WITH_EFFECTS - FED - READ_BACK - in_sessions) == []


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_cases_use_the_op(name):
    unused = [case for case in CASES[name]
              if not any(op.type == name for knowledge in ("known", "sizes unknown")
                         for op in built(case, knowledge).operations)]
    assert unused == []


@pytest.mark.parametrize("case", ALL, ids=repr)
def test_value(case):
    check_value(case)


@pytest.mark.parametrize("knowledge", KNOWLEDGE)
@pytest.mark.parametrize("case", ALL, ids=repr)
def test_shapes(case, knowledge):
    check_shapes(case, knowledge)


@pytest.mark.parametrize("case", [case for case in ALL if case.grad and any(a.dtype.kind == "f" for a in case.inputs)],
                         ids=repr)
def test_gradient(case):
    check_gradient(case)


@pytest.mark.parametrize("case", [case for case in ALL if case.second], ids=repr)
def test_second_gradient(case):
    check_gradient(case, second=True)


@pytest.mark.parametrize("case", ALL, ids=repr)
def test_compiled(case):
    check_compiled(case)
