"""`tf.contrib.boosted_trees`: gradient boosted trees as estimators, configured by a LearnerConfig."""
from types import SimpleNamespace

from . import estimator, learner

# where programs find them
estimator_batch = SimpleNamespace(estimator=estimator)
proto = SimpleNamespace(learner_pb2=learner)

__all__ = ["estimator", "estimator_batch", "learner", "proto"]
