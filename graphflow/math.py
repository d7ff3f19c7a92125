# ruff: noqa: F401 (this module is the list of names)
"""`tf.math`: names, whose modules say what they do."""
from __future__ import annotations

from . import special
from .check_ops import (
    is_non_decreasing,
    is_strictly_increasing,
)
from .compiler.ops.complex import (
    conj,
    imag,
    real,
)
from .compiler.ops.cumulative import (
    cumulative_logsumexp,
)
from .compiler.ops.elementwise import abs_ as abs
from .compiler.ops.elementwise import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cos,
    cosh,
    equal,
    erf,
    erfc,
    exp,
    expm1,
    floor,
    greater,
    greater_equal,
    is_finite,
    is_inf,
    is_nan,
    less,
    less_equal,
    log,
    log1p,
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
    reciprocal,
    rint,
    rsqrt,
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
)
from .compiler.ops.elementwise import mod as floormod
from .compiler.ops.special import (
    bessel_i0,
    bessel_i0e,
    bessel_i1,
    bessel_i1e,
    betainc,
    digamma,
    div_no_nan,
    erfinv,
    igamma,
    igammac,
    lgamma,
    multiply_no_nan,
    ndtri,
    nextafter,
    polygamma,
    xdivy,
    xlog1py,
    xlogy,
    zeta,
)
from .compiler.ops.special import div_no_nan as divide_no_nan
from .indexing import (
    invert_permutation,
)
from .late import (
    cumprod,
    cumsum,
)
from .math_functions import (
    angle,
    approximate_equal,
    atan2,
    erfcinv,
    lbeta,
    polyval,
    reciprocal_no_nan,
    sobol_sample,
    truncatediv,
    truncatemod,
)
from .math_ops import (
    accumulate_n,
    add,
    add_n,
    argmax,
    argmin,
    count_nonzero,
    divide,
    floordiv,
    log_sigmoid,
    reduce_all,
    reduce_any,
    reduce_euclidean_norm,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_variance,
    scalar_mul,
    truediv,
    zero_fraction,
)
from .math_ops import pow_ as pow
from .math_ops import round_ as round
from .nn import (
    in_top_k,
    l2_normalize,
    log_softmax,
    softmax,
    softplus,
    softsign,
)
from .ordering import (
    approx_max_k,
    approx_min_k,
    bincount,
    confusion_matrix,
    segment_max,
    segment_mean,
    segment_min,
    segment_prod,
    segment_sum,
    top_k,
    unsorted_segment_max,
    unsorted_segment_mean,
    unsorted_segment_min,
    unsorted_segment_prod,
    unsorted_segment_sqrt_n,
    unsorted_segment_sum,
)
