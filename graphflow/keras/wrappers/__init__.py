"""Models as scikit-learn's estimators. Need scikit-learn: `pip install graphflow[sklearn]`."""
from . import scikit_learn
from .sklearn_wrapper import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer", "scikit_learn"]
