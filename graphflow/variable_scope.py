"""`variable_scope` and `get_variable`: variables shared by name."""
from __future__ import annotations

import contextlib
import enum
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from .compiler.dtypes import as_dtype, float32
from .compiler.ir import Graph, Tensor, building_graph, default_graph
from .compiler.ops.constant import as_array, convert_to_tensor
from .compiler.shapes import TensorShape
from .compiler.subgraph import lifted, outermost
from .framework import GraphKeys, name_scope
from .initializers import glorot_uniform, zeros
from .partitioned import PartitionedVariable, pieces
from .variables import Variable


class _Reuse(enum.Enum):
    AUTO_REUSE = 1


AUTO_REUSE = _Reuse.AUTO_REUSE

# the arguments of a scope that its subscopes and `get_variable` inherit
_INHERITED = ("initializer", "regularizer", "caching_device", "partitioner", "dtype", "use_resource", "constraint")


class _Store:
    """A graph's variables by name, its current scope, and how often each scope name was opened."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.scope = VariableScope(False)
        self.opened: dict[str, int] = {}
        self.shares = False  # whether ops that run at once share its variables without being told to

    def open(self, name: str) -> None:
        self.opened[name] = self.opened.get(name, 0) + 1

    def close_subscopes(self, name: str) -> None:
        for key in self.opened:
            if not name or key.startswith(name + "/"):
                self.opened[key] = 0

    def unique(self, prefix: str) -> str:
        base = f"{self.scope.name}/{prefix}" if self.scope.name else prefix
        if not self.opened.get(base):
            return prefix
        n = 1
        while self.opened.get(f"{base}_{n}"):
            n += 1
        return f"{prefix}_{n}"


_stores: weakref.WeakKeyDictionary[Graph, _Store] = weakref.WeakKeyDictionary()


def _store() -> _Store:
    return _stores.setdefault(outermost(default_graph()), _Store())


def variable_store() -> _Store:
    """A store for `storing`."""
    store = _Store()
    store.shares = True
    return store


@contextlib.contextmanager
def storing(store: _Store) -> Iterator[None]:
    """Within, the graph's variables by name are those of `store`."""
    graph, before = outermost(default_graph()), _store()
    store.scope = before.scope
    _stores[graph] = store
    try:
        yield
    finally:
        _stores[graph] = before


