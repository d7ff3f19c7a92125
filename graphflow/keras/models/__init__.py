"""Keras's models."""
from ..saving.saving import load_model, save_model
from .clone import clone_model
from .described import model_from_config, model_from_json
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_config", "model_from_json", "save_model"]
