# ruff: noqa: E402, F401 (this module is the list of names)
"""graphflow: define-then-run programs and Keras models, compiled to native kernels.

`import graphflow as tf` serves a TensorFlow 1 script. Names are TensorFlow's; each module says what its functions do.
"""
from __future__ import annotations

import os as _os
from typing import TYPE_CHECKING, Any

if not _os.path.isdir(_os.path.join(__path__[0], "compiler")):  # a checkout has compiler and runtime beside this
    __path__.append(_os.path.dirname(_os.path.abspath(__path__[0])))

from . import app, compat, errors, graph_api, initializers, logging, math, nn, random, tracebacks, train
from .array_ops import (
    batch_gather,
    batch_to_space,
    batch_to_space_nd,
    bitcast,
    boolean_mask,
    broadcast_dynamic_shape,
    broadcast_static_shape,
    depth_to_space,
    ensure_shape,
    eye,
    fill,
    gather,
    gather_nd,
    get_static_value,
    guarantee_const,
    matrix_transpose,
    meshgrid,
    one_hot,
    ones,
    ones_like,
    parallel_stack,
    rank,
    repeat,
    required_space_to_batch_paddings,
    reverse_sequence,
    roll,
    scatter_nd,
    sequence_mask,
    shape,
    shape_n,
    size,
    space_to_batch,
    space_to_batch_nd,
    space_to_depth,
    strided_slice,
    transpose,
    unique,
    unique_with_counts,
    zeros,
    zeros_like,
)
from .clip_ops import clip_by_average_norm, clip_by_global_norm, clip_by_norm, clip_by_value, global_norm
from .compiler.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .compiler.dtypes import bool_ as bool
from .compiler.dtypes import float16 as half
from .compiler.dtypes import float64 as double
from .compiler.errors import OpError
from .compiler.ir import Graph, Operation, Tensor, reset_default_graph
from .compiler.opdef import LATE as _LATE
from .compiler.ops.complex import complex_ as complex
from .compiler.ops.complex import conj, imag, real
from .compiler.ops.elementwise import real_divide as realdiv
from .compiler.ops.slicing import slice_ as slice
from .compiler.ops.slicing import split, stack, unstack
from .compiler.ops.view import broadcast_to, identity, reshape, squeeze, stop_gradient
from .compiler.shapes import Dimension, TensorShape
from .drawing import draw
from .framework import (
    AggregationMethod,
    GraphKeys,
    UnconnectedGradients,
    add_to_collection,
    add_to_collections,
    colocate_with,
    constant,
    control_dependencies,
    convert_to_tensor,
    device,
    get_collection,
    get_collection_ref,
    get_default_graph,
    get_seed,
    gradients,
    group,
    init_scope,
    is_tensor,
    name_scope,
    no_op,
    op_scope,
    placeholder,
    placeholder_with_default,
    set_random_seed,
)
from .framework import tuple_ as tuple
from .indexing import where
from .initializers import constant as constant_initializer
from .initializers import glorot_normal as glorot_normal_initializer
from .initializers import glorot_uniform as glorot_uniform_initializer
from .initializers import ones as ones_initializer
from .initializers import orthogonal as orthogonal_initializer
from .initializers import random_normal as random_normal_initializer
from .initializers import random_uniform as random_uniform_initializer
from .initializers import truncated_normal as truncated_normal_initializer
from .initializers import uniform_unit_scaling as uniform_unit_scaling_initializer
from .initializers import variance_scaling as variance_scaling_initializer
from .initializers import zeros as zeros_initializer
from .late import concat, expand_dims, pad, reverse, tile
from .late import reverse as reverse_v2
from .late import tensor_diag as diag
from .late import tensor_diag_part as diag_part
from .lazy import Names
from .math import (
    abs,
    acos,
    acosh,
    add,
    add_n,
    angle,
    argmax,
    argmin,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceil,
    cos,
    cosh,
    count_nonzero,
    divide,
    equal,
    erf,
    erfc,
    exp,
    expm1,
    floor,
    floordiv,
    floormod,
    greater,
    greater_equal,
    is_finite,
    is_inf,
    is_nan,
    less,
    less_equal,
    log,
    log1p,
    log_sigmoid,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    not_equal,
    pow,
    reciprocal,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    rint,
    round,
    rsqrt,
    scalar_mul,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    squared_difference,
    subtract,
    tan,
    tanh,
    truediv,
)
from .math import floordiv as floor_div
from .math_ops import (
    accumulate_n,
    arg_max,
    arg_min,
    cast,
    div,
    linspace,
    matmul,
    norm,
    saturate_cast,
    tensordot,
    to_double,
    to_float,
    to_int32,
    to_int64,
)
from .math_ops import linspace as lin_space
from .math_ops import range_ as range
from .random_ops import (
    multinomial,
    random_gamma,
    random_normal,
    random_poisson,
    random_shuffle,
    random_uniform,
    truncated_normal,
)
from .template import make_template
from .variable_lists import (
    all_variables,
    global_variables,
    global_variables_initializer,
    local_variables,
    local_variables_initializer,
    model_variables,
    moving_average_variables,
    tables_initializer,
    trainable_variables,
    variables_initializer,
)
from .variable_lists import global_variables_initializer as initialize_all_variables
from .variable_lists import local_variables_initializer as initialize_local_variables
from .variable_lists import variables_initializer as initialize_variables
from .variable_scope import (
    AUTO_REUSE,
    VariableScope,
    get_local_variable,
    get_variable,
    get_variable_scope,
    variable_op_scope,
    variable_scope,
)
from .variables import Variable, assign, assign_add, assign_sub

