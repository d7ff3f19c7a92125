"""Files replaced whole: their permissions, errors that name them, what killed writers leave."""
from __future__ import annotations

import os
import time

import pytest

from graphflow.whole_files import ABANDONED, replacing, write_whole


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path, umask):
    path = write_whole(tmp_path / "new" / "page.html", "one")
    assert path.read_text() == "one" and path.stat().st_mode & 0o777 == 0o666 & ~umask
    path.chmod(0o604)
    write_whole(path, b"two")
    assert path.read_bytes() == b"two" and path.stat().st_mode & 0o777 == 0o604


def test_an_error_leaves_the_old_file_alone(tmp_path):
    path = write_whole(tmp_path / "a", "old")
    with pytest.raises(KeyError), replacing(path) as beside:
        with open(beside, "w") as file:
            file.write("half")
        raise KeyError
    assert os.listdir(tmp_path) == ["a"] and path.read_text() == "old"


def test_errors_name_the_file_itself(tmp_path):
    with pytest.raises(FileNotFoundError) as raised, replacing(tmp_path / "missing" / "a"):
        pass
    assert raised.value.filename == str(tmp_path / "missing" / "a")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as raised, replacing(tmp_path / "folder"):
        pass
    assert raised.value.filename == str(tmp_path / "folder") and raised.value.filename2 is None


def test_what_killed_writers_left_is_removed_and_what_others_write_is_not(tmp_path):
    old, fresh, other = (tmp_path / name for name in (".m.h5.1.tmp", ".m.h5.2.tmp", ".n.h5.1.tmp"))
    for left in (old, fresh, other):
        left.touch()
    for left in (old, other):
        os.utime(left, (time.time() - ABANDONED - 9,) * 2)
    write_whole(tmp_path / "m.h5", "")
    assert sorted(os.listdir(tmp_path)) == [".m.h5.2.tmp", ".n.h5.1.tmp", "m.h5"]
