"""Sound, volumes, crosses, specs, optionals and `vectorized_map`."""
import numpy as np
import pytest

import graphflow as tf


def run(*tensors, **feeds):
    with tf.Session() as session:
        return session.run(tensors if len(tensors) > 1 else tensors[0], feeds or None)


def test_audio_spectrogram():
    """TensorFlow 2.21's numbers are those of NumPy's transform of Hann windows."""
    from graphflow.audio import audio_spectrogram
    sound = np.random.default_rng(0).standard_normal((30, 2)).astype(np.float32)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(12) / 12)
    frames = np.stack([np.abs(np.fft.rfft(sound.T[:, k:k + 12] * window, 16)) for k in (0, 9, 18)], 1)
    values, squares = run(audio_spectrogram(sound, 12, 9), audio_spectrogram(sound, 12, 9, magnitude_squared=True))
    np.testing.assert_allclose(values, frames, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(squares, frames**2, rtol=1e-4, atol=1e-5)


def test_decode_wav_refuses_other_bytes():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Header mismatch"):
        run(tf.audio.decode_wav("RIFX").audio)


def test_extract_volume_patches():
    x = np.arange(2 * 3 * 4 * 3 * 2.0).reshape(2, 3, 4, 3, 2)
    patches = run(tf.extract_volume_patches(x, [1, 2, 3, 2, 1], [1, 1, 1, 1, 1], "VALID"))
    assert patches.shape == (2, 2, 2, 2, 24)
    np.testing.assert_array_equal(patches[1, 1, 0, 1], x[1, 1:3, 0:3, 1:3].ravel())
    same = tf.extract_volume_patches(tf.placeholder(tf.float32, [None, 3, 4, 3, 2]), [1, 2, 3, 2, 1], [1, 2, 2, 1, 1],
                                     "SAME")
    assert same.shape.as_list() == [None, 2, 2, 3, 24]


def test_sparse_cross():
    crossed = run(tf.sparse.cross([tf.constant([["a"], ["b"]]), tf.constant([[1, 2], [3, 4]])]))
    assert crossed.values.tolist() == [b"a_X_1", b"a_X_2", b"b_X_3", b"b_X_4"]
    with pytest.raises(TypeError, match="integers or strings"):
        tf.sparse.cross([tf.constant([[1.0]])])


def test_specs_of_values():
    assert tf.type_spec_from_value([1, 2]) == tf.TensorSpec([2], tf.int32)
    assert tf.type_spec_from_value(tf.SparseTensor([[0, 0]], [1.0], [2, 2])) == tf.SparseTensorSpec([2, 2], tf.float32)
    assert tf.type_spec_from_value(tf.TensorArray(tf.float32, 3, element_shape=[2])) == tf.TensorArraySpec([2])
    assert isinstance(tf.type_spec_from_value(tf.data.Dataset.range(3)), tf.TypeSpec)
    with pytest.raises(TypeError, match="Could not build a TypeSpec"):
        tf.type_spec_from_value(object())


def test_optional_of_an_iterator():
    iterator = tf.data.Dataset.from_tensor_slices({"a": [1, 2]}).make_one_shot_iterator()
    element = tf.data.experimental.get_next_as_optional(iterator)
    assert element.value_structure == {"a": tf.TensorSpec([], tf.int32)}
    with tf.Session() as session:
        has, value = element.has_value(), element.get_value()
        assert [session.run([has, value]) for _ in range(2)] == [[True, {"a": 1}], [True, {"a": 2}]]
        assert not session.run(has)
        with pytest.raises(tf.errors.InvalidArgumentError, match="does not have a value"):
            session.run(value)
        nothing = tf.data.experimental.Optional.none_from_structure(tf.TensorSpec([None], tf.string))
        some = tf.data.experimental.Optional.from_value(tf.constant("x"))
        assert session.run([nothing.has_value(), some.has_value(), some.get_value()]) == [False, True, b"x"]


def test_vectorized_map_finds_the_dtypes():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    large, total = tf.vectorized_map(lambda row: (tf.reduce_sum(row) > 3, tf.reduce_sum(row)), x)
    assert large.dtype == tf.bool
    with tf.Session() as session:
        found = session.run([large, total], {x: [[1, 1], [2, 2]]})
    assert found[0].tolist() == [False, True] and found[1].tolist() == [2, 4]


def test_tensors_are_no_arrays():
    with pytest.raises(NotImplementedError, match="symbolic Tensor"):
        np.array(tf.ones([2]))
    with pytest.raises(TypeError, match=r"pair \(c, h\)"):
        tf.nn.rnn_cell.BasicLSTMCell(4)(tf.ones([2, 3]), tf.zeros([2, 4]))


def test_tensor_array_errors():
    array = tf.TensorArray(tf.float32, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="read from TensorArray index 1"):
        run(array.read(1))
    written = tf.TensorArray(tf.float32, 3).write(0, 1.0).write(1, 3.0)
    assert run(written.stack()).tolist() == [1, 3, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="index 0 because it has already been written"):
        run(written.write(0, 2.0).stack())


@pytest.mark.parametrize("size", [0, 2, 3, 5])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_unstack_grows_an_array_of_dynamic_size(size, known):
    x = tf.placeholder(tf.float32, [3 if known else None])
    for given in (size, tf.size(tf.placeholder_with_default(tf.zeros([size]), [None]))):
        array = tf.TensorArray(tf.float32, given, dynamic_size=True, element_shape=[]).unstack(x)
        array = array.write(array.size(), 9.0)
        with tf.Session() as session:
            found, slope = session.run([array.stack(), tf.gradients(array.stack()[:3] ** 2, x)[0]], {x: [1, 2, 3]})
        assert found.tolist() == [1, 2, 3, *[0] * (size - 3), 9] and slope.tolist() == [2, 4, 6]


def test_gradients_of_and_by_what_has_none():
    x, n = tf.constant([1.0, 2.0]), tf.constant([1, 2])
    assert tf.gradients(n * 2, n) == [None] == tf.gradients(tf.cast(x, tf.int32), x) == tf.gradients(3, x)
    assert tf.gradients(x * 2, 0.65) == [None]
    of_x, of_n = tf.gradients([x * 2, n * 2], [x, n], [np.float32([3, 4]), None])
    assert of_n is None
    with tf.Session() as session:
        assert session.run(of_x).tolist() == [6, 8]
