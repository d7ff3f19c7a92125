"""`tf.nn.rnn_cell`."""
from .base import LayerRNNCell, LSTMStateTuple, RNNCell, assert_like_rnncell
from .cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, MultiRNNCell
from .wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper

__all__ = ["BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "GRUCell", "LSTMCell", "LSTMStateTuple",
           "LayerRNNCell", "MultiRNNCell", "RNNCell", "ResidualWrapper", "assert_like_rnncell"]
