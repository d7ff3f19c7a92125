"""Low-rank adaptation of a layer's weight (Hu et al., LoRA, 2021)."""
from __future__ import annotations

from typing import Any

import numpy as np

from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import cast
from ...compiler.ops.view import reshape
from .. import backend
from ..saving.saveable import Saveable
from ..variables import Variable
from .layer import Layer


class LowRank(Layer):
    """A layer whose `adapted` weight, once `enable_lora` is called, is w + lora_alpha / lora_rank * a @ b: only `a`
    [..., rank] and `b` [rank, last axis of w] are trained then. Files hold the sum, as Keras's do.
    """

    adapted = "kernel"
    lora_enabled = False
    lora_rank: int | None = None
    lora_alpha: float | None = None

    def _take_lora(self, rank: int | None, alpha: float | None) -> None:
        """Keep the arguments of the constructor, for `_adapt_if_asked` at the end of `build`."""
        self.lora_rank, self.lora_alpha = rank, rank if alpha is None else alpha

    def _adapt_if_asked(self) -> None:
        if self.lora_rank:
            self.built = True
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def enable_lora(self, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform",
                    b_initializer: Any = "zeros") -> None:
        """Freeze the weight and add the two that adapt it; compile the model anew before it is trained. Raises
        ValueError where the weight has a constraint, the layer is not built, or it was done before."""
        if getattr(self, f"{self.adapted}_constraint"):
            plural = "embedding" if self.adapted == "embeddings" else self.adapted
            raise ValueError(f"Lora is incompatible with {plural} constraints. In order to enable lora on this layer, "
                             f"remove the `{self.adapted}_constraint` argument.")
        if not self.built:
            raise ValueError("Cannot enable lora on a layer that isn't yet built.")
        if self.lora_enabled:
            raise ValueError("lora is already enabled. This can only be done once per layer.")
        weight = getattr(self, self.adapted)
        regularizer = getattr(self, f"{self.adapted}_regularizer")
        for part, shape, initializer in (("a", (*weight.shape[:-1], rank), a_initializer),
                                         ("b", (rank, weight.shape[-1]), b_initializer)):
            name = f"lora_{self.adapted}_{part}"
            setattr(self, name, self.add_weight(shape, initializer, dtype="float32", regularizer=regularizer,
                                                name=name))
        weight.trainable = False
        self.lora_enabled, self.lora_rank = True, rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _lora(self) -> tuple[Variable, Variable, float]:
        assert self.lora_rank is not None and self.lora_alpha is not None
        a, b = (getattr(self, f"lora_{self.adapted}_{part}") for part in "ab")
        return a, b, self.lora_alpha / self.lora_rank

    def _adapted(self) -> Any:
        """The weight, with its adaptation where there is one."""
        weight = getattr(self, self.adapted)
        if not self.lora_enabled:
            return weight
        a, b, scale = self._lora()
        delta = reshape(matmul(reshape(a.value(), (-1, b.shape[0])), b), weight.shape)
        return weight + cast(scale * delta, weight.value().dtype)

    def _own_weights(self) -> list[Variable]:
        """The adapted weight stands first, though it is no longer trained."""
        own = super()._own_weights()
        if not self.lora_enabled:
            return own
        weight = getattr(self, self.adapted)
        return [weight, *(v for v in own if v is not weight)]

    def _stored_variables(self) -> list[Variable]:
        own = self._own_weights()
        return [v for v in own if v not in self._lora()[:2]] if self.lora_enabled else own

    def save_own_variables(self, store: Any) -> None:
        """The weight as it is adapted, and the bias."""
        for i, variable in enumerate(self._stored_variables()):
            value = variable.numpy()
            if self.lora_enabled and not i:
                a, b, scale = self._lora()
                value = value + (scale * np.matmul(a.numpy(), b.numpy())).astype(value.dtype)
            store[str(i)] = value

    def load_own_variables(self, store: Any) -> None:
        """What `save_own_variables` stored; the adaptation begins anew."""
        Saveable.load_own_variables(self, store)
        if self.lora_enabled:
            backend.batch_set_value([(v, np.zeros(v.shape, np.float32)) for v in self._lora()[:2]])

    @property
    def loads_itself(self) -> bool:
        """Only where an adaptation is to be set back: other layers' files are checked whole before anything is set."""
        return self.lora_enabled or type(self).load_own_variables is not LowRank.load_own_variables

    def _lora_config(self) -> dict[str, Any]:
        return {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}
