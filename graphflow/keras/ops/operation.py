"""Operations on Keras tensors as parts of a model: called outside layers, they are nodes with a config."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ...compiler.dims import Dim
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from .. import backend
from ..computed import ComputedTensor, computed
from ..layers.layer import Layer
from ..layers.node import KerasTensor, record
from ..nest import flatten, map_structure
from ..scope import calling, outermost_call, recording


class Operation(Layer):
    """A function without weights that can be part of a model. Subclasses define `call`."""

    is_operation = True  # as Keras says: not one of `model.layers`

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        symbolic = recording() and _is_recordable((args, kwargs))
        with calling(self):
            outputs = self.call(*args, **kwargs)
        return record(self, args, kwargs, outputs) if symbolic else outputs

    symbolic_call = __call__


def _is_recordable(arguments: Any) -> bool:
    """Whether there is a Keras tensor among the arguments, and nothing that depends on one in another way."""
    leaves = [leaf for leaf in flatten(arguments) if isinstance(leaf, (Tensor, Dim))]
    known = [isinstance(leaf, KerasTensor) for leaf in leaves]
    return any(known) and all(k or isinstance(leaf, Tensor) and _is_constant(leaf)
                              for k, leaf in zip(known, leaves, strict=True))


def _is_constant(tensor: Tensor) -> bool:
    """Whether the tensor is made of constants alone."""
    op = tensor.op
    return op.type == "Const" or bool(op.inputs) and not op.definition.stateful and all(map(_is_constant, op.inputs))


def _are_values(arguments: Any) -> bool:
    """Whether no tensor among the arguments needs feeds, as far as that is known."""
    return all(isinstance(leaf, ComputedTensor) or _is_constant(leaf) for leaf in flatten(arguments)
               if isinstance(leaf, Tensor))


def _settled(value: Any) -> Any:
    """A tensor made of constants as one constant."""
    if isinstance(value, Tensor) and not isinstance(value, KerasTensor) and value.op.type != "Const":
        return convert_to_tensor(backend.eval(value))
    return value


# Arguments that are values; the others are settings, which the config holds.
_VALUES = frozenset("""
a abs_ angle array b beta bias choicelist condition condlist constant_values coordinates data default depthwise_kernel
elements elems end_points fill_value gamma image1 image2 images index indices init init_val inputs kernel key loop_vars
mask mean offset operands output output_length pointwise_kernel pred predictions primals q query scale segment_ids
sequence_lengths sorted_sequence start start_indices start_points step stop tangents target target_length targets
tensor transform translation updates value values variable variance x x1 x2 xs y
""".split())
_SETTINGS = {"diagonal": {"offset"}, "trace": {"offset"}, "trapezoid": {"x"}, "squareplus": {"b"},
             **dict.fromkeys(("unique", "resize", "affine_transform", "map_coordinates", "perspective_transform",
                              "elastic_transform"), {"fill_value"})}
_MORE_VALUES = {"average": {"weights"}, "digitize": {"bins"}, "isclose": {"rtol", "atol"}}
# classes whose names are not those of their functions
_CLASSES = {
    "allclose": "AllClose", "isin": "IsIn", "searchsorted": "SearchSorted", "batch_normalization": "BatchNorm",
    "ctc_loss": "CTCLoss", "abs": "Absolute", "swish": "Silu", "hard_swish": "HardSilu", "conj": "Conjugate",
    "ctc_decode": "CTCDecode", "psnr": "PSNR", "rms_normalization": "RMSNorm",
    "layer_normalization": "LayerNorm", "cdist": "CDist", "fft": "FFT", "fft2": "FFT2", "ifft2": "IFFT2",
    "rfft": "RFFT", "irfft": "IRFFT", "stft": "STFT", "istft": "ISTFT", "svd": "SVD", "jvp": "JVP",
    "rgb_to_grayscale": "RGBToGrayscale", "rgb_to_hsv": "RGBToHSV", "hsv_to_rgb": "HSVToRGB", "ssim": "SSIM"}
_UNRECORDED = {"convert_to_numpy", "custom_gradient", "dtype", "is_tensor", "shape", "vectorize", "ndim"}

_SOURCES: dict[str, tuple[str, Callable[..., Any], str]] = {}  # class: function's name, function, module


class FunctionOperation(Operation):
    """A call of one of Keras's functions: its settings are the config, its values the node's arguments."""

    function: Callable[..., Any]
    signature: inspect.Signature
    values: frozenset[str]

    def __init__(self, name: str | None = None, **settings: Any):
        super().__init__(name=name)
        self.settings = settings

    def call(self, *args: Any, **kwargs: Any) -> Any:
        rest, arguments = list(args), dict[str, Any]()
        for key, parameter in self.signature.parameters.items():
            if parameter.kind is parameter.VAR_POSITIONAL:
                arguments[key], rest = tuple(rest), []
            elif parameter.kind is parameter.VAR_KEYWORD:
                arguments[key] = {k: v for k, v in self.settings.items() if k not in arguments}
            elif rest and key in self.values:
                arguments[key] = rest.pop(0)
            else:
                arguments[key] = kwargs.get(key, self.settings.get(key, parameter.default))
        bound = inspect.BoundArguments(self.signature, arguments)
        return type(self).function(*bound.args, **bound.kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.settings}

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a new operation makes of a call's arguments."""
        bound = cls.signature.bind(*map_structure(_settled, args), **map_structure(_settled, kwargs))
        bound.apply_defaults()
        given: list[Any] = []
        settings: dict[str, Any] = {}
        for key, value in bound.arguments.items():
            kind = cls.signature.parameters[key].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                given += value
            elif kind is inspect.Parameter.VAR_KEYWORD:
                settings |= value
            elif key in cls.values:
                given.append(value)
            else:
                settings[key] = value
        return cls(**settings)(*given)


