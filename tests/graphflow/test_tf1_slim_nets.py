"""Networks of slim: their variables and outputs. The counts of parameters are the papers', for 1000 classes."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf
from graphflow.contrib.slim.nets import alexnet, inception, overfeat, resnet_v1, resnet_v2, vgg


@pytest.mark.parametrize(("network", "scope", "parameters", "first"), [
    (vgg.vgg_16, vgg.vgg_arg_scope, 138357544, "vgg_16/conv1/conv1_1/weights:0"),
    (overfeat.overfeat, overfeat.overfeat_arg_scope, 145704424, "overfeat/conv1/weights:0"),
    (alexnet.alexnet_v2, alexnet.alexnet_v2_arg_scope, 50303912, "alexnet_v2/conv1/weights:0"),
    (resnet_v1.resnet_v1_50, resnet_v1.resnet_arg_scope, 25557032, "resnet_v1_50/conv1/weights:0"),
])
def test_networks(network, scope, parameters, first):
    with tf.contrib.slim.arg_scope(scope()):
        size = network.default_image_size
        logits, endpoints = network(tf.placeholder(tf.float32, [None, size, size, 3]), 1000)
    assert logits.shape.as_list() == [None, 1000] and len(endpoints) > 8
    names = [v.name for v in tf.global_variables()]
    assert names[0] == first and len(set(names)) == len(names)
    assert sum(int(np.prod(v.shape.as_list())) for v in tf.trainable_variables()) == parameters


@pytest.mark.parametrize(("module", "version"), [(resnet_v1, "v1"), (resnet_v2, "v2")])
def test_dilation_keeps_the_resolution(module, version):
    image = tf.zeros([1, 65, 65, 3])
    block, network = getattr(module, f"resnet_{version}_block"), getattr(module, f"resnet_{version}")
    blocks = [block("block1", 2, 1, 2), block("block2", 4, 2, 2)]
    with tf.contrib.slim.arg_scope(module.resnet_arg_scope()):
        net, endpoints = network(image, blocks, global_pool=False, output_stride=8)
        assert net.shape.as_list() == [1, 9, 9, 16] and f"resnet_{version}/block2" in endpoints
        with pytest.raises(ValueError, match="cannot be reached"):
            network(image, blocks, global_pool=False, output_stride=128)


@pytest.mark.parametrize(("network", "scope", "size", "parameters", "last"), [
    # slim's own counts, moving averages included
    (inception.inception_v1, inception.inception_v1_arg_scope, 224, 5607184, "Mixed_5b/Branch_2/Conv2d_0a_3x3"),
    (inception.inception_v2, inception.inception_v2_arg_scope, 224, 10173112, "Mixed_5c/Branch_2/Conv2d_0c_3x3"),
    (inception.inception_v3, inception.inception_v3_arg_scope, 299, 21802784, "Mixed_5c/Branch_1/Conv_1_0c_5x5")])
def test_inception(network, scope, size, parameters, last):
    with tf.contrib.slim.arg_scope(scope()):
        logits, endpoints = network(tf.placeholder(tf.float32, [None, size, size, 3]), 1000)
    assert logits.shape.as_list() == [None, 1000] and endpoints["Predictions"].shape.as_list() == [None, 1000]
    body = [v for v in tf.contrib.framework.get_model_variables() if "Logits" not in v.op.name]
    assert sum(int(np.prod(v.shape.as_list())) for v in body) == parameters
    assert any(f"/{last}/weights" in v.op.name for v in body)