if TYPE_CHECKING:
    from .explain import explain  # the function, which the module of its name stands for

__version__ = VERSION = "0.1.0"
newaxis = None


def disable_v2_behavior() -> None:
    """Nothing: graphflow is TensorFlow 1 throughout."""


disable_eager_execution = disable_resource_variables = enable_resource_variables = disable_v2_behavior

tracebacks.install()

_MODULES = (
    "audio autograph bitwise contrib data debugging distributions dtypes estimator experimental explain "
    "feature_column flags gfile io keras layers lookup losses manip metrics nest plots profiler python_io "
    "resource_loader sets signal sparse test types user_ops xla")
_names = Names(globals(), {
    **{name: name for name in _MODULES.split()},
    "accumulators": "ConditionalAccumulator ConditionalAccumulatorBase CriticalSection SparseConditionalAccumulator "
                    "delete_session_tensor get_session_handle get_session_tensor",
    "logging": "get_logger",
    "module": "Module",
    "variable_scope": "create_partitioned_variables",
    "variable_lists": "initialize_all_tables=tables_initializer",
    "check_ops": "Assert add_check_numerics_ops assert_equal assert_greater assert_greater_equal assert_integer "
                 "assert_less assert_less_equal assert_near assert_negative assert_non_negative assert_non_positive "
                 "assert_none_equal assert_positive assert_proper_iterable assert_rank assert_rank_at_least "
                 "assert_rank_in assert_same_float_dtype assert_scalar assert_type check_numerics is_non_decreasing "
                 "is_numeric_tensor is_strictly_increasing verify_tensor_all_finite",
    "custom_gradients": "NoGradient NotDifferentiable RegisterGradient custom_gradient grad_pass_through hessians "
                        "identity_n no_gradient recompute_grad",
    "gradient_tape": "GradientTape",
    "gradient_path": "why_no_gradient",
    "indexing": "batch_scatter_update dynamic_partition dynamic_stitch invert_permutation setdiff1d tensor_scatter_add "
                "tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub "
                "tensor_scatter_nd_update tensor_scatter_sub tensor_scatter_update unravel_index where_v2",
    "variable_checks": "assert_variables_initialized count_up_to is_variable_initialized "
                       "report_uninitialized_variables",
    "variable_rows": "scatter_add scatter_div scatter_max scatter_min scatter_mul scatter_nd_add scatter_nd_sub "
                     "scatter_nd_update scatter_sub scatter_update",
    "ordering": "approx_top_k argsort bincount confusion_matrix histogram_fixed_width histogram_fixed_width_bins "
                "searchsorted segment_max segment_mean segment_min segment_prod segment_sum sort sparse_segment_mean "
                "sparse_segment_sqrt_n sparse_segment_sum unsorted_segment_max unsorted_segment_mean "
                "unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum",
    "math": "betainc cumprod cumsum digamma div_no_nan erfcinv igamma igammac lbeta lgamma polygamma truncatediv "
            "truncatemod zeta",
    "math_ops": "to_bfloat16 to_complex128 to_complex64",
    "behavior": "container control_flow_v2_enabled disable_control_flow_v2 disable_tensor_equality "
                "disable_v2_tensorshape enable_control_flow_v2 enable_tensor_equality enable_v2_tensorshape "
                "executing_eagerly executing_eagerly_outside_functions no_regularizer resource_variables_enabled "
                "timestamp",
    "conversions": "dimension_at_index dimension_value is_symbolic_tensor register_tensor_conversion_function",
    "random_philox": "random_index_shuffle",
    "convolution": "conv conv2d_backprop_filter_v2 conv2d_backprop_input_v2",
    "quantized": "dequantize quantize quantize_v2 quantized_concat",
    "quantization": "fake_quant_with_min_max_args fake_quant_with_min_max_args_gradient fake_quant_with_min_max_vars "
                    "fake_quant_with_min_max_vars_gradient fake_quant_with_min_max_vars_per_channel "
                    "fake_quant_with_min_max_vars_per_channel_gradient quantization",
    "script_ops": "Print numpy_function print py_func py_function",
    "internal": "make_ndarray make_tensor_proto",
    "control_flow": "TensorArray case cond foldl foldr map_fn scan switch_case vectorized_map while_loop",
    "compiler.dtypes": "QUANTIZED_DTYPES qint16 qint32 qint8 quint16 quint8 resource variant",
    "devices": "DeviceSpec",
    "config": "ConfigProto GPUOptions GraphOptions OptimizerOptions RunMetadata RunOptions config",
    "sysconfig": "CXX11_ABI_FLAG CXX_VERSION MONOLITHIC_BUILD sysconfig",
    "version": "COMPILER_VERSION GIT_VERSION GRAPH_DEF_VERSION GRAPH_DEF_VERSION_MIN_CONSUMER "
               "GRAPH_DEF_VERSION_MIN_PRODUCER version",
    "summary": "Event HistogramProto SessionLog Summary SummaryMetadata summary",
    "image": "extract_image_patches extract_volume_patches image random_crop",
    "tensor_spec": "SparseTensorSpec TensorSpec TypeSpec",
    "type_specs": "IndexedSlicesSpec NoneTensorSpec OptionalSpec TensorArraySpec type_spec_from_value",
    "io_ops": "decode_compressed decode_csv decode_raw deserialize_many_sparse matching_files parse_tensor read_file "
              "serialize_many_sparse serialize_sparse serialize_tensor write_file",
    "parsing_ops": "FixedLenFeature FixedLenSequenceFeature SparseFeature VarLenFeature decode_json_example "
                   "parse_example parse_single_example parse_single_sequence_example",
    "linalg": "cholesky cholesky_solve cross einsum linalg matrix_band_part matrix_determinant matrix_diag "
              "matrix_diag_part matrix_inverse matrix_set_diag matrix_solve matrix_solve_ls matrix_square_root "
              "matrix_triangular_solve qr self_adjoint_eig self_adjoint_eigvals svd trace",
    "spectral_nd": "fftnd=fftnd_op ifftnd=ifftnd_op irfftnd=irfftnd_op rfftnd=rfftnd_op",
    "spectral": "fft fft2d fft3d ifft ifft2d ifft3d spectral",
    "strings": "as_string decode_base64 encode_base64 reduce_join regex_replace string_join string_split string_strip "
               "string_to_hash_bucket string_to_hash_bucket_fast string_to_hash_bucket_strong string_to_number strings "
               "substr",
    "sparse_cross": "fingerprint",
    "sparse_tensor": "SparseTensor SparseTensorValue convert_to_tensor_or_sparse_tensor sparse_placeholder",
    "sparse_ops": "edit_distance sparse_concat sparse_fill_empty_rows sparse_mask sparse_merge sparse_reorder "
                  "sparse_reset_shape sparse_reshape sparse_retain sparse_slice sparse_split sparse_tensor_to_dense "
                  "sparse_to_dense sparse_to_indicator sparse_transpose",
    "sparse_math": "sparse_add sparse_matmul sparse_maximum sparse_minimum sparse_reduce_max sparse_reduce_max_sparse "
                   "sparse_reduce_sum sparse_reduce_sum_sparse sparse_softmax sparse_tensor_dense_matmul",
    "session": "InteractiveSession Session get_default_session",
    "queues": "FIFOQueue PaddingFIFOQueue PriorityQueue QueueBase RandomShuffleQueue queue",
    "graph_util": "GraphDef NodeDef graph_util import_graph_def",
    "training.meta_graph": "MetaGraphDef",
    "training.mixed_precision": "mixed_precision",
    "partitioned": "fixed_size_partitioner min_max_variable_partitioner variable_axis_size_partitioner",
    "readers": "FixedLengthRecordReader IdentityReader LMDBReader ReaderBase TFRecordReader TextLineReader "
               "WholeFileReader",
    "variable_kinds": "VariableAggregation VariableSynchronization variable_creator_scope",
    "indexed_slices": "IndexedSlices IndexedSlicesValue convert_to_tensor_or_indexed_slices",
    "eager_mode": "eager enable_eager_execution enable_v2_behavior function",
    "messages": "AttrValue LogMessage NameAttrList TensorInfo",
    "loading": "load_file_system_library load_library load_op_library",
    "batch_function": "nondifferentiable_batch_function",
    "profiling": "profile",
})


_LATE.append(lambda: _names.load("data").experimental)  # datasets' ops


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
