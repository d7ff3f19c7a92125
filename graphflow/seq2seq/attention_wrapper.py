"""A cell with attention."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import nest
from ..compiler.dtypes import int32
from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant
from ..compiler.ops.slicing import concat
from ..compiler.ops.view import expand_dims, identity, squeeze
from ..compiler.shapes import TensorShape
from ..control_flow import TensorArray
from ..framework import name_scope
from ..layers import Dense
from ..math_ops import matmul
from ..rnn.base import RNNCell, assert_like_rnncell, batch_size_of, zero_tensors
from .attention import AttentionMechanism


class AttentionWrapperState(NamedTuple):
    """The state of an AttentionWrapper: the cell's, the last attention [batch, size], the time, the last alignments
    [batch, memory time], their history (a TensorArray, or ()), and the states of the mechanisms; the last three are
    tuples for several mechanisms."""

    cell_state: Any
    attention: Any
    time: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """This state with parts replaced, which take on the static shapes of the old ones. Raises ValueError when they
        do not have them."""
        def like(old: Any, new: Any) -> Any:
            if isinstance(old, Tensor) and isinstance(new, Tensor):
                new = identity(new)
                new.set_shape(old.shape)
            return new

        return nest.map_structure(like, self, self._replace(**kwargs))


def compute_attention(mechanism: Any, cell_output: Tensor, attention_state: Any, attention_layer: Any) -> Any:
    """(attention [batch, size], alignments [batch, memory time], next state of the mechanism)."""
    alignments, next_state = mechanism(cell_output, state=attention_state)
    context = squeeze(matmul(expand_dims(alignments, 1), mechanism.values), [1])
    if attention_layer is not None:
        context = attention_layer(concat([cell_output, context], 1))
    return context, alignments, next_state


class AttentionWrapper(RNNCell):
    """A cell whose inputs are concatenated with the last attention, and whose output is the attention.

    The attention is the context (the memory weighted by the alignments), or, with `attention_layer_size` or
    `attention_layer`, that layer of the cell's output and the context. Of several mechanisms (a list, with a list of
    sizes) the attentions are concatenated. With `output_attention` False the cell's output is put out. Raises TypeError
    for what is no mechanism, ValueError when sizes and mechanisms differ in number.
    """

    def __init__(self, cell: Any, attention_mechanism: Any, attention_layer_size: Any = None,
                 alignment_history: bool = False, cell_input_fn: Callable[..., Any] | None = None,
                 output_attention: bool = True, initial_cell_state: Any = None, name: str | None = None,
                 attention_layer: Any = None, attention_fn: Callable[..., Any] | None = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        assert_like_rnncell("cell", cell)
        self._is_multi = isinstance(attention_mechanism, (list, tuple))
        mechanisms: Sequence[Any] = attention_mechanism if self._is_multi else (attention_mechanism,)
        for mechanism in mechanisms:
            if not isinstance(mechanism, AttentionMechanism):
                raise TypeError("attention_mechanism must be an AttentionMechanism or list of multiple "
                                f"AttentionMechanism instances, saw type: {type(mechanism).__name__}")
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        self._cell = cell
        self._attention_mechanisms = mechanisms
        self._cell_input_fn = cell_input_fn or (lambda inputs, attention: concat([inputs, attention], -1))
        self._output_attention = output_attention
        self._alignment_history = alignment_history
        self._attention_fn = attention_fn or compute_attention
        self._attention_layers = self._layers(attention_layer_size, attention_layer)
        depths = [m.values.shape.as_list()[-1] for m in mechanisms]
        if attention_layer is not None:
            depths = [TensorShape(layer.compute_output_shape(TensorShape([None, cell.output_size + d]))).as_list()[-1]
                      for layer, d in zip(self._attention_layers, depths, strict=True)]
        elif attention_layer_size is not None:
            depths = [layer.units for layer in self._attention_layers]
        self._attention_layer_size = sum(depths)
        self._initial_cell_state = initial_cell_state
        if initial_cell_state is not None:
            self._check_batch(nest.flatten(initial_cell_state)[-1].shape.as_list()[0], "initial_cell_state")

    def _layers(self, sizes: Any, layers: Any) -> list[Any]:
        if sizes is not None and layers is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        given = layers if sizes is None else sizes
        if given is None:
            return [None] * len(self._attention_mechanisms)
        items = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(items) != len(self._attention_mechanisms):
            what = "attention_layer" if sizes is None else "attention_layer_size"
            raise ValueError(f"If provided, {what} must contain exactly one item per attention_mechanism, saw: "
                             f"{len(items)} vs {len(self._attention_mechanisms)}")
        if sizes is None:
            return items
        return [Dense(size, name="attention_layer", use_bias=False, dtype=mechanism.dtype)
                for size, mechanism in zip(items, self._attention_mechanisms, strict=True)]

    def _check_batch(self, batch_size: Any, what: str) -> None:
        """Raises InvalidArgumentError when a batch size that is known is not the memory's."""
        for mechanism in self._attention_mechanisms:
            known = getattr(mechanism, "batch_size", None)
            if isinstance(batch_size, int) and isinstance(known, int) and batch_size != known:
                raise InvalidArgumentError(
                    f"AttentionWrapper {self.name}: Non-matching batch sizes between the memory (encoder output), "
                    f"{known}, and {what}, {batch_size}.  Are you using the BeamSearchDecoder?  You may need to tile "
                    "your memory input via tf.contrib.seq2seq.tile_batch with argument multiple=beam_width.")

    def _item_or_tuple(self, items: Any) -> Any:
        return tuple(items) if self._is_multi else next(iter(items))

    @property
    def output_size(self) -> Any:
        return self._attention_layer_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        mechanisms = self._attention_mechanisms
        return AttentionWrapperState(
            cell_state=self._cell.state_size, time=TensorShape([]), attention=self._attention_layer_size,
            alignments=self._item_or_tuple(m.alignments_size for m in mechanisms),
            attention_state=self._item_or_tuple(m.state_size for m in mechanisms),
            alignment_history=self._item_or_tuple(m.alignments_size if self._alignment_history else ()
                                                  for m in mechanisms))

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """The state before the first step; no attention yet."""
        self._check_batch(batch_size, "the requested batch size")
        with name_scope(f"{type(self).__name__}ZeroState"):
            cell_state = self._initial_cell_state
            if cell_state is None:
                cell_state = self._cell.zero_state(batch_size, dtype)
            alignments = [m.initial_alignments(batch_size, dtype) for m in self._attention_mechanisms]
            return AttentionWrapperState(
                cell_state=nest.map_structure(lambda s: identity(s, name="checked_cell_state"), cell_state),
                time=constant(0, int32), attention=zero_tensors(self._attention_layer_size, batch_size, dtype),
                alignments=self._item_or_tuple(alignments),
                attention_state=self._item_or_tuple(m.initial_state(batch_size, dtype)
                                                    for m in self._attention_mechanisms),
                alignment_history=self._item_or_tuple(
                    TensorArray(dtype, size=0, dynamic_size=True, element_shape=a.shape)
                    if self._alignment_history else () for a in alignments))

    def call(self, inputs: Any, state: Any) -> Any:
        if not isinstance(state, AttentionWrapperState):
            raise TypeError("Expected state to be instance of AttentionWrapperState. Received type "
                            f"{type(state)} instead.")
        cell_output, cell_state = self._cell(self._cell_input_fn(inputs, state.attention), state.cell_state)
        self._check_batch(batch_size_of(cell_output), "the query (decoder output)")
        states = state.attention_state if self._is_multi else [state.attention_state]
        histories = state.alignment_history if self._is_multi else [state.alignment_history]
        attentions, alignments, next_states, next_histories = [], [], [], []
        for mechanism, before, history, layer in zip(self._attention_mechanisms, states, histories,
                                                     self._attention_layers, strict=True):
            attention, alignment, after = self._attention_fn(mechanism, cell_output, before, layer)
            attentions.append(attention)
            alignments.append(alignment)
            next_states.append(after)
            next_histories.append(history.write(state.time, alignment) if self._alignment_history else ())
        attention = concat(attentions, 1)
        next_state = AttentionWrapperState(
            time=state.time + 1, cell_state=cell_state, attention=attention,
            attention_state=self._item_or_tuple(next_states), alignments=self._item_or_tuple(alignments),
            alignment_history=self._item_or_tuple(next_histories))
        return (attention if self._output_attention else cell_output), next_state
