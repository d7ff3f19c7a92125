"""`tf.contrib.tensor_forest`: random forests that grow batch by batch."""
from . import client, tensor_forest
from . import tensor_forest as python  # where programs find it: tensor_forest.python.tensor_forest

python.tensor_forest = tensor_forest  # type: ignore[attr-defined]

__all__ = ["client", "python", "tensor_forest"]
