"""scipy.misc's functions for images, as old programs call them."""
import sys

import numpy as np
import pytest

from graphflow import aliases, scipy_misc

pytest.importorskip("PIL")
GREY = np.array([[-1.0, 0.0], [0.5, 1.0]])


def test_scaled_to_bytes_and_saved(tmp_path):
    assert scipy_misc.bytescale(GREY).tolist() == [[0, 128], [191, 255]]
    assert scipy_misc.bytescale(GREY, cmin=0, cmax=2, high=200).tolist() == [[0, 0], [50, 100]]
    assert scipy_misc.bytescale(np.full((1, 2), 7)).tolist() == [[0, 0]]
    scipy_misc.imsave(tmp_path / "grey.png", GREY)
    assert scipy_misc.imread(tmp_path / "grey.png").tolist() == [[0, 128], [191, 255]]
    assert scipy_misc.imread(tmp_path / "grey.png", mode="RGB").shape == (2, 2, 3)
    flat = scipy_misc.imread(tmp_path / "grey.png", flatten=True)
    assert flat.dtype == np.float32 and flat[1, 1] == 255
    colours = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    scipy_misc.imsave(tmp_path / "c.png", colours)  # the last axis has the channels though an earlier one has size 3
    np.testing.assert_array_equal(scipy_misc.imread(tmp_path / "c.png"), colours)
    with pytest.raises(ValueError, match="suitable array shape"):
        scipy_misc.toimage(np.zeros((2, 2, 5)))


def test_resized():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert scipy_misc.imresize(image, (2, 6)).shape == (2, 6, 3)
    assert scipy_misc.imresize(image, 50).shape == scipy_misc.imresize(image, 0.5).shape == (2, 2, 3)
    assert scipy_misc.imresize(image[..., 0], (8, 8), "nearest")[0].tolist() == [0, 0, 3, 3, 6, 6, 9, 9]
    floats = scipy_misc.imresize(np.eye(2), (2, 2), mode="F")
    assert floats.dtype == np.float32 and floats.tolist() == [[1, 0], [0, 1]]
    np.testing.assert_array_equal(scipy_misc.imrotate(image, 180), image[::-1, ::-1])


def test_programs_import_it(monkeypatch):
    scipy = pytest.importorskip("scipy")
    monkeypatch.setattr(sys, "meta_path", [aliases.Finder(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "scipy.misc", raising=False)
    monkeypatch.delattr(scipy, "misc", raising=False)
    from scipy import misc
    assert misc is scipy_misc and misc.comb(4, 2) == 6
    with pytest.raises(AttributeError, match=r"scipy\.misc\.nothing"):
        misc.nothing  # noqa: B018 (the attribute is what is asked for)
    sys.modules.pop("scipy.misc")