@functools.cache
def operation_class(class_name: str) -> Any:
    """The class of the operation that files call so, None if there is none."""
    if class_name not in _SOURCES:
        return None
    name, function, module = _SOURCES[class_name]
    signature = inspect.signature(function)
    values = _VALUES - _SETTINGS.get(name, set()) | _MORE_VALUES.get(name, set())
    return type(class_name, (FunctionOperation,), {
        "__module__": f"keras.src.{module}", "__doc__": function.__doc__, "function": staticmethod(function),
        "signature": signature, "values": values & frozenset(signature.parameters)})


def recorded(name: str, function: Callable[..., Any], module: str, class_name: str | None = None
             ) -> Callable[..., Any]:
    """The function, which called on Keras tensors outside layers becomes part of the model, in its module of Keras
    ("ops.numpy")."""
    if name in _UNRECORDED:
        return function
    own = class_name or _CLASSES.get(name) or "".join(word.capitalize() for word in name.split("_"))
    _SOURCES[own] = name, function, module

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if recording() and _is_recordable((args, kwargs)):
            return operation_class(own).of(args, kwargs)
        result = function(*args, **kwargs)
        return computed(result) if outermost_call() and _are_values((args, kwargs)) else result
    return call


_OPERATORS = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
              "floordiv": "floor_divide", "mod": "mod", "pow": "power", "matmul": "matmul", "and": "logical_and",
              "or": "logical_or", "xor": "logical_xor"}
_OTHERS = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "neg": "negative",
           "abs": "absolute", "invert": "logical_not", "getitem": "get_item"}


def install_operators(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Let Python's operators on Keras tensors be Keras's operations, where those would be part of a model."""
    def install(dunder: str, function: Callable[..., Any], swap: bool = False) -> None:
        plain = getattr(Tensor, dunder)

        def operator(self: Tensor, *others: Any) -> Any:
            if recording() and _is_recordable((self, others)):
                return function(*others, self) if swap else function(self, *others)
            return plain(self, *others)
        setattr(KerasTensor, dunder, operator)

    for short, name in _OPERATORS.items():
        install(f"__{short}__", functions[name])
        install(f"__r{short}__", functions[name], swap=True)
    for short, name in _OTHERS.items():
        install(f"__{short}__", functions[name])


def record_all(public: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Every function of modules, {Keras's name of the module: module}, made one that is recorded, there too."""
    functions: dict[str, Callable[..., Any]] = {}
    for place, module in public.items():
        for name in module.__all__:
            made = functions.get(name) or recorded(name, getattr(module, name), f"ops.{place}")
            functions[name] = made
            setattr(module, name, made)
    return functions


def record_activations(module: Any, table: dict[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
    """Let activation functions on Keras tensors be the operations of the same name, or ones of their own."""
    def as_operation(function: Callable[..., Any], operation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not (recording() and _is_recordable((args, kwargs))):
                return function(*args, **kwargs)
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            return operation(*bound.args, **bound.kwargs)
        return call

    for name, function in list(table.items()):
        if name in ("relu", "mish"):
            table[name] = recorded(name, function, "activations.activations", "ReLU" if name == "relu" else None)
        elif name != "linear":
            table[name] = as_operation(function, functions["exp" if name == "exponential" else name])
        setattr(module, name, table[name])
