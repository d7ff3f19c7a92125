"""Helpers: they sample from a decoder's outputs and supply its next inputs."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import nest
from ..array_ops import shape as shape_of
from ..compiler.dtypes import float32, int32
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, equal, greater, greater_equal, less, maximum, minimum, where
from ..compiler.ops.reduction import argmax, reduce_all
from ..compiler.ops.slicing import concat
from ..compiler.ops.view import fill, reshape, zeros_of
from ..compiler.shapes import TensorShape
from ..control_flow import TensorArray
from ..nn_ops import embedding_lookup
from ..random_ops import categorical, random_uniform
from ..rnn.base import batch_size_of
from ..rnn.steps import select_rows, swap_batch_time


class Helper:
    """What a BasicDecoder asks for its first inputs, for samples, and for its next inputs."""

    @property
    def batch_size(self) -> Any:
        """The number of sequences."""
        raise NotImplementedError("batch_size has not been implemented")

    @property
    def sample_ids_shape(self) -> Any:
        """The TensorShape of a sample, without the batch."""
        raise NotImplementedError("sample_ids_shape has not been implemented")

    @property
    def sample_ids_dtype(self) -> Any:
        """The dtype of samples."""
        raise NotImplementedError("sample_ids_dtype has not been implemented")

    def initialize(self, name: str | None = None) -> Any:
        """(finished bool [batch], first inputs)."""
        raise NotImplementedError

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Samples from the outputs of a step."""
        raise NotImplementedError

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        """(finished bool [batch], next inputs, next state)."""
        raise NotImplementedError


class CustomHelper(Helper):
    """A helper made of functions: initialize_fn(), sample_fn(time, outputs, state) and
    next_inputs_fn(time, outputs, state, sample_ids)."""

    def __init__(self, initialize_fn: Callable[..., Any], sample_fn: Callable[..., Any],
                 next_inputs_fn: Callable[..., Any], sample_ids_shape: Any = None, sample_ids_dtype: Any = None):
        self._initialize_fn = initialize_fn
        self._sample_fn = sample_fn
        self._next_inputs_fn = next_inputs_fn
        self._batch_size: Any = None
        self._sample_ids_shape = TensorShape(sample_ids_shape or [])
        self._sample_ids_dtype = sample_ids_dtype or int32

    @property
    def batch_size(self) -> Any:
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        return self._sample_ids_shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._sample_ids_dtype

    def initialize(self, name: str | None = None) -> Any:
        finished, inputs = self._initialize_fn()
        self._batch_size = batch_size_of(convert_to_tensor(finished))
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        return self._next_inputs_fn(time=time, outputs=outputs, state=state, sample_ids=sample_ids)


class _OfIds(Helper):
    """Samples are ids, one for each of `_batch_size` sequences."""

    _batch_size: Any

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        return int32


class TrainingHelper(_OfIds):
    """Reads the inputs [batch, time, ...] (or [time, batch, ...]; a nest of such), `sequence_length` of each sequence.

    Samples are the likeliest ids of the outputs. Raises ValueError when `sequence_length` is no vector.
    """

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None):
        self._inputs = nest.map_structure(convert_to_tensor, inputs)
        by_time = self._inputs if time_major else nest.map_structure(swap_batch_time, self._inputs)
        self._sources = nest.map_structure(_unstacked, by_time)
        self._last = shape_of(nest.flatten(by_time)[0])[0] - 1
        self._sequence_length = convert_to_tensor(sequence_length)
        if self._sequence_length.dims is not None and len(self._sequence_length.dims) != 1:
            raise ValueError("Expected sequence_length to be a vector, but received shape: "
                             f"{self._sequence_length.shape}")
        self._batch_size = batch_size_of(self._sequence_length)

    @property
    def inputs(self) -> Any:
        return self._inputs

    @property
    def sequence_length(self) -> Tensor:
        return self._sequence_length

    def _read(self, time: Any) -> tuple[Tensor, Any]:
        """(which sequences have ended at `time`, the inputs there, 0 when all have)."""
        finished = greater_equal(cast(time, self._sequence_length.dtype), self._sequence_length)
        at, ended = minimum(time, self._last), reduce_all(finished)

        def read(source: Any) -> Tensor:
            value = source.read(at)
            return where(ended, zeros_of(value), value)

        return finished, nest.map_structure(read, self._sources)

    def initialize(self, name: str | None = None) -> Any:
        return self._read(constant(0, int32))

    def sample(self, time: Any, outputs: Any, state: Any = None, name: str | None = None, **unused: Any) -> Tensor:
        return cast(argmax(outputs, -1), int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None,
                    **unused: Any) -> Any:
        return (*self._read(time + 1), state)


def _unstacked(x: Tensor) -> Any:
    return TensorArray(x.dtype, size=shape_of(x)[0], element_shape=x.shape[1:]).unstack(x)


def _embedding(embedding: Any) -> Callable[[Any], Any]:
    return embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)


def _sampled(logits: Tensor, seed: int | None) -> Tensor:
    """One id for each row of logits [batch, classes], with softmax(logits) as probabilities."""
    return reshape(categorical(logits, 1, int32, seed), [-1])


