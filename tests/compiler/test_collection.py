import gc

import pytest
from graphflow.compiler.collection import put_off


def test_garbage_is_left_until_the_end():
    with put_off():
        assert not gc.isenabled()
        with put_off():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_ends_it():
    with pytest.raises(KeyError), put_off():
        raise KeyError
    assert gc.isenabled()


def test_a_program_that_does_without_stays_without():
    gc.disable()
    try:
        with put_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
