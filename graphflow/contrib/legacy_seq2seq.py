"""`tf.contrib.legacy_seq2seq`: sequence to sequence models unrolled over lists of inputs (Sutskever et al. 2014).

Everywhere: `encoder_inputs` and `decoder_inputs` are lists of tensors [batch, size], or ids [batch] where they are
embedded; outputs are lists of [batch, output_size]. `feed_previous`, a bool or a bool tensor, feeds the embedding of
the likeliest id of each output instead of the next decoder input. `output_projection` is (weights, biases) that turn
outputs into logits for that; without it, outputs are logits already.
"""
from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from .. import nest
from ..array_ops import shape as shape_of
from ..array_ops import zeros
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, tanh
from ..compiler.ops.reduction import argmax, reduce_sum
from ..compiler.ops.slicing import concat
from ..compiler.ops.view import expand_dims, reshape, stop_gradient
from ..control_flow import cond
from ..framework import is_tensor, name_scope
from ..math_ops import add_n, matmul
from ..nn_ops import embedding_lookup, softmax, sparse_softmax_cross_entropy_with_logits, xw_plus_b
from ..rnn.base import batch_size_of
from ..rnn.contributed import linear
from ..rnn.contributed_wrappers import EmbeddingWrapper, OutputProjectionWrapper
from ..rnn.static import static_rnn
from ..variable_scope import get_variable, get_variable_scope, variable_scope

__all__ = [
    "attention_decoder", "basic_rnn_seq2seq", "embedding_attention_decoder", "embedding_attention_seq2seq",
    "embedding_rnn_decoder", "embedding_rnn_seq2seq", "embedding_tied_rnn_seq2seq", "model_with_buckets",
    "one2many_rnn_seq2seq", "rnn_decoder", "sequence_loss", "sequence_loss_by_example", "tied_rnn_seq2seq",
]

Loop = Callable[[Any, int], Any]
Decoded = tuple[list[Any], Any]


def _argmax_and_embed(embedding: Any, output_projection: Any, update_embedding: bool) -> Loop:
    """The loop function that feeds the embedding of the likeliest id of the last output."""
    def loop_function(previous: Any, _: int) -> Tensor:
        if output_projection is not None:
            previous = xw_plus_b(previous, output_projection[0], output_projection[1])
        embedded = embedding_lookup(embedding, argmax(previous, 1))
        return embedded if update_embedding else stop_gradient(embedded)
    return loop_function


def _either(feed_previous: Any, decode: Callable[[bool], Decoded], structure: Any) -> Decoded:
    """`decode(feed_previous)`, both ways under a cond when that is a tensor; they share their variables."""
    if not is_tensor(feed_previous):
        return decode(bool(feed_previous))

    def branch(feed: bool) -> list[Any]:
        with variable_scope(get_variable_scope(), reuse=None if feed else True):
            outputs, state = decode(feed)
        return [*outputs, *nest.flatten(state)]

    results = list(cond(feed_previous, lambda: branch(True), lambda: branch(False)))
    count = len(results) - len(nest.flatten(structure))
    return results[:count], nest.pack_sequence_as(structure, results[count:])


def rnn_decoder(decoder_inputs: Any, initial_state: Any, cell: Any, loop_function: Loop | None = None,
                scope: Any = None) -> Decoded:
    """(outputs, final state) of a cell; inputs after the first are loop_function(last output, number) if given."""
    outputs: list[Any] = []
    state = initial_state
    with variable_scope(scope or "rnn_decoder"):
        for k, value in enumerate(decoder_inputs):
            if loop_function is not None and outputs:
                with variable_scope("loop_function", reuse=True):
                    value = loop_function(outputs[-1], k)
            if k > 0:
                get_variable_scope().reuse_variables()
            output, state = cell(value, state)
            outputs.append(output)
    return outputs, state


def basic_rnn_seq2seq(encoder_inputs: Any, decoder_inputs: Any, cell: Any, dtype: Any = "float32",
                      scope: Any = None) -> Decoded:
    """An encoder, and a decoder of its own variables that starts from the encoder's final state."""
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


