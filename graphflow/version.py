"""`tf.version`: of graphflow, and of the graph format whose op names and attributes it follows."""
from __future__ import annotations

import platform

from . import __version__

VERSION = __version__
GIT_VERSION = f"v{__version__}"
COMPILER_VERSION = platform.python_compiler()
# of TensorFlow 1.15's graphs
GRAPH_DEF_VERSION, GRAPH_DEF_VERSION_MIN_CONSUMER, GRAPH_DEF_VERSION_MIN_PRODUCER = 134, 0, 0