def _chance(probability: Any) -> Tensor:
    tensor = convert_to_tensor(probability, None if hasattr(probability, "dtype") else float32)
    if tensor.dims is not None and len(tensor.dims) > 1:
        raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {tensor.shape}")
    return tensor


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """A TrainingHelper that, with `sampling_probability`, feeds the embedding of a sample instead (Bengio et al. 2015).

    `embedding` is a table [classes, size] or a function of ids. Where nothing is sampled, the sample id is -1.
    """

    def __init__(self, inputs: Any, sequence_length: Any, embedding: Any, sampling_probability: Any,
                 time_major: bool = False, seed: int | None = None, scheduling_seed: int | None = None,
                 name: str | None = None):
        self._embedding_fn = _embedding(embedding)
        self._sampling_probability = _chance(sampling_probability)
        self._seed = seed
        self._scheduling_seed = scheduling_seed
        super().__init__(inputs, sequence_length, time_major, name)

    def sample(self, time: Any, outputs: Any, state: Any = None, name: str | None = None, **unused: Any) -> Tensor:
        draws = random_uniform([self.batch_size], dtype=self._sampling_probability.dtype, seed=self._scheduling_seed)
        return where(less(draws, self._sampling_probability), _sampled(outputs, self._seed), constant(-1, int32))

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None,
                    **unused: Any) -> Any:
        finished, inputs, state = super().next_inputs(time, outputs, state)
        embedded = self._embedding_fn(maximum(sample_ids, 0))
        return finished, select_rows(greater(sample_ids, -1), embedded, inputs), state


class ScheduledOutputTrainingHelper(TrainingHelper):
    """A TrainingHelper that, with `sampling_probability`, feeds back the outputs (through `next_inputs_fn`).

    `auxiliary_inputs` are concatenated to the inputs and to the outputs fed back.
    """

    def __init__(self, inputs: Any, sequence_length: Any, sampling_probability: Any, time_major: bool = False,
                 seed: int | None = None, next_inputs_fn: Callable[[Any], Any] | None = None,
                 auxiliary_inputs: Any = None, name: str | None = None):
        self._sampling_probability = _chance(sampling_probability)
        self._seed = seed
        self._next_inputs_fn = next_inputs_fn or (lambda outputs: outputs)
        self._auxiliary = None
        if auxiliary_inputs is not None:
            extra = convert_to_tensor(auxiliary_inputs)
            self._auxiliary = _unstacked(extra if time_major else swap_batch_time(extra))
            inputs = concat([convert_to_tensor(inputs), extra], -1)
        super().__init__(inputs, sequence_length, time_major, name)

    def sample(self, time: Any, outputs: Any, state: Any = None, name: str | None = None, **unused: Any) -> Tensor:
        draws = random_uniform([self.batch_size], dtype=self._sampling_probability.dtype, seed=self._seed)
        return cast(less(draws, self._sampling_probability), int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: str | None = None,
                    **unused: Any) -> Any:
        finished, inputs, state = super().next_inputs(time, outputs, state)
        fed_back = self._next_inputs_fn(outputs)
        if self._auxiliary is not None:
            fed_back = concat([fed_back, self._auxiliary.read(minimum(time + 1, self._last))], -1)
        return finished, select_rows(greater(sample_ids, 0), fed_back, inputs), state


class InferenceHelper(Helper):
    """Samples with sample_fn(outputs), ends with end_fn(sample), and feeds the samples (through `next_inputs_fn`)."""

    def __init__(self, sample_fn: Callable[[Any], Any], sample_shape: Any, sample_dtype: Any, start_inputs: Any,
                 end_fn: Callable[[Any], Any], next_inputs_fn: Callable[[Any], Any] | None = None):
        self._sample_fn = sample_fn
        self._end_fn = end_fn
        self._sample_shape = TensorShape(sample_shape)
        self._sample_dtype = sample_dtype
        self._next_inputs_fn = next_inputs_fn or (lambda samples: samples)
        self._start_inputs = convert_to_tensor(start_inputs)
        self._batch_size = batch_size_of(self._start_inputs)

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        return self._sample_shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._sample_dtype

    def initialize(self, name: str | None = None) -> Any:
        return fill([self._batch_size], False), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample_fn(outputs)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        return self._end_fn(sample_ids), self._next_inputs_fn(sample_ids), state


class GreedyEmbeddingHelper(_OfIds):
    """Feeds the embedding of the likeliest id, from `start_tokens` int [batch] until `end_token`.

    `embedding` is a table [classes, size] or a function of ids. Raises ValueError for tokens of other ranks.
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any):
        self._embedding_fn = _embedding(embedding)
        self._start_tokens = cast(convert_to_tensor(start_tokens), int32)
        self._end_token = cast(convert_to_tensor(end_token), int32)
        if self._start_tokens.dims is None or len(self._start_tokens.dims) != 1:
            raise ValueError("start_tokens must be a vector")
        if self._end_token.dims != ():
            raise ValueError("end_token must be a scalar")
        self._batch_size = batch_size_of(self._start_tokens)
        self._start_inputs = self._embedding_fn(self._start_tokens)

    def initialize(self, name: str | None = None) -> Any:
        return fill([self._batch_size], False), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        if not isinstance(outputs, Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return cast(argmax(outputs, -1), int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        return equal(sample_ids, self._end_token), self._embedding_fn(sample_ids), state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """A GreedyEmbeddingHelper that samples ids, with softmax(outputs / softmax_temperature) as probabilities."""

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any, softmax_temperature: Any = None,
                 seed: int | None = None):
        super().__init__(embedding, start_tokens, end_token)
        self._softmax_temperature = softmax_temperature
        self._seed = seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        if not isinstance(outputs, Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        logits = outputs if self._softmax_temperature is None else outputs / self._softmax_temperature
        return _sampled(logits, self._seed)
