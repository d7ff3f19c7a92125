"""Learning rates that follow the number of steps. A schedule builds graph: it is part of the training step."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from .. import backend
from ..computed import Computing
from ..saving.serialization import deserialize_keras_object, serialize_keras_object


class LearningRateSchedule(Computing):
    """Base class. Subclasses define `__call__(step)`, which gives the rate, and `get_config`."""

    name: str

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"Learning rate schedule {type(self).__name__!r} must override `__call__()`.")

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(f"Learning rate schedule {type(self).__name__!r} must override `get_config()` in "
                                  "order to be serializable.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


def _float(value: Any) -> Tensor:
    return cast(convert_to_tensor(value), backend.floatx())


def _positive(schedule: str, name: str, value: Any) -> Any:
    if not value > 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value} ({schedule})")
    return value


class _Decay(LearningRateSchedule):
    """Keeps its arguments as they are; subclasses list their names in `keys`."""

    keys: tuple[str, ...]

    def get_config(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in (*self.keys, "name")}


class ExponentialDecay(_Decay):
    """initial * rate^(step / decay_steps); `staircase`: of whole multiples of decay_steps."""

    keys = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase")

    def __init__(self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
                 name: str = "ExponentialDecay"):
        self.initial_learning_rate, self.decay_rate, self.staircase = initial_learning_rate, decay_rate, staircase
        self.decay_steps = _positive("ExponentialDecay", "decay_steps", decay_steps)
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        done = _float(step) / float(self.decay_steps)
        return ew.power(_float(self.decay_rate), ew.floor(done) if self.staircase else done) * (
            self.initial_learning_rate)


class PiecewiseConstantDecay(_Decay):
    """values[i] up to boundaries[i], the last value after the last boundary."""

    keys = ("boundaries", "values")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(f"The length of boundaries should be 1 less than the length of values. Received: "
                             f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of length "
                             f"{len(values)}.")
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Tensor:
        now, rate = _float(step), _float(self.values[-1])
        for boundary, value in reversed(list(zip(self.boundaries, self.values, strict=False))):
            rate = ew.where(now <= float(boundary), _float(value), rate)
        return rate


class PolynomialDecay(_Decay):
    """From the initial rate to the end's as (1 - step / decay_steps)^power; `cycle`: over ever longer periods."""

    keys = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle")

    def __init__(self, initial_learning_rate: float, decay_steps: float, end_learning_rate: float = 0.0001,
                 power: float = 1.0, cycle: bool = False, name: str = "PolynomialDecay"):
        self.initial_learning_rate, self.end_learning_rate = initial_learning_rate, end_learning_rate
        self.decay_steps = _positive("PolynomialDecay", "decay_steps", decay_steps)
        self.power, self.cycle, self.name = power, cycle, name

    def __call__(self, step: Any) -> Tensor:
        now, period = _float(step), _float(self.decay_steps)
        if self.cycle:
            period = period * ew.where(ew.equal(now, 0.0), 1.0, ew.ceil(now / float(self.decay_steps)))
        else:
            now = ew.minimum(now, period)
        left = ew.power(1 - now / period, _float(self.power))
        return left * (self.initial_learning_rate - self.end_learning_rate) + self.end_learning_rate


class InverseTimeDecay(_Decay):
    """initial / (1 + rate * step / decay_steps); `staircase`: of whole multiples of decay_steps."""

    keys = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase")

    def __init__(self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
                 name: str = "InverseTimeDecay"):
        self.initial_learning_rate, self.decay_rate, self.staircase = initial_learning_rate, decay_rate, staircase
        self.decay_steps = _positive("InverseTimeDecay", "decay_steps", decay_steps)
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        done = _float(step) / float(self.decay_steps)
        done = ew.floor(done) if self.staircase else done
        return _float(self.initial_learning_rate) / (done * self.decay_rate + 1.0)


class CosineDecay(_Decay):
    """Half a cosine from the rate to alpha times it (Loshchilov & Hutter 2016), after a linear warm-up if one is
    given.
    """

    keys = ("initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps")

    def __init__(self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0, name: str = "CosineDecay",
                 warmup_target: float | None = None, warmup_steps: float = 0):
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.decay_steps = _positive("CosineDecay", "decay_steps", decay_steps)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def _decayed(self, step: Tensor, rate: float) -> Tensor:
        wave = (ew.cos(step / float(self.decay_steps) * math.pi) + 1.0) * 0.5
        return (wave * (1 - self.alpha) + self.alpha) * rate

    def __call__(self, step: Any) -> Tensor:
        now = _float(step)
        if self.warmup_target is None:
            return self._decayed(ew.minimum(now, float(self.decay_steps)), self.initial_learning_rate)
        now = ew.minimum(now, float(self.decay_steps + self.warmup_steps))
        rise = self.warmup_target - self.initial_learning_rate
        warming = now / float(self.warmup_steps or 1) * rise + self.initial_learning_rate
        return ew.where(now < float(self.warmup_steps), warming,
                        self._decayed(now - float(self.warmup_steps), self.warmup_target))


class CosineDecayRestarts(_Decay):
    """Cosine decay over periods that grow by t_mul and start from rates that shrink by m_mul (SGDR)."""

    def __init__(self, initial_learning_rate: float, first_decay_steps: float, t_mul: float = 2.0, m_mul: float = 1.0,
                 alpha: float = 0.0, name: str = "SGDRDecay"):
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.first_decay_steps = _positive("CosineDecayRestarts", "first_decay_steps", first_decay_steps)
        self.t_mul, self.m_mul = t_mul, m_mul

    keys = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha")

    def __call__(self, step: Any) -> Tensor:
        done = _float(step) / float(self.first_decay_steps)
        if self.t_mul == 1:
            period = ew.floor(done)
            done = done - period
        else:
            period = ew.floor(ew.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul))
            longer = ew.power(_float(self.t_mul), period)
            done = (done - (1.0 - longer) / (1.0 - self.t_mul)) / longer
        wave = (ew.cos(done * math.pi) + 1.0) * 0.5 * ew.power(_float(self.m_mul), period)
        return (wave * (1 - self.alpha) + self.alpha) * self.initial_learning_rate


_OBJECTS: dict[str, Any] = {c.__name__: c for c in (
    CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay)}


def serialize(learning_rate_schedule: Any) -> Any:
    """The schedule as plain data."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The schedule that plain data describe."""
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)
