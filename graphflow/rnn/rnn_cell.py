"""`tf.nn.rnn_cell`."""
from .base import LayerRNNCell, LSTMStateTuple, RNNCell, assert_like_rnncell, zero_tensors
from .cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, MultiRNNCell
from .contributed import Linear, linear
from .wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper

__all__ = ["BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "GRUCell", "LSTMCell", "LSTMStateTuple",
           "LayerRNNCell", "MultiRNNCell", "RNNCell", "ResidualWrapper", "assert_like_rnncell"]

# what programs took from rnn_cell_impl
_linear, _Linear = linear, Linear
_zero_state_tensors = zero_tensors
_WEIGHTS_VARIABLE_NAME, _BIAS_VARIABLE_NAME = "kernel", "bias"
