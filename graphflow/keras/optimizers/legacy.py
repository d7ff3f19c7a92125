"""`keras.optimizers.legacy`: tf.keras's names of the optimizers before version 2.11. They compute the same updates."""
from .adam import Adam
from .adaptive import Adadelta, Adagrad, Adamax, Ftrl, Nadam
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]
