"""`tf.contrib.slim.nets`: AlexNet, VGG and ResNets."""
from . import alexnet, resnet_utils, resnet_v1, resnet_v2, vgg

__all__ = ["alexnet", "resnet_utils", "resnet_v1", "resnet_v2", "vgg"]
