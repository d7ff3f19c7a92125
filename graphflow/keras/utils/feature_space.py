"""`keras.utils.FeatureSpace`, which is a layer."""
from ..layers.preprocessing.feature_space import FeatureSpace

__all__ = ["FeatureSpace"]
