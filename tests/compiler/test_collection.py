import gc

import pytest
from graphflow.compiler.collection import keep, put_off


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


def test_what_is_kept_counts_as_old():
    made = [[] for _ in range(3)]
    keep()
    assert any(thing is made for thing in gc.get_objects(generation=2))
    assert not gc.get_freeze_count()
    del made[:]


def test_what_a_program_has_frozen_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        keep()
        assert gc.get_freeze_count() >= frozen - 100 > 0
    finally:
        gc.unfreeze()
