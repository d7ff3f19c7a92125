"""The kernel cache: readable names, atomic writes, damage, folders not to be trusted, several processes at once."""
from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import subprocess
import sys
import warnings

import numpy as np
import pytest
from graphflow.compiler.native import machine
from graphflow.runtime import compilers, kernel_cache

SOURCE = '''"""double every element"""
from graphflow.compiler.native.prelude import compiled, f32, load_f32, store_f32, word


@compiled
def kernel(buffers, dims, begin, end, lane):
    p0 = word(buffers, 0)
    for i in range(begin, end):
        store_f32(p0, i, load_f32(p0, i, 0) * f32(2), 0)
'''
PROGRAM = """
import sys, warnings
warnings.simplefilter("always")
import numpy as np
import graphflow as tf
x = tf.placeholder(tf.float32, [None])
y = tf.tanh(x) * 2 + 1
with tf.Session() as session:
    session.run(y, {x: [1.0, 2.0]})
    assert np.allclose(session.run(y, {x: np.arange(9.0)}), np.tanh(np.arange(9.0)) * 2 + 1, atol=1e-6)
from graphflow.runtime.kernel_cache import folder
print(folder())
"""
posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, and no kernels loaded."""
    monkeypatch.setenv("GRAPHFLOW_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kernel_cache, "_addresses", {})
    kernel_cache.folder.cache_clear()
    yield tmp_path / "kernels"
    kernel_cache.folder.cache_clear()


def doubles(source=SOURCE) -> bool:
    data = np.arange(5, dtype=np.float32)
    table = np.array([data.ctypes.data], np.int64)
    kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(kernel_cache.load(source))
    kernel(table.ctypes.data, 0, 0, 5, 0)
    return data.tolist() == [0, 2, 4, 6, 8]


def again() -> None:
    """As in a process that has loaded no kernel yet."""
    kernel_cache._addresses.clear()


def run_program(folder, program=PROGRAM, **options):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "GRAPHFLOW_CACHE_DIR": str(folder)}, **options)


def test_a_kernel_is_a_readable_file_named_after_what_it_does(cache):
    assert doubles()
    file, = cache.glob("*.py")
    assert file.name.startswith("double_every_element_") and file.read_text() == SOURCE
    assert file == kernel_cache.path_of(SOURCE)


def test_the_second_load_compiles_nothing_and_writes_nothing(cache):
    doubles()
    before = {f: f.stat().st_mtime_ns for f in cache.rglob("*") if f.is_file()}
    assert sorted(f.suffix for f in before) == [".o", ".py"]
    again()
    assert doubles()
    assert {f: f.stat().st_mtime_ns for f in cache.rglob("*") if f.is_file()} == before


def test_another_source_is_another_file(cache):
    doubles()
    with pytest.raises(AssertionError):
        assert doubles(SOURCE.replace("f32(2)", "f32(3)"))
    assert len(list(cache.glob("*.py"))) == 2


@pytest.mark.parametrize("host", [("znver9", "+avx2"), ("", "")])
def test_a_processor_with_other_instructions_has_other_files(cache, monkeypatch, host):
    here = kernel_cache.path_of(SOURCE)
    with monkeypatch.context() as patch:
        patch.setattr(machine, "host", lambda: host)
        kernel_cache.environment.cache_clear()
        assert kernel_cache.path_of(SOURCE) != here
    kernel_cache.environment.cache_clear()
    assert kernel_cache.path_of(SOURCE) == here


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x00 garbage", b"kernel = 3\n", b"raise SystemError\n",
                                    SOURCE[:-40].encode()])
def test_a_damaged_source_is_written_anew(cache, damage):
    doubles()
    kernel_cache.path_of(SOURCE).write_bytes(damage)
    again()
    assert doubles()
    assert kernel_cache.path_of(SOURCE).read_text() == SOURCE


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:len(data) // 2], lambda data: b"garbage" * 9,
                                    lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_damaged_machine_code_is_compiled_anew(cache, damage):
    doubles()
    file, = cache.glob("*.o")
    intact = file.read_bytes()
    file.write_bytes(damage(intact))
    again()
    assert doubles() and file.read_bytes() == intact


def test_a_lost_machine_code_file_is_compiled_anew(cache):
    doubles()
    for file in cache.glob("*.o"):
        file.unlink()
    again()
    assert doubles()


def test_a_source_that_does_not_compile_shows_why(cache):
    with pytest.raises(Exception, match="no_such_function"):
        kernel_cache.load(SOURCE.replace("load_f32(p0, i, 0)", "no_such_function(i)"))


def test_an_interrupted_write_leaves_nothing_behind(cache, monkeypatch):
    path = kernel_cache.path_of(SOURCE)
    kernel_cache.write_atomically(path, b"old")

    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError):
        kernel_cache.write_atomically(path, b"new")
    assert [f.name for f in cache.iterdir()] == [path.name] and path.read_text() == "old"


def test_what_killed_processes_left_is_removed_later(cache):
    killed = run_program(cache.parent, "import os, signal\nfrom graphflow.runtime import kernel_cache\n"
                                       "os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)\n"
                                       f"kernel_cache.load({SOURCE!r})")
    assert killed.returncode == -signal.SIGKILL
    left, = cache.iterdir()
    assert doubles() and left.exists()  # another process may be writing it
    os.utime(left, (0, 0))
    kernel_cache._remove_abandoned.cache_clear()
    again()
    assert doubles(SOURCE + "\n") and not left.exists()
    assert sorted(f.suffix for f in cache.iterdir()) == [".o", ".o", ".py", ".py"]


def test_kernels_run_where_the_disk_is_full(cache, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "replace", fail)
        with pytest.warns(RuntimeWarning, match="cannot keep kernels .No space left on device.; they will"):
            assert doubles()
    assert list(cache.iterdir()) == []
    again()
    assert doubles() and len(list(cache.iterdir())) == 2


@posix
def test_the_folder_is_private(cache):
    doubles()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def assert_temporary(reason):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        chosen = kernel_cache.folder()
        assert kernel_cache.folder() == chosen and doubles()
    assert [w.category for w in caught] == [RuntimeWarning], "said once"
    assert reason in str(caught[0].message) and str(chosen) in str(caught[0].message)
    assert stat.S_IMODE(chosen.stat().st_mode) == 0o700
    return chosen


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_is_not_used(cache, mode):
    cache.mkdir()
    cache.chmod(mode)
    assert assert_temporary("others may write") != cache
    assert not list(cache.iterdir())


@posix
@pytest.mark.skipif(hasattr(os, "getuid") and os.getuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_not_used(cache):
    cache.mkdir(mode=0o500)
    assert_temporary("not writable")


def test_a_file_in_the_folders_place_is_not_used(cache):
    cache.write_text("")
    assert_temporary(str(cache))


def test_a_temporary_folder_goes_with_its_process(tmp_path):
    (tmp_path / "kernels").write_text("")
    result = run_program(tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("RuntimeWarning") == 1
    assert not os.path.exists(result.stdout.strip())


def test_several_processes_fill_one_cache_at_once(tmp_path):
    environment = {**os.environ, "GRAPHFLOW_CACHE_DIR": str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=environment) for _ in range(3)]
    for process in processes:
        output, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors
        assert output.strip() == str(tmp_path / "kernels")
    assert not [f for f in (tmp_path / "kernels").rglob("*") if f.name.endswith(".tmp")]
    assert len(list((tmp_path / "kernels").glob("tanh*.py"))) == 1
    # what is there runs without Numba, which takes long to import and only compiling needs
    program = PROGRAM + "print([k.compiled for k in kernel_cache.loads.values()], 'numba' in sys.modules)"
    program = program.replace("import folder", "import folder; from graphflow.runtime import kernel_cache")
    assert run_program(tmp_path, program).stdout.splitlines()[1:] == ["[False] False"]


# helpers

OTHERS = [SOURCE.replace("f32(2)", f"f32({n})") for n in range(3, 9)]
WRONG = SOURCE.replace("load_f32(p0, i, 0)", "no_such_function(i)")


@pytest.fixture
def no_loads(cache, monkeypatch):
    monkeypatch.setattr(kernel_cache, "loads", {})


def test_a_helper_compiles_into_the_cache(cache, no_loads):
    with compilers.Helper() as helper:
        assert helper.ready and helper.compile(SOURCE)
        assert not helper.compile(WRONG) and helper.ready
        assert helper.compile(OTHERS[0])
    assert len(list(cache.glob("*.o"))) == 2
    assert doubles() and not kernel_cache.loads[SOURCE].compiled


def test_a_helper_that_ends_is_left(cache):
    with compilers.Helper() as helper:
        helper._process.kill()
        assert not helper.compile(SOURCE) and not helper.ready
        assert not helper.compile(SOURCE)
    assert not list(cache.glob("*.o"))


@pytest.mark.parametrize("executable", [sys.executable, "/no/such/file", "/bin/true"])
def test_all_that_compiles_is_compiled_with_and_without_help(cache, no_loads, monkeypatch, executable):
    monkeypatch.setattr(compilers, "SHARE", 1)
    monkeypatch.setattr(sys, "executable", executable)
    compilers.compile_missing([SOURCE, WRONG, *OTHERS, *OTHERS], 2)
    assert {f.stem for f in cache.glob("*.o")} == {kernel_cache.path_of(s).stem for s in (SOURCE, *OTHERS)}
    assert set(kernel_cache.loads) == {SOURCE, *OTHERS} and all(load.compiled for load in kernel_cache.loads.values())
    with pytest.raises(Exception, match="no_such_function"):
        kernel_cache.load(WRONG)


@pytest.mark.parametrize("share, processors", [(compilers.SHARE, 2), (1, 1)])
def test_little_is_compiled_without_help(cache, monkeypatch, share, processors):
    monkeypatch.setattr(compilers, "SHARE", share)
    compilers.compile_missing([SOURCE, *OTHERS], processors)
    assert not list(cache.glob("*.o"))
