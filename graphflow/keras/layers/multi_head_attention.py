"""Attention of several heads (Vaswani et al. 2017)."""
from __future__ import annotations

import math
import random
import string
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.einsum import einsum
from ...compiler.ops.elementwise import exp, where
from ...compiler.ops.nn import softmax
from ...compiler.ops.reduction import reduce_logsumexp
from ...compiler.ops.view import broadcast_to, expand_dims, reshape, zeros_of
from .arguments import take_weight_arguments, weight_config
from .attention_masks import combined_mask
from .layer import Layer
from .linear import EinsumDense
from .node import mask_of, set_mask
from .regularization import dropped


class BaseAttention(Layer):
    """What the attention layers of several heads share: the arguments of their projections, and the attention."""

    supports_masking = True

    def _take(self, dropout: float, use_bias: bool, sliding_window: Any, use_gate: bool, seed: Any,
              weights: dict[str, Any]) -> None:
        if sliding_window is not None and (not isinstance(sliding_window, int) or sliding_window <= 0):
            raise ValueError("`sliding_window` must be `None` or a positive integer. "
                             f"Received: sliding_window={sliding_window}")
        self.dropout, self.use_bias, self.use_gate = dropout, use_bias, use_gate
        self.sliding_window, self.seed = sliding_window, seed
        self._own_seed = random.randint(1, 10**9) if seed is None else int(seed)
        take_weight_arguments(self, **weights)

    def _projection(self, name: str, equation: str, shape: Any, bias_axes: str, input_shape: Any,
                    activation: Any = None) -> EinsumDense:
        layer = EinsumDense(
            equation, shape, activation, bias_axes if self.use_bias else None,
            type(self.kernel_initializer).from_config(self.kernel_initializer.get_config()),
            type(self.bias_initializer).from_config(self.bias_initializer.get_config()), self.kernel_regularizer,
            self.bias_regularizer, self.kernel_constraint, self.bias_constraint, name=name, dtype=self.dtype_policy)
        layer.build_from_config({"input_shape": list(input_shape)})
        return layer

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Any, axes: int, equations: tuple[str, str],
               scale: float, training: Any, exact: bool) -> tuple[Tensor, Tensor]:
        """(the attended values, the weights). `exact`: positions whose every score is masked attend to nothing."""
        scores = einsum(equations[0], key, query * scale)
        if mask is not None:
            assert scores.dims is not None
            while len(mask.dims) < len(scores.dims):
                mask = expand_dims(mask, -2 * axes - 1)
            scores = where(mask, scores, zeros_of(scores) - 1e30)
        assert scores.dims is not None
        over = tuple(range(len(scores.dims) - axes, len(scores.dims)))
        weights = softmax(scores) if axes == 1 else exp(scores - reduce_logsumexp(scores, over, keepdims=True))
        if mask is not None and exact:
            weights = where(mask, weights, zeros_of(weights))
        kept = dropped(weights, self.dropout, self._own_seed) if training and self.dropout > 0 else weights
        return einsum(equations[1], kept, value), weights

    def _weight_config(self) -> dict[str, Any]:
        return weight_config(self, "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
                             "activity_regularizer", "kernel_constraint", "bias_constraint")


