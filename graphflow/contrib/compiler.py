"""`tf.contrib.compiler`: what programs ask of XLA. Every graph is compiled here."""
from __future__ import annotations

from types import SimpleNamespace

from ..xla import compile as _compile
from ..xla import jit_scope

__all__ = ["jit", "xla"]

jit = SimpleNamespace(experimental_jit_scope=jit_scope)
xla = SimpleNamespace(compile=_compile)
