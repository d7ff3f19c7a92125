"""What the image functions share: checks of an image's rank, its sizes, and batches of one."""
from __future__ import annotations

from typing import Any

from ..compiler.dims import Dim, DimLike
from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.arguments import is_tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast
from ..compiler.ops.symbolic import symbolic_value
from ..compiler.ops.view import dim_scalar, expand_dims, identity, squeeze
from ..compiler.shapes import TensorShape

# a size or an offset: known, following from the shapes fed, or computed when the graph runs
Scalar = DimLike | Tensor


def as_image(value: Any, what: str = "image", ranks: tuple[int, ...] = (3, 4)) -> Tensor:
    """`value` as a tensor whose rank is one of `ranks` (the first where it is unknown). Raises ValueError."""
    x = convert_to_tensor(value, name=what)
    if x.dims is None:
        x = identity(x)
        x.set_shape([None] * ranks[0])
    if len(x.dims) not in ranks:  # type: ignore[arg-type]
        expected = {(3,): "be three-dimensional", (4,): "be four-dimensional",
                    (3, 4): "have either 3 or 4 dimensions"}[ranks]
        raise ShapeError(f"'{what}' (shape {x.shape}) must {expected}.")
    if any(isinstance(d, int) and d == 0 for d in x.dims[-3:]):  # type: ignore[index]
        raise ShapeError(f"all dims of '{what}.shape' must be > 0: {x.shape}")
    return x


def rank_at_least(value: Any, rank: int, what: str = "image") -> Tensor:
    """`value` as a tensor, of at least this rank where that is known. Raises ValueError."""
    x = convert_to_tensor(value, name=what)
    if x.dims is not None and len(x.dims) < rank:
        least = ("", "one", "two", "three")[rank]
        raise ShapeError(f"'{what}' (shape {x.shape}) must be at least {least}-dimensional.")
    return x


def batched(x: Tensor) -> tuple[Tensor, bool]:
    """A batch of images, and whether it is a batch of one made here."""
    assert x.dims is not None
    return (expand_dims(x, 0), True) if len(x.dims) == 3 else (x, False)


def unbatched(x: Tensor, single: bool, name: str | None = None) -> Tensor:
    """The image in a batch of one where `batched` made it."""
    return squeeze(x, [0], name=name) if single else x if name is None else identity(x, name)


def height_width(x: Tensor) -> tuple[DimLike, DimLike]:
    assert x.dims is not None
    return x.dims[-3], x.dims[-2]


def scalar(value: Any) -> Scalar:
    """A size argument as int or Dim, or as a tensor where it depends on data."""
    if not is_tensor(value):
        return value if isinstance(value, Dim) else int(value)
    tensor = convert_to_tensor(value)
    known = symbolic_value(tensor)
    return tensor if known is None else known.item()


def as_tensor(value: Scalar, dtype: Any) -> Tensor:
    """A size as a scalar tensor of `dtype`."""
    return cast(value if isinstance(value, Tensor) else dim_scalar(value), dtype)


def check(condition: bool, message: str) -> None:
    """Raise ValueError with `message` unless `condition`."""
    if not condition:
        raise ValueError(message)


def check_known(value: Scalar, minimum: int, message: str) -> None:
    """Raise ValueError when a known size is below `minimum`."""
    check(not isinstance(value, int) or value >= minimum, message)


def static_size(what: str, size: Any) -> tuple[Scalar, Scalar]:
    """(height, width) of a size argument: a pair, or a tensor of two elements. Raises ValueError."""
    if not is_tensor(size) and isinstance(size, (list, tuple, TensorShape)):
        pair = list(size)
        check(len(pair) == 2, f"'{what}' must be a 1-D tensor of 2 elements: new_height, new_width")
        return scalar(pair[0]), scalar(pair[1])
    tensor = convert_to_tensor(size, name=what)
    if tensor.dims is not None:
        check(len(tensor.dims) == 1, f"'{what}' must be a 1-D int32 Tensor")
        check(tensor.dims[0] in (2,) or isinstance(tensor.dims[0], Dim),
              f"'{what}' must be a 1-D tensor of 2 elements: new_height, new_width")
    known = symbolic_value(tensor)
    if known is not None:
        return known[0], known[1]
    return tensor[0], tensor[1]
