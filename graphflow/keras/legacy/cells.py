"""The classes that tf.keras had for cells of one's own."""
from __future__ import annotations

from typing import Any

from ...compiler.ops.view import ones_like, zeros
from .. import backend
from ..layers.layer import Layer
from ..layers.regularization import dropped
from ..nest import map_structure
from ..random import make_default_seed


class AbstractRNNCell(Layer):
    """What an RNN layer runs: `call(inputs, states)` gives (output, new states), and `state_size` their widths."""

    def call(self, inputs: Any, states: Any) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def state_size(self) -> Any:
        """A width, or a nest of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The width of the output."""
        raise NotImplementedError("Abstract method")

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros [batch, width] for each state."""
        if inputs is not None:
            batch_size, dtype = backend.shape(inputs)[0], inputs.dtype
        return map_structure(lambda size: zeros((batch_size, size), dtype or self.compute_dtype), self.state_size)


class DropoutRNNCellMixin:
    """Masks of a cell with `dropout` and `recurrent_dropout`, each the same in all steps of a sequence."""

    dropout: float
    recurrent_dropout: float

    def __init__(self, *args: Any, **kwargs: Any):
        self._kept_masks: dict[str, Any] = {}
        super().__init__(*args, **kwargs)

    def reset_dropout_mask(self) -> None:
        """Before a sequence: forget the inputs' masks."""
        self._kept_masks.pop("inputs", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Before a sequence: forget the states' masks."""
        self._kept_masks.pop("states", None)

    def get_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """What to multiply the inputs with: a tensor, `count` > 1 of them, or None where nothing is dropped."""
        return self._masks_for("inputs", inputs, training, count, self.dropout)

    def get_recurrent_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """The same for a state."""
        return self._masks_for("states", inputs, training, count, self.recurrent_dropout)

    def _masks_for(self, what: str, like: Any, training: Any, count: int, rate: float) -> Any:
        if not rate or not training:
            return None
        if what not in self._kept_masks:
            self._kept_masks[what] = [dropped(ones_like(like), rate, make_default_seed()) for _ in range(count)]
        masks = self._kept_masks[what]
        return masks[0] if count == 1 else masks
