"""`Session.partial_run`: a run in steps, each with more feeds; what one computes, later ones do not compute again."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Operation, Tensor
from ..compiler.passes.specialise import needed_operations

if TYPE_CHECKING:
    from .session import Session


class PartialRun:
    """The state between the steps: fed and computed values, and what may still be asked for."""

    def __init__(self, session: Session, fetches: Any, feeds: Any):
        self.session = session
        outputs: dict[Tensor, int] = {}
        targets: dict[Operation, None] = {}
        session._builder(list(fetches) if isinstance(fetches, (list, tuple)) else [fetches], outputs, targets)
        self.feeds = [session._feed(f) for f in feeds or ()]
        self.waiting: dict[Any, None] = dict.fromkeys([*outputs, *targets])
        self.needed = needed_operations(list(outputs), list(targets), set(self.feeds))
        self.values: dict[Tensor, Any] = {}

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None) -> Any:
        """One step. Raises InvalidArgumentError for fetches and feeds that the setup did not name or that were there
        before."""
        for key, value in (feed_dict or {}).items():
            tensor = self.session._feed(key)
            if tensor not in self.feeds:
                raise InvalidArgumentError(f"The feed {tensor.name} was not specified in partial_run_setup.", tensor.op)
            if tensor in self.values:
                raise InvalidArgumentError(f"The feed {tensor.name} has already been fed.", tensor.op)
            self.values[tensor] = value
        outputs: dict[Tensor, int] = {}
        targets: dict[Operation, None] = {}
        self.session._builder(fetches, outputs, targets)
        wanted: list[Any] = [*outputs, *targets]
        for asked in wanted:
            if asked not in self.waiting:
                raise InvalidArgumentError(f"The fetch {asked.name} was not specified in partial_run_setup, or has "
                                           "already been fetched.", getattr(asked, "op", asked))
            del self.waiting[asked]
        kept = self._kept()
        asked_values, kept_values = self.session.run((fetches, kept), self.values)
        self.values.update(zip(kept, kept_values, strict=True))
        return asked_values

    def _kept(self) -> list[Tensor]:
        """What this step can compute and a later one will need."""
        ready: set[Tensor] = set(self.values)
        done: set[Operation] = set()
        for op in self.needed:
            if op.type != "Placeholder" and all(t in ready or t.op in done for t in op.inputs) and all(
                    c in done or c not in self.needed for c in op.control_inputs):
                done.add(op)
        later = {t for op in self.needed if op not in done for t in op.inputs} | {
            t for t in self.waiting if isinstance(t, Tensor)}
        return [t for op in self.needed if op in done and op.type not in ("Const", "VariableV2")
                for t in op.outputs if t in later and t not in self.values]
