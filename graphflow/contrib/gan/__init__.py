"""`tf.contrib.gan`: generative adversarial networks: models, losses and training."""
from __future__ import annotations

from . import losses
from .models import (
    ACGANModel,
    CycleGANLoss,
    CycleGANModel,
    GANLoss,
    GANModel,
    GANTrainOps,
    GANTrainSteps,
    InfoGANModel,
    acgan_model,
    cyclegan_model,
    gan_model,
    infogan_model,
)
from .train import (
    RunTrainOpsHook,
    cyclegan_loss,
    gan_loss,
    gan_train,
    gan_train_ops,
    get_joint_train_hooks,
    get_sequential_train_hooks,
    get_sequential_train_steps,
)

__all__ = ["ACGANModel", "CycleGANLoss", "CycleGANModel", "GANLoss", "GANModel", "GANTrainOps", "GANTrainSteps",
           "InfoGANModel", "RunTrainOpsHook", "acgan_model", "cyclegan_loss", "cyclegan_model", "gan_loss", "gan_model",
           "gan_train", "gan_train_ops", "get_joint_train_hooks", "get_sequential_train_hooks",
           "get_sequential_train_steps", "infogan_model", "losses"]
