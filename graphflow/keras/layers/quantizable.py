"""Layers with a weight that can be kept in few bits."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import cast
from ...compiler.site import warn
from .. import backend, dtype_policies
from ..naming import scope_name
from ..quantizers.configs import resolved
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..variables import Variable
from .building import building
from .layer import Layer
from .quantized import Axes, Form, form_for, gradient_in_float8, in_float8

_FLOAT8 = ("inputs", "kernel", "outputs_grad")  # what has a scale, and a history of largest magnitudes


class Quantizable(Layer):
    """A layer whose `adapted` weight is made by `_add_adapted` and read by `_weight`, in whatever form it is kept.

    `modes` are those of the class; its subclasses have to say theirs, as what they do with the weight is not known.
    """

    adapted = "kernel"
    modes: tuple[str, ...] = ()
    quantization_config: Any = None
    _blocks_along = 0  # the axis of the weight, as a matrix, along which int4 has blocks
    _form: Form | None = None
    _with_form: list[Variable] | None = None  # the form's variables besides the weight itself

    def _take_quantization(self, config: Any) -> None:
        self.quantization_config = deserialize_keras_object(config) if isinstance(config, dict) else config

    def _quantization_config(self) -> dict[str, Any]:
        return {"quantization_config": serialize_keras_object(self.quantization_config)}

    def _weight_axes(self, shape: Sequence[int]) -> Axes:
        raise NotImplementedError

    def _add_adapted(self, shape: Sequence[int]) -> None:
        """Make the weight in the form that the dtype policy asks for."""
        self._weight_shape, mode = tuple(shape), self.quantization_mode
        if mode is not None and mode not in self.modes:
            raise self._no_mode(mode)
        if mode in ("int8", "int4"):
            self._make_form(mode)
            return
        if mode == "float8":
            self._make_float8()
        parts = {part: getattr(self, f"{self.adapted}_{part}") for part in ("initializer", "regularizer", "constraint")}
        setattr(self, self.adapted, self.add_weight(shape, name=self.adapted, **parts))

    def _make_form(self, mode: str) -> None:
        self._form = form_for(mode, self._weight_shape, self._weight_axes(self._weight_shape), self._blocks_along,
                              self.dtype_policy, self.quantization_config)
        made = {}
        for suffix, (shape, dtype, initializer) in self._form.variables().items():
            name = self._name_of(suffix)
            made[suffix] = self.add_weight(shape, initializer, dtype, trainable=False, name=name)
            setattr(self, name, made[suffix])
        self._with_form = [v for suffix, v in made.items() if suffix]

    def _make_float8(self) -> None:
        length = getattr(self.dtype_policy, "amax_history_length", 1024)
        self._with_form = []
        for part in _FLOAT8:
            for name, shape, initializer in (("scale", (), "ones"), ("amax_history", (length,), "zeros")):
                variable = self.add_weight(shape, initializer, "float32", autocast=False, name=f"{part}_{name}",
                                           overwrite_with_gradient=True)
                setattr(self, f"{part}_{name}", variable)
                self._with_form.append(variable)

    def _name_of(self, suffix: str) -> str:
        return self.adapted + suffix if suffix[:1] in ("", "_") else suffix

    def _weight(self) -> Tensor:
        """The weight as floats."""
        if self._form is None:
            weight: Any = getattr(self, self.adapted)  # a tensor where a wrapper put one in its place
            return weight if isinstance(weight, Tensor) else weight.value()
        return self._form.weight(lambda suffix: getattr(self, self._name_of(suffix)).value(), self.compute_dtype)

    def _float8(self, x: Any, part: str) -> Tensor:
        """`x` rounded to eight bits: a part of `_FLOAT8`."""
        function = gradient_in_float8 if part == "outputs_grad" else in_float8
        result: Tensor = function(x, getattr(self, f"{part}_scale").value(),
                                  getattr(self, f"{part}_amax_history").value())
        return result

    def _float8_bias(self) -> Tensor | None:
        bias = None if self.bias is None else self.bias.value()
        if bias is not None and self.compute_dtype == "float32":
            bias = cast(cast(bias, "bfloat16"), "float32")
        return bias

    def quantize(self, mode: str | None = None, config: Any = None, type_check: bool = True) -> None:
        """Keep the weight in few bits from now on: "int8", "int4" or "float8", or what a QuantizationConfig says.

        Compile the model anew before it is trained. Raises ValueError where the layer is not built, is quantized
        already or has a policy that the mode does not go with, NotImplementedError for a subclass and another mode.
        """
        config = resolved(mode, config)
        mode = config.mode
        if not self.built:
            raise ValueError(f"Cannot quantize a layer that isn't yet built. Layer '{self.name}' (of type "
                             f"'{type(self).__name__}') is not built yet.")
        if self.quantization_mode is not None:
            raise ValueError(f"Layer '{self.name}' is already quantized with dtype_policy='{self.dtype_policy.name}'. "
                             f"Received: mode={mode}")
        if type_check and "modes" not in vars(type(self)):
            super().quantize(mode)
        if mode not in self.modes:
            raise self._no_mode(mode)
        size = getattr(config, "block_size", None) or -1
        policy = dtype_policies.get(f"{f'int4/{size}' if mode == 'int4' else mode}_from_{self.dtype_policy.name}")
        self.quantization_config = config
        graph = getattr(self, self.adapted).graph
        with building(self), graph.as_default(), graph.name_scope(scope_name(self.name)):
            if mode == "float8":
                self._make_float8()
            else:
                self._keep_as(mode)
        self.dtype_policy = policy

    def _keep_as(self, mode: str) -> None:
        weight = getattr(self, self.adapted)
        self._weights.remove(weight)
        self._make_form(mode)
        backend.batch_set_value(list(self._in_form(weight.numpy()).items()))

    def _in_form(self, weight: np.ndarray) -> dict[Variable, np.ndarray]:
        """What the variables hold for a weight."""
        if self._form is None:
            return {getattr(self, self.adapted): weight}
        return {getattr(self, self._name_of(suffix)): value for suffix, value in self._form.quantized(weight).items()}

    def _no_mode(self, mode: str) -> NotImplementedError:
        return NotImplementedError(f"Invalid quantization mode. Expected one of {self.modes}. Received: "
                                   f"quantization_mode={mode}")


def quantize_layers(layers: Sequence[Layer], mode: str | None, config: Any, type_check: bool, filters: Any) -> None:
    """Quantize those of the layers that have none within and that `filters` chooses. Warns of those that cannot."""
    if filters is not None and not isinstance(filters, (str, list, tuple)) and not callable(filters):
        raise ValueError("The `filters` argument must be a regex string, a list of regex strings, or a callable. "
                         f"Received: {type(filters)}")
    patterns = [filters] if isinstance(filters, str) else filters
    for layer in layers:
        if filters is not None and not (filters(layer) if callable(filters) else
                                        any(re.search(pattern, layer.name) for pattern in patterns)):
            continue
        if len(layer._all_layers()) == 1:
            try:
                layer.quantize(mode, config=config, type_check=type_check)
            except NotImplementedError as error:
                warn(str(error))
