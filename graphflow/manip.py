# ruff: noqa: F401 (this module is the list of names)
"""`tf.manip`: names of array functions in an older place."""
from __future__ import annotations

from .blocks import batch_to_space_nd, roll, space_to_batch_nd
from .compiler.ops.slicing import tile
from .compiler.ops.view import reshape, reverse
from .indexing import gather_nd, scatter_nd
