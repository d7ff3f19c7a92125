"""`tf.nondifferentiable_batch_function`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import nest
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.view import stop_gradient


def nondifferentiable_batch_function(num_batch_threads: int, max_batch_size: int, batch_timeout_micros: int,
                                     allowed_batch_sizes: Sequence[int] | None = None, max_enqueued_batches: int = 10,
                                     autograph: bool = True, enable_large_batch_splitting: bool = True
                                     ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator of functions of batches [n, ...], through whose results no gradient flows.

    TensorFlow joins calls that come at about the same time; here each call is a batch of its own, as when only one
    comes. Raises ValueError for allowed sizes that do not grow up to `max_batch_size`.
    """
    sizes = list(allowed_batch_sizes or ())
    if sizes and (sizes != sorted(set(sizes)) or sizes[-1] != max_batch_size):
        raise ValueError(f"allowed_batch_sizes must grow up to max_batch_size {max_batch_size}, received {sizes}")

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            return nest.map_structure(stop_gradient, function(*(convert_to_tensor(x) for x in args)))
        return call

    return decorator
