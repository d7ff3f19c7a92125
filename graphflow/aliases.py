"""`import tensorflow` and `import keras` as graphflow, for scripts that `python -m graphflow run` runs.

`tensorflow.x.y` is graphflow's `x.y`; `tensorflow.compat.v1`, `tensorflow.python` and the module names inside it lead
to the public names that TensorFlow 1's own modules defined (`tensorflow.python.ops.rnn_cell` is `tf.nn.rnn_cell`).
"""
from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import re
import sys
from collections.abc import Sequence
from types import FunctionType, ModuleType
from typing import Any

_VERSIONS = {1: ("1.15.5", "2.3.1"), 2: ("2.21.0", "3.15.0")}  # of TensorFlow and Keras
_major = 1  # what programs are written for: TensorFlow 1 and Keras 2, or TensorFlow 2 and Keras 3

# TensorFlow 1's internal modules, by the public one that has their names; "" is the top level
_INTERNAL = {
    "client.session": "internal.session", "client.timeline": "timeline",
    "framework.ops": "internal.ops", "framework.dtypes": "dtypes",
    "framework.errors": "errors",
    "framework.tensor_shape": "internal.tensor_shape",
    "layers.utils": "layers.utils", "framework.constant_op": "", "framework.random_seed": "",
    "framework.graph_util": "graph_util", "framework.function": "", "framework.sparse_tensor": "",
    "framework.graph_io": "train", "ops.array_ops": "", "ops.math_ops": "math", "ops.nn_ops": "nn", "ops.nn": "nn",
    "ops.nn_impl": "nn candidate_sampling", "ops.gen_nn_ops": "nn nn_grads", "ops.gen_array_ops": "",
    "ops.gen_math_ops": "math", "ops.clip_ops": "", "ops.init_ops": "initializers",
    "ops.init_ops_v2": "keras.initializers initializers",
    "ops.variable_scope": "internal.variable_scope", "ops.variables": "internal.variables",
    "ops.state_ops": "", "ops.control_flow_ops": "internal.control_flow_ops",
    "ops.tensor_array_ops": "", "ops.functional_ops": "",
    "ops.random_ops": "random", "ops.rnn": "nn rnn.private", "ops.rnn_cell": "nn.rnn_cell",
    "ops.rnn_cell_impl": "nn.rnn_cell rnn.private", "pywrap_tensorflow": "train",
    "tools.inspect_checkpoint": "training.inspect_checkpoint",
    **dict.fromkeys(("tools.freeze_graph", "tools.optimize_for_inference_lib"), "training.freeze_graph"),
    "training.summary_io": "summary",
    "summary.writer.writer": "summary", "summary.writer.writer_cache": "summary", "autograph": "autograph",
    "ops.rnn.rnn_cell_impl": "nn.rnn_cell",
    "ops.embedding_ops": "nn", "ops.candidate_sampling_ops": "nn", "ops.ctc_ops": "nn", "ops.image_ops": "image",
    "ops.linalg_ops": "linalg", "ops.math_grad": "", "ops.logging_ops": "", "ops.lookup_ops": "lookup",
    "ops.metrics": "metrics", "ops.losses.losses": "losses", "ops.parsing_ops": "io", "ops.io_ops": "io",
    "ops.sparse_ops": "sparse", "ops.string_ops": "strings", "ops.data_flow_ops": "queue",
    "ops.check_ops": "debugging", "ops.gradients": "", "ops.gradients_impl": "", "ops.partitioned_variables": "",
    "ops.script_ops": "", "ops.spectral_ops": "spectral", "ops.special_math_ops": "math", "ops.template": "",
    "ops.distributions": "distributions", "layers": "layers", "layers.base": "layers", "layers.core": "layers",
    "layers.convolutional": "layers.long_names", "layers.normalization": "layers",
    "layers.pooling": "layers.long_names", "layers.layers": "layers", "training": "train",
    "training.moving_averages": "train training.moving_averages", "training.training": "train",
    "training.optimizer": "train training.optimizer", "training.training_ops": "training.training_ops",
    "training.gen_training_ops": "training.training_ops", "training.saver": "train", "training.adam": "train",
    "training.gradient_descent": "train", "training.momentum": "train", "training.rmsprop": "train",
    "training.training_util": "train training.global_step", "training.learning_rate_decay": "train",
    "training.checkpoint_management": "train", "training.device_setter": "train", "training.session_run_hook": "train",
    "training.basic_session_run_hooks": "train", "training.input": "train", "training.queue_runner_impl": "train",
    "training.coordinator": "train", "platform.gfile": "gfile", "platform.flags": "flags", "platform.app": "app",
    "platform.tf_logging": "logging", "platform.test": "test", "lib.io.file_io": "gfile",
    "lib.io.tf_record": "python_io", "lib.io.python_io": "python_io", "summary.summary": "summary",
    "util.nest": "nest", "data.ops.dataset_ops": "data", "keras": "keras", "estimator.estimator": "estimator",
    "data.experimental": "data.experimental", "estimator.model_fn": "estimator",
    "saved_model": "saved_model", "ops.custom_gradient": "custom_gradients", "ops.confusion_matrix": "",
    "ops.map_fn": "", "ops.sort_ops": "", "ops.sets_impl": "sets", "ops.bitwise_ops": "bitwise",
    "ops.manip_ops": "manip", "ops.linalg.linalg": "linalg", "ops.image_ops_impl": "image",
    "ops.metrics_v2": "metrics", "ops.losses.util": "losses", "ops.signal.signal": "signal",
    "framework.errors_impl": "errors",
    "framework.device": "devices", "framework.device_spec": "devices",
    "framework.graph_util_impl": "graph_util", "ops.losses.losses_impl": "losses", "autograph.impl.api": "autograph",
    "training.evaluation": "contrib.training.evaluation",
    "platform.gfile.gfile": "gfile",
    **dict.fromkeys((f"estimator.inputs.{name}" for name in ("inputs", "numpy_io", "pandas_io")), "estimator.inputs"),
    **dict.fromkeys(("debug", "debug.wrappers.local_cli_wrapper", "debug.wrappers.hooks", "debug.lib.debug_data",
                     "debug.cli.analyzer_cli"), "tfdbg"),
    **{name: f"internal.{name.rpartition('.')[2]}" for name in (
        "util.all_util", "eager.context", "ops.linalg.linear_operator_util", "ops.resource_variable_ops",
        "ops.resources", "ops.control_flow_util", "util.deprecation", "client.device_lib",
        "util.function_utils", "ops.metrics_impl", "framework.tensor_util", "util.tf_contextlib", "util.tf_decorator",
        "util.tf_export", "util.tf_inspect")},
}

