"""The arguments of `compile` in files: those of Keras 3, and the bare names that older files have."""
from __future__ import annotations

from typing import Any

# short names by which Keras cannot read its own HDF5 files
_LONG = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
         "msle": "mean_squared_logarithmic_error", "bce": "binary_crossentropy", "kld": "kl_divergence"}


def legacy_training_config(config: dict[str, Any]) -> dict[str, Any]:
    """The older form of a compile config: class names without modules, functions by name, the optimizer apart."""
    config = dict(config)
    optimizer = config.pop("optimizer")
    for key in ("loss", "metrics", "weighted_metrics"):
        config[key] = _without_modules(config[key])
    config["optimizer_config"] = {"class_name": optimizer["registered_name"] or optimizer["class_name"],
                                  "config": optimizer["config"]}
    return config


def _without_modules(value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        if value["class_name"] == "function":
            return value["config"]
        return {"class_name": value["registered_name"] or value["class_name"], "config": value["config"]}
    if isinstance(value, dict):
        return {k: _without_modules(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_modules(v) for v in value]
    return _LONG.get(value.lower(), value) if isinstance(value, str) else value


def compile_model(model: Any, config: Any) -> None:
    """Compile from a config, in which old files name losses and metrics by bare class names."""
    from .. import losses, metrics, optimizers
    arguments = {"optimizer": optimizers.get(config["optimizer"])} if config.get("optimizer") else {}
    for key, module in (("loss", losses), ("metrics", metrics), ("weighted_metrics", metrics)):
        value = config.get(key)
        if value is not None:
            arguments[key] = _resolved(value, module)
    for key in ("loss_weights", "sample_weight_mode", "run_eagerly", "steps_per_execution", "jit_compile"):
        if config.get(key) is not None:
            arguments[key] = config[key]
    model.compile(**arguments)
    if model.built and model.optimizer is not None and model.trainable_variables:
        with model.graph.as_default():
            model.optimizer.build(model.trainable_variables)


def _resolved(value: Any, module: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return module.deserialize(value)
    if isinstance(value, dict):
        return {k: _resolved(v, module) for k, v in value.items()}
    return [_resolved(v, module) for v in value] if isinstance(value, list) else value
