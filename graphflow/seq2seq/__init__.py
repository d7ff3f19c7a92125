"""Decoders of sequences: helpers that feed them, attention, beam search, and losses (`tf.contrib.seq2seq`)."""
