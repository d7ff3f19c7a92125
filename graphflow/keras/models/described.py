"""Models from what describes them."""
from __future__ import annotations

from typing import Any

from ..saving.json_text import parsed_json
from ..saving.serialization import deserialize_keras_object


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """The model that `to_json` described. Raises ValueError for text that does not describe one."""
    return model_from_config(parsed_json(json_string, "model_from_json: the text"), custom_objects)


def model_from_config(config: dict[str, Any], custom_objects: Any = None) -> Any:
    """The model that a config (`{"class_name": ..., "config": ...}`) describes."""
    if not isinstance(config, dict):
        raise TypeError(f"`model_from_config` expects a dictionary, not {type(config).__name__}. Maybe you meant to "
                        "use `Sequential.from_config(config)`?")
    model = deserialize_keras_object(config, custom_objects)
    if config.get("compile_config"):
        model.compile_from_config(config["compile_config"])
    return model
