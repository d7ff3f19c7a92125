"""Training: optimizers, checkpoints, sessions with hooks, queues of input. Its names are those of `tf.train`."""
