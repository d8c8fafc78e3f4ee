import errno
import os
import subprocess
import sys

import pytest

from helpers.training import disk


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "kept.bin"
    disk.write(path, b"old")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as error:
        disk.write(path, b"new")
    assert error.value.errno == errno.ENOSPC and "kept.bin" in str(error.value)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        disk.write(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path, monkeypatch):
    path, names = tmp_path / "x", []
    real = os.replace
    monkeypatch.setattr("os.replace", lambda a, b: names.append(str(a)) or real(a, b))
    disk.write(path, b"1")
    disk.write(path, b"2")
    assert names[0] != names[1] and path.read_bytes() == b"2"
    assert oct(path.stat().st_mode)[-3:] == oct(0o666 & ~current_umask())[-3:]


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_only_plain_files_of_a_sane_size_are_read(tmp_path):
    (tmp_path / "long").write_bytes(b"12345")
    assert disk.read(tmp_path / "long", 5) == b"12345"
    for name, message in (("long", "at most 4"), ("nowhere", "No such file"), (".", "not a plain file")):
        with pytest.raises(OSError, match=message):
            disk.read(tmp_path / name, 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_nobody_waits_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a plain file"):
        disk.read(tmp_path / "pipe", 4)


HOLD = """
import sys
from pathlib import Path
from helpers.training.disk import alone_in
with alone_in(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_a_folder_has_one_process_which_is_named(tmp_path, how):
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as other:
        assert other.stdout.readline() == "mine\n"
        for _ in range(2):
            with pytest.raises(disk.InUse, match=f"process {other.pid} on ") as error, disk.alone_in(folder):
                raise AssertionError("two in one folder")
            assert str(folder) in str(error.value)
        if how == "is killed":
            other.kill()
        other.stdin.close()
        other.wait(60)
    (folder / "state.pt.0123abcd.partial").write_bytes(b"what it left")
    (folder / "mine.partial").write_bytes(b"another's")
    with disk.alone_in(folder), pytest.raises(disk.InUse, match=f"process {os.getpid()} "), disk.alone_in(folder):
        raise AssertionError("two in one folder")
    assert [p.name for p in folder.iterdir()] == ["mine.partial"]


def test_a_folder_that_cannot_be_written_to_is_noticed_at_once(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / disk.LOCK).touch()  # from a process that was killed; the lock could be had
    real = open

    def read_only(path, mode="r", *rest, **named):
        if "x" in mode or "w" in mode:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, mode, *rest, **named)

    monkeypatch.setattr("builtins.open", read_only)
    with pytest.raises(OSError, match="Read-only") as error, disk.alone_in(tmp_path / "run"):
        raise AssertionError("it cannot be written to")
    assert str(tmp_path / "run") in str(error.value)
    with pytest.raises(OSError), disk.alone_in(tmp_path / "run" / disk.LOCK):
        raise AssertionError("it is a file")
