"""Keras's models."""
from ..saving.saving import load_model, save_model
from .model import Model, model_from_json
from .sequential import Sequential

__all__ = ["Model", "Sequential", "load_model", "model_from_json", "save_model"]
