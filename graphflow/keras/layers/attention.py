"""Attention of queries over keys and values of one head."""
from __future__ import annotations

import random
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import logical_and, logical_not, tanh, where
from ...compiler.ops.nn import softmax
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.view import expand_dims, zeros_of
from .attention_masks import causal_mask
from .layer import Layer
from .regularization import dropped


class Attention(Layer):
    """softmax(scores) @ value, for inputs [query, value] or [query, value, key] of [batch, time, features].

    Scores are query @ key^T ("dot", Luong et al. 2015) or sums of tanh(query + key) ("concat").
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError("Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. "
                             f"Received: score_mode={score_mode}")
        self.use_scale, self.score_mode, self.dropout, self.seed = use_scale, score_mode, dropout, seed
        self._own_seed = random.randint(1, 10**9) if seed is None else int(seed)
        self.scale: Any = None

    def build(self, input_shape: Any) -> None:
        self._check(input_shape, "input_shape")
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight") if (
            self.score_mode == "concat") else None

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[batch, time of queries, time of keys]."""
        if self.score_mode == "dot":
            products = matmul(query, key, transpose_b=True)
            return products if self.scale is None else products * self.scale
        total = expand_dims(query, -2) + expand_dims(key, -3)
        total = tanh(total if self.scale is None else total * self.scale)
        return reduce_sum(total, -1) * self.concat_score_weight

    def call(self, inputs: Any, mask: Any = None, training: bool = False, return_attention_scores: bool = False,
             use_causal_mask: bool = False) -> Any:
        self._check(inputs, "inputs")
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (mask[0], mask[1]) if mask is not None else (None, None)
        scores = self.scores(query, key)
        kept = None if value_mask is None else expand_dims(value_mask, -2)
        if use_causal_mask:
            causal = causal_mask(query, value)
            kept = causal if kept is None else logical_and(kept, causal)
        if kept is not None:
            scores = where(logical_not(kept), scores - 1.0e9, scores)
        weights = softmax(scores)
        if training and self.dropout > 0:
            weights = dropped(weights, self.dropout, self._own_seed)
        outputs = matmul(weights, value)
        if query_mask is not None:
            outputs = where(expand_dims(query_mask, -1), outputs, zeros_of(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None if not isinstance(previous_mask, (list, tuple)) else previous_mask[0]

    def _check(self, inputs: Any, what: str) -> None:
        name = type(self).__name__
        if not isinstance(inputs, (list, tuple)) or not 2 <= len(inputs) <= 3:
            raise ValueError(f"{name} layer must be called on a list of inputs, namely [query, value] or "
                             f"[query, value, key]. Received: {what}={inputs}.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "use_scale": self.use_scale, "score_mode": self.score_mode,
                "dropout": self.dropout, "seed": self.seed}


class AdditiveAttention(Attention):
    """Attention with scores sum(scale * tanh(query + key)) (Bahdanau et al. 2015)."""

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape, "input_shape")
        self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale") if self.use_scale else None

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        total = tanh(expand_dims(query, -2) + expand_dims(key, -3))
        return reduce_sum(total if self.scale is None else total * self.scale, -1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