def tied_rnn_seq2seq(encoder_inputs: Any, decoder_inputs: Any, cell: Any, loop_function: Loop | None = None,
                     dtype: Any = "float32", scope: Any = None) -> Decoded:
    """An encoder and a decoder that share their variables."""
    with variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function, scope)


def embedding_rnn_decoder(decoder_inputs: Any, initial_state: Any, cell: Any, num_symbols: int, embedding_size: int,
                          output_projection: Any = None, feed_previous: bool = False,
                          update_embedding_for_previous: bool = True, scope: Any = None) -> Decoded:
    """A decoder (`rnn_decoder`) of ids, which it embeds in vectors of `embedding_size`."""
    with variable_scope(scope or "embedding_rnn_decoder"):
        _check_projection(output_projection, num_symbols)
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        loop = _argmax_and_embed(embedding, output_projection,
                                 update_embedding_for_previous) if feed_previous else None
        return rnn_decoder([embedding_lookup(embedding, ids) for ids in decoder_inputs], initial_state, cell, loop)


def _check_projection(output_projection: Any, num_symbols: int) -> None:
    if output_projection is not None:
        convert_to_tensor(output_projection[0]).shape.assert_is_compatible_with([None, num_symbols])
        convert_to_tensor(output_projection[1]).shape.assert_is_compatible_with([num_symbols])


def embedding_rnn_seq2seq(encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_encoder_symbols: int,
                          num_decoder_symbols: int, embedding_size: int, output_projection: Any = None,
                          feed_previous: Any = False, dtype: Any = None, scope: Any = None) -> Decoded:
    """An encoder and a decoder of embedded ids."""
    with variable_scope(scope or "embedding_rnn_seq2seq", dtype=dtype) as entered:
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=entered.dtype)
        decoder = OutputProjectionWrapper(cell, num_decoder_symbols) if output_projection is None else cell
        return _either(feed_previous, lambda feed: embedding_rnn_decoder(
            decoder_inputs, state, decoder, num_decoder_symbols, embedding_size, output_projection, feed,
            not is_tensor(feed_previous)), state)


def embedding_tied_rnn_seq2seq(encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_symbols: int,
                               embedding_size: int, num_decoder_symbols: int | None = None,
                               output_projection: Any = None, feed_previous: Any = False, dtype: Any = None,
                               scope: Any = None) -> Decoded:
    """An encoder and a decoder that share their variables and the embedding."""
    with variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as entered:
        _check_projection(output_projection, num_symbols)
        embedding = get_variable("embedding", [num_symbols, embedding_size], entered.dtype)
        embedded = [[embedding_lookup(embedding, ids) for ids in inputs] for inputs in (encoder_inputs, decoder_inputs)]
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols or num_symbols)

        def decode(feed: bool) -> Decoded:
            loop = _argmax_and_embed(embedding, output_projection, not is_tensor(feed_previous)) if feed else None
            return tied_rnn_seq2seq(*embedded, cell, loop, entered.dtype)  # type: ignore[arg-type, call-arg]

        return _either(feed_previous, decode, cell.state_size)


# attention (Vinyals et al. 2015)


