"""`tf.contrib.graph_editor`: parts of a graph selected, copied with other inputs, and connected anew.

As in TensorFlow, a session does not see what changes in operations that it has run.
"""
from . import edit, select
from . import edit as reroute
from . import edit as subgraph
from . import edit as transform
from . import select as util
from .edit import *  # noqa: F403 (each lists its names)
from .select import *  # noqa: F403

__all__ = [*edit.__all__, *select.__all__, "edit", "reroute", "select", "subgraph", "transform", "util"]