class MultiHeadAttention(BaseAttention):
    """Queries, keys and values projected for each of `num_heads` heads, attended, and projected back.

    Called on query, value and maybe key of [batch, ..., features]; attention runs over `attention_axes` (all between
    the first and the last).
    """

    def __init__(self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0,
                 use_bias: bool = True, output_shape: Any = None, attention_axes: Any = None,
                 sliding_window: int | None = None, flash_attention: Any = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, use_gate: bool = False,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        for name, number in (("num_heads", num_heads), ("key_dim", key_dim), ("value_dim", value_dim or key_dim)):
            if not isinstance(number, int) or number <= 0:
                raise ValueError(f"Received an invalid value for argument `{name}`, expected a positive integer. "
                                 f"Received: {name}={number}")
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim or key_dim
        self._wanted_shape = None if not output_shape else (
            tuple(output_shape) if hasattr(output_shape, "__iter__") else (output_shape,))
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self._take(dropout, use_bias, sliding_window, use_gate, seed, {
            "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint, "bias_constraint": bias_constraint})

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError("All dimensions of `value` and `key`, except the last one, must be equal. Received: "
                             f"value_shape={value_shape} and key_shape={key_shape}")
        rank = len(query_shape)

        def heads(name: str, shape: Any, size: int, activation: Any = None) -> EinsumDense:
            equation, bias = _projection_equation(len(shape) - 1, 1, 2)
            return self._projection(name, equation, (*(None,) * (len(shape) - 2), self.num_heads, size), bias, shape,
                                    activation)

        self._query_dense = heads("query", query_shape, self.key_dim)
        self._key_dense = heads("key", key_shape, self.key_dim)
        if self.use_gate:
            self._gate_dense = heads("gate", query_shape, self.value_dim, "sigmoid")
        self._value_dense = heads("value", value_shape, self.value_dim)
        axes = self.attention_axes
        self._axes = tuple(range(1, rank - 1)) if axes is None else tuple(a if a >= 0 else rank + a for a in axes)
        self.attention_axes = self._axes
        self._equations = _attention_equations(rank + 1, self._axes)
        last = self._wanted_shape or (query_shape[-1],)
        equation, bias = _projection_equation(rank - 1, 2, len(last))
        self._output_dense = self._projection(
            "attention_output", equation, (*(None,) * (rank - 2), *last), bias,
            (*query_shape[:-1], self.num_heads, self.value_dim))

    def call(self, query: Tensor, value: Tensor, key: Any = None, query_mask: Any = None, value_mask: Any = None,
             key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False,
             training: Any = None, use_causal_mask: bool = False) -> Any:
        key = value if key is None else key
        query_mask = mask_of(query)  # Keras looks at the tensor, whatever it was given
        mask = combined_mask(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask,
                             self.sliding_window)
        exact = self.dropout > 0 or return_attention_scores or len(query.dims or ()) != 3
        outputs, weights = self.attend(
            self._query_dense(query), self._key_dense(key), self._value_dense(value), mask, len(self._axes),
            self._equations, 1 / math.sqrt(self.key_dim), training, exact)
        if self.use_gate:
            outputs = outputs * self._gate_dense(query)
        outputs = self._output_dense(outputs)
        if query_mask is not None:
            set_mask(outputs, query_mask)
        return (outputs, weights) if return_attention_scores else outputs

    @property
    def query_dense(self) -> EinsumDense:
        return self._query_dense

    @property
    def key_dense(self) -> EinsumDense:
        return self._key_dense

    @property
    def value_dense(self) -> EinsumDense:
        return self._value_dense

    @property
    def output_dense(self) -> EinsumDense:
        return self._output_dense

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return previous_mask

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads, "key_dim": self.key_dim,
                "value_dim": self.value_dim, "dropout": self.dropout, "use_bias": self.use_bias,
                "use_gate": self.use_gate,
                "output_shape": None if self._wanted_shape is None else list(self._wanted_shape),
                "attention_axes": None if self.attention_axes is None else list(self.attention_axes),
                "sliding_window": self.sliding_window, **self._weight_config(), "seed": self.seed}


class GroupedQueryAttention(BaseAttention):
    """Attention in which several query heads share a key and value head (Ainslie et al. 2023)."""

    def __init__(self, head_dim: int, num_query_heads: int, num_key_value_heads: int, dropout: float = 0.0,
                 use_bias: bool = True, sliding_window: int | None = None, flash_attention: Any = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, use_gate: bool = False,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if num_query_heads % num_key_value_heads:
            raise ValueError("`num_query_heads` must be divisible by `num_key_value_heads`. Received: "
                             f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}")
        self.head_dim = head_dim
        self.num_query_heads, self.num_key_value_heads = num_query_heads, num_key_value_heads
        self._take(dropout, use_bias, sliding_window, use_gate, seed, {
            "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint, "bias_constraint": bias_constraint})

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        key_shape = value_shape if key_shape is None else key_shape
        queries = (None, self.num_query_heads, self.head_dim)
        keys = (None, self.num_key_value_heads, self.head_dim)
        self._query_dense = self._projection("query", "bqm,muh->bquh", queries, "uh", query_shape)
        self._key_dense = self._projection("key", "bkm,mvh->bkvh", keys, "vh", key_shape)
        if self.use_gate:
            self._gate_dense = self._projection("gate", "bqm,muh->bquh", queries, "uh", query_shape, "sigmoid")
        self._value_dense = self._projection("value", "bkm,mvh->bkvh", keys, "vh", value_shape)
        self._output_dense = self._projection("attention_output", "bquh,uhm->bqm", (None, query_shape[-1]), "m",
                                              (None, None, self.num_query_heads, self.head_dim))

    def call(self, query: Tensor, value: Tensor, key: Any = None, query_mask: Any = None, value_mask: Any = None,
             key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False,
             training: Any = None, use_causal_mask: bool = False) -> Any:
        key = value if key is None else key
        mask = combined_mask(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask,
                             self.sliding_window)
        outputs, weights = self.attend(
            self._query_dense(query), self._shared(self._key_dense(key)), self._shared(self._value_dense(value)), mask,
            1, ("bkuh,bquh->buqk", "buqk,bkuh->bquh"), 1 / math.sqrt(self.head_dim), training,
            self.dropout > 0 or return_attention_scores)
        if self.use_gate:
            outputs = outputs * self._gate_dense(query)
        outputs = self._output_dense(outputs)
        return (outputs, weights) if return_attention_scores else outputs

    def _shared(self, x: Tensor) -> Tensor:
        """Each head repeated for the query heads that share it."""
        assert x.dims is not None
        batch, time, heads, size = x.dims
        repeats = self.num_query_heads // self.num_key_value_heads
        wide = broadcast_to(expand_dims(x, 3), (batch, time, heads, repeats, size))
        return reshape(wide, (batch, time, self.num_query_heads, size))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "head_dim": self.head_dim, "num_query_heads": self.num_query_heads,
                "num_key_value_heads": self.num_key_value_heads, "use_bias": self.use_bias, "use_gate": self.use_gate,
                "dropout": self.dropout, "sliding_window": self.sliding_window, **self._weight_config(),
                "seed": self.seed}


GroupQueryAttention = GroupedQueryAttention


def _projection_equation(free: int, bound: int, outputs: int) -> tuple[str, str]:
    """(equation, axes of the bias): `bound` axes after the `free` ones become `outputs` others."""
    letters = string.ascii_lowercase
    kept, inner = letters[:free], letters[free:free + bound]
    made = letters[free + bound:free + bound + outputs]
    return f"{kept}{inner},{inner}{made}->{kept}{made}", made


def _attention_equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """(keys with queries to scores, scores with values to outputs), for tensors of `rank` axes, heads second to
    last."""
    letters = string.ascii_lowercase
    target = letters[:rank]
    batch = [i for i in range(rank) if i not in axes and i != rank - 1]
    spare = iter(letters[rank:])
    source = "".join(target[i] if i in batch or i == rank - 1 else next(spare) for i in range(rank))
    scores = "".join([*(target[i] for i in batch), *(target[i] for i in axes), *(source[i] for i in axes)])
    return f"{source},{target}->{scores}", f"{scores},{source}->{target}"
