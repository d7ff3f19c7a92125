"""Units of a fusion: whether merging makes a cycle, asked of random graphs and of a search through all paths."""
from __future__ import annotations

from graphflow.compiler.ir import Graph
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import state
from graphflow.compiler.passes.groups import Group
from graphflow.compiler.passes.units import Units
from hypothesis import given, settings
from hypothesis import strategies as st


def random_graph(parents):
    """Operation i + 1 takes the outputs of the two earlier ones that `parents` names, wrapped around."""
    graph = Graph()
    with graph.as_default():
        tensors = [state.placeholder("float32", (2,))]
        for a, b in parents:
            tensors.append(ew.add(tensors[a % len(tensors)], tensors[b % len(tensors)]))
    return graph.operations


def leads(units, starts, targets):
    """By looking at every path."""
    stack, seen = [units.groups.get(op, op) for op in starts], set()
    while stack:
        unit = stack.pop()
        if unit in targets:
            return True
        if unit not in seen:
            seen.add(unit)
            members = unit.ops if isinstance(unit, Group) else [unit]
            stack += [units.groups.get(u, u) for m in members for u in units.next[m]]
    return False


@settings(deadline=None, max_examples=60)
@given(parents=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=25),
       pairs=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=30))
def test_merges_are_refused_exactly_where_a_path_goes_round(parents, pairs):
    operations = random_graph(parents)
    units = Units(operations)
    for i, j in pairs:
        op, other = operations[i % len(operations)], operations[j % len(operations)]
        group = units.groups.get(other)
        if group is None:
            units.join(other, group := Group(()))
        mine = units.groups.get(op)
        if mine is group:
            continue
        members = [*group.ops, *(mine.ops if mine else [op])]
        outside = [u for u in units.after(members) if units.groups.get(u, u) not in (group, mine, op)]
        targets = [group, mine or op]
        round_about = leads(units, outside, targets)
        assert units.reach(outside, *targets) == round_about
        if not round_about and mine is None:
            units.join(op, group)
        elif not round_about:
            units.merge(group, mine)


def test_joining_what_is_made_late_of_an_early_value_looks_at_little_between(monkeypatch):
    looks = []
    monkeypatch.setattr(Units, "_beside", lambda *a, look=Units._beside: looks.append(a) or look(*a))
    *chain, late = random_graph([(i, i) for i in range(500)] + [(1, 1)])
    units = Units([*chain, late])
    units.join(late, group := Group(()))
    early = chain[1]
    assert not units.reach([op for op in units.next[early] if op is not late], group)
    units.join(early, group)
    assert units.position(early) < units.position(chain[2])
    assert len(looks) < 10