class VariableScope:
    """What `get_variable` takes from the scope around it: the prefix of names, reuse, and defaults."""

    def __init__(self, reuse: Any, name: str = "", initializer: Any = None, regularizer: Any = None,
                 caching_device: Any = None, partitioner: Any = None, custom_getter: Any = None, name_scope: str = "",
                 dtype: Any = float32, use_resource: bool | None = None, constraint: Any = None):
        self.reuse = reuse
        self.name = name
        self.initializer = initializer
        self.regularizer = regularizer
        self.caching_device = caching_device
        self.partitioner = partitioner
        self.custom_getter = custom_getter
        self.original_name_scope = name_scope
        self.dtype = dtype
        self.use_resource = use_resource
        self.constraint = constraint

    def reuse_variables(self) -> None:
        """From here on get variables that exist, and make none."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        self.regularizer = regularizer

    def set_dtype(self, dtype: Any) -> None:
        self.dtype = dtype

    def set_partitioner(self, partitioner: Any) -> None:
        self.partitioner = partitioner

    def set_caching_device(self, caching_device: Any) -> None:
        self.caching_device = caching_device

    def set_use_resource(self, use_resource: bool | None) -> None:
        self.use_resource = use_resource

    def set_custom_getter(self, custom_getter: Any) -> None:
        self.custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """The items of a collection made in this scope."""
        return default_graph().get_collection(name, f"{self.name}/" if self.name else None)

    def trainable_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(self, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                     regularizer: Any = None, reuse: Any = None, custom_getter: Any = None, **options: Any) -> Any:
        """`tf.get_variable` in this scope."""
        if dtype is not None and initializer is not None and not callable(initializer):
            given = initializer.dtype if isinstance(initializer, Tensor) else as_dtype(as_array(initializer).dtype)
            if given != dtype:
                raise ValueError(f"Initializer type '{given.name}' and explicit dtype '{as_dtype(dtype).name}' don't "
                                 "match.")
        full_name = f"{self.name}/{name}" if self.name else name
        arguments = {
            "shape": shape, "dtype": as_dtype(self.dtype if dtype is None else dtype),
            "initializer": self.initializer if initializer is None else initializer,
            "regularizer": self.regularizer if regularizer is None else regularizer,
            "reuse": self.reuse if reuse is None else reuse, **options,
        }
        for inherited in ("constraint", "partitioner"):
            if arguments.get(inherited) is None:
                arguments[inherited] = getattr(self, inherited)
        getter = custom_getter or self.custom_getter
        with name_scope(None):
            if getter is not None:
                return getter(_get_or_make, name=full_name, **arguments)
            return _get_or_make(full_name, **arguments)


def _get_or_make(name: str, shape: Any = None, dtype: Any = float32, initializer: Any = None, regularizer: Any = None,
                 reuse: Any = None, trainable: bool | None = None, collections: Any = None, caching_device: Any = None,
                 partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None,
                 constraint: Any = None, synchronization: Any = None, aggregation: Any = None) -> Any:
    variables = _store().variables
    by_value = initializer is not None and not callable(initializer)
    if shape is not None and by_value:
        raise ValueError("If initializer is a constant, do not specify shape.")
    wanted = TensorShape(shape)
    if partitioner is not None:
        value = convert_to_tensor(initializer) if by_value else None
        full = wanted if value is None else value.shape
        if full.dims != () and full.is_fully_defined():
            return _partitioned(name, full, dtype if value is None else value.dtype, initializer if value is None else
                                value, partitioner, regularizer=regularizer, reuse=reuse, trainable=trainable,
                                collections=collections, constraint=constraint)
    eager = default_graph().eager
    if name in variables and (reuse or not eager or _store().shares):
        return _shared(variables[name], name, wanted, dtype, reuse or eager)
    if reuse is True:
        raise ValueError(f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you mean to "
                         "set reuse=tf.AUTO_REUSE in VarScope?")
    if not by_value and not wanted.is_fully_defined():
        raise ValueError(f"Shape of a new variable ({name}) must be fully defined, but instead was "
                         f"{'<unknown>' if wanted.dims is None else wanted}.")
    if initializer is None:
        initializer = glorot_uniform() if dtype.is_floating else zeros()
    variable = Variable(
        initializer if by_value else _initial_value(initializer, wanted, dtype), trainable=trainable,
        collections=collections, validate_shape=validate_shape, name=name, dtype=None if by_value else dtype,
        constraint=constraint)
    variables[name] = variable
    if regularizer is not None:
        with lifted(), name_scope(f"{name}/Regularizer/"):
            loss = regularizer(variable)
        if loss is not None:
            default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return variable


def _partitioned(name: str, shape: TensorShape, dtype: Any, initializer: Any, partitioner: Any,
                 **options: Any) -> PartitionedVariable:
    """The pieces "name/part_0", ... as one."""
    partitions, places = pieces(name, shape, dtype, partitioner)
    found = []
    for i, place in enumerate(places):
        if isinstance(initializer, Tensor):
            part = _get_or_make(f"{name}/part_{i}", None, dtype, initializer[place.slices], **options)
        else:
            part = _get_or_make(f"{name}/part_{i}", place.var_shape, dtype, initializer, **options)
        part._save_slice_info = place
        found.append(part)
    return PartitionedVariable(name, places[0].full_shape, dtype, found, partitions)


def _shared(found: Any, name: str, wanted: TensorShape, dtype: Any, reuse: Any) -> Any:
    if not reuse:
        site = found.op.site
        raise ValueError(f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or "
                         f"reuse=tf.AUTO_REUSE in VarScope? Originally defined at:\n\n  {site}")
    if not wanted.is_compatible_with(found.shape):
        raise ValueError(f"Trying to share variable {name}, but specified shape {wanted} and found shape "
                         f"{found.shape}.")
    if dtype != found.dtype:
        raise ValueError(f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype "
                         f"{found.dtype.name}.")
    return found


def _initial_value(initializer: Any, shape: TensorShape, dtype: Any) -> Callable[[], Any]:
    """A function without arguments from an initializer, an initializer class, or such a function."""
    import inspect
    make = initializer() if isinstance(initializer, type) else initializer
    try:
        takes_arguments = bool(inspect.signature(make).parameters)
    except (TypeError, ValueError):
        takes_arguments = True
    return (lambda: make(shape.as_list(), dtype=dtype)) if takes_arguments else make


def get_variable_scope() -> VariableScope:
    """The scope that `get_variable` uses here."""
    return _store().scope


def get_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
                 trainable: bool | None = None, collections: Any = None, caching_device: Any = None,
                 partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None,
                 custom_getter: Any = None, constraint: Any = None, synchronization: Any = None,
                 aggregation: Any = None) -> Any:
    """The variable `name` of the current variable scope, made if it may be and does not exist.

    `initializer` is a value, or a function of (shape, dtype); by default the scope's, else glorot_uniform for floats
    and zeros for others. Raises ValueError when the variable exists and the scope does not reuse, when it does not
    exist and the scope does, or when shape or dtype differ from what exists.
    """
    return get_variable_scope().get_variable(
        name, shape, dtype, initializer, regularizer, custom_getter=custom_getter, trainable=trainable,
        collections=collections, caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
        use_resource=use_resource, constraint=constraint, synchronization=synchronization, aggregation=aggregation)


def get_local_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                       regularizer: Any = None, trainable: bool = False, collections: Sequence[str] | None = None,
                       **options: Any) -> Any:
    """`get_variable` for a variable that is neither trained nor saved."""
    keys = [*(collections or ()), GraphKeys.LOCAL_VARIABLES]
    return get_variable(name, shape, dtype, initializer, regularizer, False, keys, **options)


class variable_scope:
    """A prefix for the names of variables and ops made inside, and defaults for `get_variable`.

    `name_or_scope` is a name to append, or a VariableScope to return to; when None, `default_name` made unique.
    """

    def __init__(self, name_or_scope: Any, default_name: str | None = None, values: Any = None, initializer: Any = None,
                 regularizer: Any = None, caching_device: Any = None, partitioner: Any = None,
                 custom_getter: Any = None, reuse: Any = None, dtype: Any = None, use_resource: bool | None = None,
                 constraint: Any = None, auxiliary_name_scope: bool = True):
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if name_or_scope is not None and not isinstance(name_or_scope, (str, VariableScope)):
            raise TypeError(f"VariableScope: name_or_scope must be a string or VariableScope, received "
                            f"{name_or_scope!r}")
        if reuse not in (None, True, False, AUTO_REUSE):
            raise ValueError(f"The reuse parameter must be True or False or None or tf.AUTO_REUSE, received {reuse!r}")
        if name_or_scope is None and reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        self._target = name_or_scope
        self._default_name = default_name
        self._values = values
        self._reuse = reuse
        self._given = {k: v for k, v in {
            "initializer": initializer, "regularizer": regularizer, "caching_device": caching_device,
            "partitioner": partitioner, "dtype": dtype, "use_resource": use_resource, "constraint": constraint,
        }.items() if v is not None}
        self._custom_getter = custom_getter
        self._auxiliary_name_scope = auxiliary_name_scope
        self._exits: list[contextlib.ExitStack] = []

    def __enter__(self) -> VariableScope:
        with contextlib.ExitStack() as stack:
            graph = building_graph(*(self._values or ()))
            if graph is not default_graph():
                stack.enter_context(graph.as_default())
            store = _store()
            scope = self._enter_scope(stack, store)
            self._exits.append(stack.pop_all())
        return scope

    def _enter_scope(self, stack: contextlib.ExitStack, store: _Store) -> VariableScope:
        outer, target = store.scope, self._target
        name = target.name.rpartition("/")[2] if isinstance(target, VariableScope) else (
            self._default_name if target is None else target)
        prefix = None
        if name and self._auxiliary_name_scope:
            prefix = stack.enter_context(name_scope(name))
        if isinstance(target, VariableScope):
            base, full_name = target, target.name
            reuse = self._reuse or target.reuse
            prefix = target.original_name_scope
        else:
            part = store.unique(self._default_name or "") if target is None else target
            base, full_name = outer, f"{outer.name}/{part}" if outer.name and part else part or outer.name
            reuse = self._reuse or outer.reuse
        scope = VariableScope(
            reuse, full_name, name_scope=full_name if prefix is None else prefix,
            custom_getter=_nested(self._custom_getter, base.custom_getter),
            **{key: self._given.get(key, getattr(base, key)) for key in _INHERITED})
        opened = dict(store.opened)
        store.open(full_name)
        store.scope = scope

        def leave() -> None:
            if isinstance(target, VariableScope):
                store.opened = opened
            else:
                store.close_subscopes(full_name)
            store.scope = outer

        stack.callback(leave)
        return scope

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._exits.pop().__exit__(kind, error, traceback)


def _nested(inner: Any, outer: Any) -> Any:
    """A custom getter that calls `inner` with `outer` around the true getter."""
    if inner is None or outer is None:
        return inner or outer
    return lambda getter, *args, **kwargs: inner(
        lambda *a, **k: outer(getter, *a, **k), *args, **kwargs)


@contextlib.contextmanager
def variable_op_scope(values: Any, name_or_scope: Any, default_name: str | None = None, **options: Any) -> Any:
    """`variable_scope` with its arguments in an older order."""
    with variable_scope(name_or_scope, default_name, values, **options) as scope:
        yield scope


def create_partitioned_variables(shape: Any, slicing: Sequence[int], initializer: Any, dtype: Any = float32,
                                 trainable: bool = True, collections: Any = None, name: str | None = None,
                                 reuse: Any = None) -> list[Any]:
    """The pieces of a variable of that shape, cut into slicing[k] along axis k.

    Raises ValueError where more than one axis is cut.
    """
    outer = get_variable_scope().name
    with variable_scope(name, "PartitionedVariable", reuse=reuse) as inner:
        full = inner.name
    with variable_scope(get_variable_scope(), reuse=reuse, auxiliary_name_scope=False):
        return list(get_variable(full.removeprefix(f"{outer}/") if outer else full, shape, dtype, initializer,
                                 trainable=trainable, collections=collections,
                                 partitioner=lambda **unused: list(slicing)))