# packages among them (and of theirs) of which no module is named above
_PACKAGES = {
    "autograph", "estimator", "ops.distributions", "ops.parallel_for", "ops.ragged", "saved_model", "lib.core",
    *(f"autograph.{name}" for name in ("core", "impl", "lang", "operators", "pyct", "utils")),
    "data.experimental", "data.experimental.ops", "data.util", "saved_model.model_utils", "training.checkpointable",
    "training.experimental", "training.tracking", *(f"estimator.{name}" for name in ("canned", "export", "inputs")),
    "estimator.inputs.queues"}

# the messages that have classes here; tensorboard has TensorFlow's others
_MESSAGES = {"example_pb2": "example", "feature_pb2": "example", "config_pb2": "config",
             "rewriter_config_pb2": "config", "graph_pb2": "graph_util", "node_def_pb2": "graph_util",
             "meta_graph_pb2": "training.meta_graph"}


# Keras 2's modules: the places, in graphflow.keras, where their names are now
_KERAS = {
    "objectives": "losses legacy.names", "initializations": "initializers",
    "engine": "layers models utils.layer_utils legacy.names",
    "legacy.layers": "legacy.layers layers", "legacy.models": "legacy.models models",
    "models": "models legacy.models legacy.names", "layers": "layers legacy.layers legacy.names legacy.cells",
    "layers.merge": "layers legacy.layers",
    "backend.tensorflow_backend": "backend legacy.names", "backend.common": "backend legacy.names",
    "backend.load_backend": "backend",
    **{f"layers.{name}": "layers legacy.layers legacy.names legacy.cells" for name in (
        "advanced_activations", "convolutional", "convolutional_recurrent", "core", "cudnn_recurrent", "embeddings",
        "local", "noise", "normalization", "pooling", "recurrent", "wrappers")},
    **{f"engine.{name}": "layers models utils.layer_utils legacy.names" for name in (
        "base_layer", "functional", "input_layer", "network", "sequential", "topology", "training", "training_arrays",
        "training_generator")},
    "engine.saving": "saving.saving saving saving.conversion saving.legacy_weights models legacy.names",
    "engine.training_utils": "legacy.training losses",
    "saving.hdf5_format": "saving.saving saving saving.legacy_weights legacy.names",
    **{name: f"{name} legacy.names" for name in ("losses", "regularizers", "callbacks", "preprocessing.image",
                                                 "applications.mobilenet")},
    "callbacks.callbacks": "callbacks legacy.names", "optimizer_v2": "optimizers",
    **{f"{place}.{name}": "optimizers optimizers.schedules" for place in ("optimizers", "optimizer_v2") for name in (
        "adadelta", "adadelta_v2", "adagrad", "adagrad_v2", "adam", "adam_v2", "adamax", "adamax_v2",
        "gradient_descent", "gradient_descent_v2", "learning_rate_schedule", "nadam", "nadam_v2", "optimizer",
        "optimizer_v2", "rmsprop", "rmsprop_v2", "sgd")},
    "distribution.distribution_lib": "distribution", "utils.backend_utils": "legacy.backend_utils",
    "utils.np_utils": "utils", "utils.generic_utils": "utils.generic_utils utils",
    "utils.data_utils": "utils.io_utils utils", "utils.vis_utils": "utils",
    "utils.io_utils": "utils.io_utils legacy.hdf5 utils",
    "utils.losses_utils": "legacy.constants losses", "utils.metrics_utils": "legacy.constants metrics",
    "utils.multi_gpu_utils": "utils.multi_gpu_utils utils", "utils.tf_utils": "utils.legacy",
    "utils.layer_utils": "utils.layer_utils legacy.models utils",
    "applications.imagenet_utils": "applications.imagenet_utils applications",
}
_KERAS_PLACES = re.compile(r"(contrib\.keras(\.python|\.api)?(\.keras)?|python\.keras(\._impl(\.keras)?)?)(?=\.|$)")
_ARE_KERAS = {"tf_keras": "", "keras_core": "", "keras_preprocessing": "preprocessing"}  # packages that are parts of it
_KERAS_CODE = re.compile(r"(src(\.legacy(?=\.preprocessing))?|api(\._v[12]\.keras)?|_tf_keras\.keras)(\.|$)")


