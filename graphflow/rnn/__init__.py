"""Recurrent networks as TensorFlow 1 has them: cells, wrappers of cells, and what runs a cell over time."""