def attention_decoder(decoder_inputs: Sequence[Any], initial_state: Any, attention_states: Any, cell: Any,
                      output_size: int | None = None, num_heads: int = 1, loop_function: Loop | None = None,
                      dtype: Any = None, scope: Any = None, initial_state_attention: bool = False) -> Decoded:
    """A decoder that attends, with `num_heads` heads, to `attention_states` [batch, time, size].

    Raises ValueError for no inputs, no heads, or attention states of unknown size.
    """
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    memory = convert_to_tensor(attention_states)
    size = memory.shape.as_list()[2]
    if size is None:
        raise ValueError(f"Shape[2] of attention_states must be known: {memory.shape}")
    output_size = output_size or cell.output_size
    with variable_scope(scope or "attention_decoder", dtype=dtype) as entered:
        kind = entered.dtype
        length = batch_size_of(memory, 1)
        heads = []
        for a in range(num_heads):
            w = get_variable(f"AttnW_{a}", [1, 1, size, size], kind)
            keys = reshape(matmul(reshape(memory, [-1, size]), reshape(w, [size, size])), [-1, length, size])
            heads.append((keys, get_variable(f"AttnV_{a}", [size], kind)))

        def attention(query: Any) -> list[Tensor]:
            query = concat(nest.flatten(query), 1)
            reads = []
            for a, (keys, v) in enumerate(heads):
                with variable_scope(f"Attention_{a}"):
                    scores = reduce_sum(v * tanh(keys + expand_dims(cast(linear(query, size), kind), 1)), 2)
                    reads.append(reduce_sum(expand_dims(softmax(scores), 2) * memory, 1))
            return reads

        outputs: list[Any] = []
        state = initial_state
        reads = [zeros([batch_size_of(convert_to_tensor(decoder_inputs[0])), size], kind) for _ in heads]
        if initial_state_attention:
            reads = attention(initial_state)
        for k, value in enumerate(decoder_inputs):
            if k > 0:
                get_variable_scope().reuse_variables()
            if loop_function is not None and outputs:
                with variable_scope("loop_function", reuse=True):
                    value = loop_function(outputs[-1], k)
            value = convert_to_tensor(value)
            mixed = linear([cast(x, kind) for x in (value, *reads)], value.shape.as_list()[1])  # type: ignore[arg-type]
            cell_output, state = cell(mixed, state)
            with variable_scope(get_variable_scope(), reuse=True if k == 0 and initial_state_attention else None):
                reads = attention(state)
            with variable_scope("AttnOutputProjection"):
                outputs.append(linear([cast(cell_output, kind), *reads], output_size))
    return outputs, state


def embedding_attention_decoder(decoder_inputs: Any, initial_state: Any, attention_states: Any, cell: Any,
                                num_symbols: int, embedding_size: int, num_heads: int = 1,
                                output_size: int | None = None, output_projection: Any = None,
                                feed_previous: bool = False, update_embedding_for_previous: bool = True,
                                dtype: Any = None, scope: Any = None, initial_state_attention: bool = False) -> Decoded:
    """A decoder that attends (`attention_decoder`) of ids, which it embeds in vectors of `embedding_size`."""
    with variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        if output_projection is not None:
            convert_to_tensor(output_projection[1]).shape.assert_is_compatible_with([num_symbols])
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        loop = _argmax_and_embed(embedding, output_projection,
                                 update_embedding_for_previous) if feed_previous else None
        return attention_decoder([embedding_lookup(embedding, ids) for ids in decoder_inputs], initial_state,
                                 attention_states, cell, output_size or cell.output_size, num_heads, loop,
                                 initial_state_attention=initial_state_attention)


def embedding_attention_seq2seq(encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_encoder_symbols: int,
                                num_decoder_symbols: int, embedding_size: int, num_heads: int = 1,
                                output_projection: Any = None, feed_previous: Any = False, dtype: Any = None,
                                scope: Any = None, initial_state_attention: bool = False) -> Decoded:
    """An encoder of embedded ids, and a decoder that attends to its outputs."""
    with variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as entered:
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        encoded, state = static_rnn(encoder, encoder_inputs, dtype=entered.dtype)
        memory = concat([reshape(e, [-1, 1, cell.output_size]) for e in encoded], 1)
        decoder, output_size = cell, None
        if output_projection is None:
            decoder, output_size = OutputProjectionWrapper(cell, num_decoder_symbols), num_decoder_symbols
        return _either(feed_previous, lambda feed: embedding_attention_decoder(
            decoder_inputs, state, memory, decoder, num_decoder_symbols, embedding_size, num_heads, output_size,
            output_projection, feed, not is_tensor(feed_previous),
            initial_state_attention=initial_state_attention), state)