class Proxy(ModuleType):
    """A module whose names are those of a public one, then of the others and of the top level."""

    def __init__(self, name: str, target: Any, *others: Any):
        super().__init__(name, getattr(target, "__doc__", None))
        # a package, so that submodules are asked for
        self.__dict__.update(_target=target, _others=others, _replaced={}, __path__=[],
                             __spec__=importlib.machinery.ModuleSpec(name, None, is_package=True))

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":  # what `from ... import *` takes
            places = (self._target, *self._others)
            return sorted({n for p in places for n in getattr(p, "__all__", dir(p)) if not n.startswith("_")})
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        import graphflow
        if self.__name__ == "tensorflow" and name in ("python", "pywrap_tensorflow"):
            return importlib.import_module(f"tensorflow.python.{name}".removesuffix(".python"))
        if f"{self.__name__}.{name}" in ("tensorflow.compat", "tensorflow.compat.v1", "tensorflow.compat.v2",
                                         "tensorflow.experimental", "tensorflow.experimental.numpy"):
            return importlib.import_module(f"{self.__name__}.{name}")
        if self.__name__.startswith("tensorflow.python"):
            inner = f"{self.__name__}.{name}".removeprefix("tensorflow.python.")
            if any(known == inner or known.startswith(inner + ".") for known in _INTERNAL):
                return importlib.import_module(f"{self.__name__}.{name}")
        if self.__name__.partition(".")[0] == "keras" and f"{self.__name__}.{name}"[len("keras."):] in _KERAS:
            return importlib.import_module(f"{self.__name__}.{name}")
        for place in (self._target, *self._others, *(() if self.__name__.startswith("keras") else (graphflow,))):
            try:
                value = getattr(place, name)
            except AttributeError:
                continue
            if isinstance(value, ModuleType) and value.__name__ == f"graphflow.{self.__name__}.{name}":
                return importlib.import_module(f"{self.__name__}.{name}")
            return value
        raise AttributeError(f"{self.__name__}.{name} is not in graphflow", name=name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Keras 1's `keras.layers.merge` was a function, Keras 2's is a module."""
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        """Names of Keras that a program replaces (`unittest.mock.patch`) are replaced where they are used."""
        place = next((p for p in (self._target, *self._others) if name in vars(p)), None)
        if name not in getattr(place, "__all__", vars(place) if place else ()):  # one that the module itself imports
            place = None
        if place is None or isinstance(value, ModuleType) or name.startswith("__"):
            super().__setattr__(name, value)
        else:
            self._replaced.setdefault(name, (place, vars(place)[name]))
            setattr(place, name, value)

    def __delattr__(self, name: str) -> None:
        if name not in self._replaced:
            super().__delattr__(name)
        else:
            place, value = self._replaced.pop(name)
            setattr(place, name, value)

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._target) if not name.startswith("__")]


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `tensorflow` and `keras`, and what is below them, in graphflow; and `scipy.misc` as it was."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
                  ) -> importlib.machinery.ModuleSpec | None:
        if fullname == "scipy.misc":
            return importlib.machinery.ModuleSpec(fullname, self)
        root, _, rest = fullname.partition(".")
        if root not in ("tensorflow", "keras", *_ARE_KERAS):
            return None
        if _resolve(root, rest) is None:
            raise ModuleNotFoundError(f"{fullname} is not in graphflow", name=fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        root, _, rest = module.__name__.partition(".")
        # the import system takes what stands here afterwards, so the real module keeps its own spec
        sys.modules[module.__name__] = _find("", "scipy_misc") if root == "scipy" else _resolve(root, rest)


def _resolve(root: str, rest: str) -> Any:
    """The module for `root.rest`, None if graphflow has none."""
    import graphflow
    from graphflow import v2
    if root == "keras":
        return _keras(rest)
    if root in _ARE_KERAS:
        return _keras(".".join(part for part in (_ARE_KERAS[root], rest) if part))
    if rest in ("", "compat.v1", "compat.v2", "_api.v1"):
        proxy = Proxy("tensorflow", v2 if rest == "compat.v2" or not rest and _major == 2 else graphflow)
        version = _VERSIONS[_major][0]
        proxy.__dict__.update(__version__=version, VERSION=version)
        return proxy
    if rest.removeprefix("compat.v2.") in v2.MODULES and (_major == 2 or rest.startswith("compat.v2.")):
        return getattr(v2, rest.removeprefix("compat.v2."))
    if rest in ("compat", "experimental"):
        return Proxy(f"tensorflow.{rest}", _find("", rest))
    if rest == "experimental.numpy":
        return Proxy("tensorflow.experimental.numpy", *(_find("", place) for place in ("keras.ops.numpy", "dtypes")))
    rest = re.sub(r"^(compat\.v[12]|_api\.v1)\.", "", rest)
    inside = _KERAS_PLACES.match(rest)
    if inside:
        return _keras(rest[inside.end():].lstrip("."))
    if rest == "examples" or rest.startswith("examples."):  # the tutorials that shipped with TensorFlow
        tutorials = {"input_data": "mnist", "mnist.mnist": "mnist_model"}
        found = next((module for end, module in tutorials.items() if rest.endswith(f".{end}")), None)
        return _find("", f"contrib.learn.datasets.{found}") if found else Proxy(
            f"tensorflow.{rest}", graphflow)
    if rest.endswith("audio_ops"):  # contrib.framework.python.ops, and where the ops are generated
        return _find("", "audio")
    if rest == "python" or rest.startswith("python."):
        inner = rest.removeprefix("python").lstrip(".")
        if not _may_be_module(inner):
            return None
        places = [_find("", place) for place in _INTERNAL.get(inner, "").split(" ") if place]
        return Proxy(f"tensorflow.{rest}", *([place for place in places if place is not None] or [graphflow]))
    if rest == "core" or rest.startswith("core."):
        name = rest.rpartition(".")[2]
        if not name.endswith("_pb2"):
            return Proxy(f"tensorflow.{rest}", graphflow)
        return _find("", _MESSAGES[name]) if name in _MESSAGES else _message(name)
    if rest.startswith("contrib."):  # what is inside contrib.x.python is in contrib.x
        public, private, inner = rest.partition(".python")
        if private and not _is_module_name(inner.rpartition(".")[2]):
            return None
        place = _find("", public)
        if not private:
            return place if place is None or hasattr(place, "__path__") else Proxy(f"tensorflow.{rest}", place)
        ends = inner.split(".")  # contrib.learn.python.learn.datasets.mnist is contrib.learn.datasets.mnist
        candidates = (_find("", ".".join([public, *ends[k:]])) for k in range(1, len(ends)))
        module = next((m for m in candidates if m is not None), None)
        places = [p for p in (module, place) if p is not None]
        return Proxy(f"tensorflow.{rest}", *places) if places else None
    return _find("", rest)


def _is_module_name(name: str) -> bool:
    """Whether TensorFlow would name a module so: not a class, nothing private."""
    return not name or name.islower() and not name.startswith("_")


def _may_be_module(inner: str) -> bool:
    """Whether `tensorflow.python.inner` can be a module. What stands in a known module that is no package is a name:
    as a stand-in for a module it would be imported without an error."""
    parent, _, last = inner.rpartition(".")
    package = parent in _PACKAGES or any(known.startswith(f"{parent}.") for known in _INTERNAL) or (
        "." not in parent and parent not in _INTERNAL)
    return inner in _INTERNAL or _is_module_name(last) and package


def _keras(rest: str) -> ModuleType | None:
    """Keras's module, or one of Keras 2 by the names it had, or of those where Keras 3 keeps its code."""
    rest = _KERAS_CODE.sub("", rest)
    places = [_find("keras", place) for place in _KERAS.get(rest, rest).split(" ")]
    found = [place for place in places if isinstance(place, ModuleType)]
    if not found:
        return None
    proxy = Proxy(f"keras.{rest}".rstrip("."), *found)
    if not rest:
        proxy.__dict__["__version__"] = _VERSIONS[_major][1]
    return proxy


def _message(name: str) -> ModuleType | None:
    """The module of tensorboard's that has a message of TensorFlow's."""
    from .compiler.ops.summary import messages
    messages()
    try:
        return importlib.import_module(f"tensorboard.compat.proto.{name}")
    except ModuleNotFoundError:
        return None


def _find(base: str, rest: str) -> Any:
    """graphflow's module or namespace `base.rest`."""
    import graphflow
    dotted = ".".join(part for part in (base, rest) if part)
    try:
        return importlib.import_module(f"graphflow.{dotted}")
    except ModuleNotFoundError as error:
        if error.name is None or not f"graphflow.{dotted}".startswith(error.name):
            raise  # a package that graphflow's module itself needs
    found: Any = graphflow
    for part in dotted.split("."):
        found = getattr(found, part, None)
        if found is None:
            return None
    return None if isinstance(found, (type, FunctionType)) else found


def install(major: int = 1) -> None:
    """From now on `tensorflow` and `keras` are graphflow, whether or not they are installed too, as TensorFlow `major`
    has them: here and in processes that multiprocessing starts anew."""
    global _major
    _major = major
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
        _prepare_children()


def _prepare_children() -> None:
    """Let processes that multiprocessing starts have the aliases before they import anything of the program."""
    from multiprocessing import spawn  # slow to import, and only programs that are run need it
    command_line = spawn.get_command_line

    def command_of_child(**arguments: Any) -> list[str]:
        return [f"from graphflow.script import prepare; prepare({_major}); {part}" if isinstance(part, str) and
                part.startswith("from multiprocessing") else part for part in command_line(**arguments)]

    spawn.get_command_line = command_of_child
