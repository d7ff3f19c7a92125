"""VGG with 19 layers of weights (Simonyan & Zisserman, 2014, https://arxiv.org/abs/1409.1556)."""
from __future__ import annotations

from .application import application, kernels
from .imagenet_utils import decode_predictions, preprocessing
from .vgg16 import REFERENCE, blocks, top

VGG19 = application("VGG19", "vgg19", blocks(2, 2, 4, 4, 4), kernels(
    "vgg19", "vgg19", "cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
    top=top, reference=REFERENCE)
preprocess_input = preprocessing("caffe")

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]
