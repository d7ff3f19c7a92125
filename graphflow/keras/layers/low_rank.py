"""Low-rank adaptation of a layer's weight (Hu et al., LoRA, 2021)."""
from __future__ import annotations

from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import cast
from ...compiler.ops.view import reshape
from .. import backend
from ..saving.saveable import Saveable
from ..variables import Variable
from .quantizable import Quantizable
from .quantized import rounded


class LowRank(Quantizable):
    """A layer whose `adapted` weight, once `enable_lora` is called, is w + lora_alpha / lora_rank * a @ b: only `a`
    [..., rank] and `b` [rank, last axis of w] are trained then. Files hold the sum, as Keras's do.
    """

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
        *outer, last = self._weight_shape
        regularizer = getattr(self, f"{self.adapted}_regularizer")
        for part, shape, initializer in (("a", (*outer, rank), a_initializer), ("b", (rank, last), b_initializer)):
            name = f"lora_{self.adapted}_{part}"
            setattr(self, name, self.add_weight(shape, initializer, dtype="float32", regularizer=regularizer,
                                                name=name))
        getattr(self, self.adapted).trainable = False
        self.lora_enabled, self.lora_rank = True, rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _lora(self) -> tuple[Variable, Variable, float]:
        assert self.lora_rank is not None and self.lora_alpha is not None
        a, b = (getattr(self, f"lora_{self.adapted}_{part}") for part in "ab")
        return a, b, self.lora_alpha / self.lora_rank

    def _change(self) -> Tensor:
        """What the adaptation adds to the weight."""
        a, b, scale = self._lora()
        return reshape(matmul(reshape(a.value(), (-1, b.shape[0])), b), self._weight_shape) * scale

    def _adapted(self) -> Tensor:
        """The weight, with its adaptation where there is one."""
        weight = self._weight()
        return weight + cast(self._change(), weight.dtype) if self.lora_enabled else weight

    def _linear(self, inputs: Tensor, weight: Any, bias: Any) -> Tensor:
        """What the layer makes of its inputs, a weight and a bias or None."""
        raise NotImplementedError

    def _mapped(self, inputs: Tensor, axis: Any) -> Tensor:
        """`_linear` by the weight as it is kept and adapted. A quantizer of inputs takes the largest along `axis`."""
        if self.quantization_mode == "float8":
            result = self._linear(self._float8(inputs, "inputs"), self._float8(self._weight(), "kernel"), None)
            result, bias = self._float8(result, "outputs_grad"), self._float8_bias()
            return result if bias is None else result + bias
        quantizer = None if self._form is None else self._form.inputs
        if quantizer is None:
            return self._linear(inputs, self._adapted(), self.bias)
        result = self._linear(rounded(inputs, quantizer, axis), self._weight(), self.bias)
        return result + self._linear(inputs, cast(self._change(), inputs.dtype), None) if self.lora_enabled else result

    def _own_weights(self) -> list[Variable]:
        """The adapted weight stands first, though it is no longer trained."""
        own = super()._own_weights()
        if not self.lora_enabled:
            return own
        weight = getattr(self, self.adapted)
        return [weight, *(v for v in own if v is not weight)]

    def _stored_variables(self) -> list[Variable]:
        own, form = self._own_weights(), self._with_form or []
        if form:
            weight = getattr(self, self.adapted)
            own = [weight, *(v for v in own if v is not weight and v not in form), *form]
        return [v for v in own if v not in self._lora()[:2]] if self.lora_enabled else own

    def save_own_variables(self, store: Any) -> None:
        """The weight as it is adapted, and the bias."""
        merged = self._in_form(np.asarray(backend.eval(self._adapted()))) if self.lora_enabled else {}
        for i, variable in enumerate(self._stored_variables()):
            store[str(i)] = merged[variable] if variable in merged else variable.numpy()

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
