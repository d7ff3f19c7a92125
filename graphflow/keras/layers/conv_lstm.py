"""LSTMs whose products are convolutions (Shi et al. 2015)."""
from __future__ import annotations

from typing import Any

from ... import convolution
from ...compiler.ir import Tensor
from ...compiler.ops.view import reshape, zeros
from ...compiler.window import resolve
from .arguments import data_format_word, from_channels_last, padding_word, sizes, to_channels_last
from .cells import LSTMCell
from .recurrent import _OfCell


class ConvLSTMCell(LSTMCell):
    """One step over channels-last maps. `rank` is the number of spatial axes."""

    def __init__(self, filters: int, kernel_size: Any, rank: int, strides: Any = 1, padding: str = "valid",
                 dilation_rate: Any = 1, **kwargs: Any):
        super().__init__(filters, **kwargs)
        self.rank, self.filters = rank, self.units
        self.kernel_size = sizes(kernel_size, rank, "kernel_size")
        self.strides = sizes(strides, rank, "strides")
        self.padding = padding_word(padding)
        self.dilation_rate = sizes(dilation_rate, rank, "dilation_rate")

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] is None:
            raise ValueError(f"The channel dimension of the inputs (last axis) should be defined. Found None. Full "
                             f"input shape received: input_shape={input_shape}")
        width = 4 * self.units
        self.kernel = self.add_weight((*self.kernel_size, input_shape[-1], width), self.kernel_initializer,
                                      name="kernel", regularizer=self.kernel_regularizer,
                                      constraint=self.kernel_constraint)
        self.recurrent_kernel = self.add_weight(
            (*self.kernel_size, self.units, width), self.recurrent_initializer, name="recurrent_kernel",
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint)
        self.bias = self.add_weight((width,), self._first_bias(), name="bias", regularizer=self.bias_regularizer,
                                    constraint=self.bias_constraint) if self.use_bias else None

    def project(self, inputs: Tensor, training: Any = False) -> Tensor:
        if training and self.dropout > 0:
            inputs = inputs * self._mask("inputs", inputs, self.dropout, self._seeds[0])
        assert inputs.dims is not None
        lead = inputs.dims[:-self.rank - 1]
        flat = inputs if len(lead) == 1 else reshape(inputs, (lead[0] * lead[1], *inputs.dims[2:]))
        y = convolution.convolution(flat, self.kernel, self.padding.upper(), self.strides, self.dilation_rate)
        y = y if self.bias is None else y + self.bias
        assert y.dims is not None
        return y if len(lead) == 1 else reshape(y, (*lead, *y.dims[1:]))

    def _recurrent(self, h: Tensor) -> Tensor:
        return convolution.convolution(h, self.recurrent_kernel, "SAME")

    def map_sizes(self, lengths: Any) -> tuple[Any, ...]:
        """The sizes of the output for inputs of these."""
        return tuple(resolve(self.padding.upper(), lengths, self.kernel_size, self.strides, self.dilation_rate)[1])


class _ConvLSTM(_OfCell):
    """Subclasses define `rank`."""

    cell_class = ConvLSTMCell

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, *args: Any, **kwargs: Any):
        names = ("activation", "recurrent_activation", "use_bias")
        kwargs |= dict(zip(names, args, strict=False))
        super().__init__(filters, kernel_size=kernel_size, rank=self.rank, strides=strides, padding=padding,
                         dilation_rate=dilation_rate, **kwargs)
        self.data_format = data_format_word(data_format)

    def _last(self, shape: Any) -> Any:
        """A shape [batch, time, ...] with the channels last."""
        return tuple(shape) if self.data_format == "channels_last" else (*shape[:2], *shape[3:], shape[2])

    def build(self, sequences_shape: Any, initial_state_shape: Any = None, constants_shape: Any = None) -> None:
        super().build(self._last(sequences_shape))

    def _make_states(self, shape: Any) -> None:
        self._keep(self._zeros(shape))

    def first_states(self, sequences: Tensor) -> Any:
        return self._zeros(self._last(sequences.dims))

    def _zeros(self, dims: Any) -> Any:
        """States of zeros for [batch, time, ..., channels], in the layer's layout."""
        shape = (dims[0], *self.cell.map_sizes(dims[2:-1]), self.cell.units)
        return [from_channels_last(zeros(shape, self.compute_dtype), self.data_format) for _ in range(2)]

    def _run(self, sequences: Tensor, states: list[Any], mask: Any, training: Any, constants: list[Any]) -> Any:
        if self.data_format == "channels_last":
            return super()._run(sequences, states, mask, training, constants)
        assert sequences.dims is not None
        batch, time, *rest = sequences.dims

        def by_step(x: Tensor, move: Any) -> Tensor:
            assert x.dims is not None
            flat = move(reshape(x, (x.dims[0] * x.dims[1], *x.dims[2:])), self.data_format)
            return reshape(flat, (*x.dims[:2], *flat.dims[1:]))

        last, outputs, states = super()._run(
            by_step(sequences, to_channels_last), [to_channels_last(s, self.data_format) for s in states], mask,
            training, constants)
        return (from_channels_last(last, self.data_format), by_step(outputs, from_channels_last),
                [from_channels_last(s, self.data_format) for s in states])

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        filters = config.pop("units")
        cell = self.cell
        return {**config, "filters": filters, "kernel_size": list(cell.kernel_size), "strides": list(cell.strides),
                "padding": cell.padding, "data_format": self.data_format, "dilation_rate": list(cell.dilation_rate)}


class ConvLSTM1D(_ConvLSTM):
    """An LSTM over series of vectors of features."""

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """An LSTM over series of images."""

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """An LSTM over series of volumes."""

    rank = 3
