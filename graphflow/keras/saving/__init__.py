"""Keras's files and configs."""