def one2many_rnn_seq2seq(encoder_inputs: Any, decoder_inputs_dict: dict[str, Any], enc_cell: Any,
                         dec_cells_dict: dict[str, Any], num_encoder_symbols: int,
                         num_decoder_symbols_dict: dict[str, int], embedding_size: int, feed_previous: Any = False,
                         dtype: Any = None, scope: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """One encoder and several decoders: dicts of outputs and of final states. Raises ValueError for unequal keys."""
    if set(dec_cells_dict) != set(decoder_inputs_dict):
        raise ValueError("keys of dec_cells_dict != keys of decoder_inputs_dict")
    outputs, states = {}, {}
    with variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype) as entered:
        encoder = EmbeddingWrapper(enc_cell, num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=entered.dtype)
        for name, inputs in decoder_inputs_dict.items():
            symbols = num_decoder_symbols_dict[name]
            with variable_scope(f"one2many_decoder_{name}"):
                cell = OutputProjectionWrapper(dec_cells_dict[name], symbols)
                outputs[name], states[name] = _either(
                    feed_previous,
                    lambda feed, inputs=inputs, cell=cell, symbols=symbols: embedding_rnn_decoder(  # type: ignore[misc]
                        inputs, state, cell, symbols, embedding_size, feed_previous=feed
                    ),
                    state,
                )
    return outputs, states


# losses


def sequence_loss_by_example(logits: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any],
                             average_across_timesteps: bool = True,
                             softmax_loss_function: Callable[..., Any] | None = None,
                             name: str | None = None) -> Tensor:
    """The weighted cross-entropies [batch] of lists of targets [batch] under lists of logits [batch, classes].

    Summed over time, or averaged by the sum of the weights. Raises ValueError for lists of different lengths.
    """
    if not len(logits) == len(targets) == len(weights):
        raise ValueError("Lengths of logits, weights, and targets must be the same "
                         f"{len(logits)}, {len(weights)}, {len(targets)}.")
    entropy = softmax_loss_function or (lambda labels, logits: sparse_softmax_cross_entropy_with_logits(
        labels=reshape(labels, [-1]), logits=logits))
    with name_scope(name, "sequence_loss_by_example"):
        losses = add_n([entropy(labels=target, logits=logit) * weight
                        for logit, target, weight in zip(logits, targets, weights, strict=True)])
        return losses / (add_n(list(weights)) + 1e-12) if average_across_timesteps else losses


def sequence_loss(logits: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any],
                  average_across_timesteps: bool = True, average_across_batch: bool = True,
                  softmax_loss_function: Callable[..., Any] | None = None, name: str | None = None) -> Tensor:
    """The sum of `sequence_loss_by_example` over the batch, or its average."""
    with name_scope(name, "sequence_loss"):
        total = reduce_sum(sequence_loss_by_example(logits, targets, weights, average_across_timesteps,
                                                    softmax_loss_function))
        return total / cast(shape_of(targets[0])[0], total.dtype) if average_across_batch else total


def model_with_buckets(encoder_inputs: list[Any], decoder_inputs: list[Any], targets: list[Any], weights: list[Any],
                       buckets: Sequence[tuple[int, int]], seq2seq: Callable[..., Any],
                       softmax_loss_function: Callable[..., Any] | None = None, per_example_loss: bool = False,
                       name: str | None = None) -> tuple[list[Any], list[Any]]:
    """seq2seq(encoder inputs, decoder inputs) for each bucket of lengths, with shared variables.

    Returns (list of outputs, list of losses). Raises ValueError for lists shorter than the last bucket.
    """
    for what, items, least in (("encoder_inputs", encoder_inputs, buckets[-1][0]), ("targets", targets, buckets[-1][1]),
                               ("weights", weights, buckets[-1][1])):
        if len(items) < least:
            raise ValueError(f"Length of {what} ({len(items)}) must be at least that of last bucket ({least}).")
    loss = sequence_loss_by_example if per_example_loss else sequence_loss
    outputs, losses = [], []
    with name_scope(name, "model_with_buckets"):
        for k, (encoded, decoded) in enumerate(buckets):
            with variable_scope(get_variable_scope(), reuse=True if k > 0 else None):
                result, _ = seq2seq(encoder_inputs[:encoded], decoder_inputs[:decoded])
                outputs.append(result)
                losses.append(loss(result, targets[:decoded], weights[:decoded],
                                   softmax_loss_function=softmax_loss_function))
    return outputs, losses
