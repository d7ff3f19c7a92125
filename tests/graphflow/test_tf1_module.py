"""The module itself: what `import graphflow as tf` costs and offers."""
from __future__ import annotations

import subprocess
import sys

import pytest

import graphflow as tf


def test_import_leaves_the_runtime_out():
    code = "import sys, graphflow; print(*(f'graphflow.{m}' in sys.modules for m in ('runtime.session', 'keras')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["False", "False"]


def test_unknown_names_suggest_known_ones():
    with pytest.raises(AttributeError, match=r"'graphflow' has no attribute 'reduce_summ'. Did you mean 'reduce_"):
        tf.reduce_summ  # noqa: B018
    assert not hasattr(tf, "zzzzzz")
    assert "Session" in dir(tf)


def test_compat_v1_is_the_module_itself():
    import graphflow.compat.v1 as v1
    assert v1 is tf and tf.compat.v1 is tf
    v1.disable_v2_behavior()
    assert tf.compat.as_str(b"a") == "a" and tf.compat.as_bytes("a") == b"a"


def test_builtins_are_not_disturbed_within():
    assert tf.bool.is_bool and tf.range(3).shape.as_list() == [3] and tf.abs(-1.0).name == "Abs:0"


@pytest.mark.parametrize("config", [
    tf.ConfigProto(allow_soft_placement=True, gpu_options=tf.GPUOptions(allow_growth=True)),
    tf.ConfigProto(intra_op_parallelism_threads=2, device_count={"GPU": 0}),
])
def test_config(config):
    config.gpu_options.per_process_gpu_memory_fraction = 0.5
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    assert config.gpu_options.per_process_gpu_memory_fraction == 0.5
    assert tf.ConfigProto().gpu_options.per_process_gpu_memory_fraction == 0
    with pytest.raises(AttributeError, match="has no field 'intra_op'"):
        config.intra_op = 1


def test_app_run(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["script", "1"])
    with pytest.raises(SystemExit) as exit_:
        tf.app.run(lambda argv: len(argv))
    assert exit_.value.code == 2


def test_logging(capsys):
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.logging.info("step %d", 3)
    tf.logging.debug("hidden")
    assert tf.logging.get_verbosity() == tf.logging.INFO
    assert "INFO:graphflow:step 3" in capsys.readouterr().err
