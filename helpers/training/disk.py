"""Files written whole or not at all, read only if they are plain files, in a folder that one process has to itself."""

from __future__ import annotations

import os
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = "run.lock"
PARTIAL = ".partial"  # what a file's name ends with until it is whole


class InUse(OSError):
    """Another process is at work in the folder; the message says which."""


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: a kill at any moment leaves the old one or the new one.

    Raises:
        OSError: it cannot be written, as on a full disk; it names the file. What was written of the new one is gone.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with open(partial, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a disk may say only now that it is full
        os.replace(partial, path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, f"cannot be written ({error.strerror or error})", str(path)) from error
        raise


def read(path: Path, limit: int) -> bytes:
    """A plain file's content.

    Raises:
        OSError: there is no such file, it is no plain file (a folder, or a pipe, which would be waited for), or it has
            more than ``limit`` bytes.
    """
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError(None, "not a plain file", str(path))
    if about.st_size > limit:
        raise OSError(None, f"{about.st_size:,} bytes, at most {limit:,} are accepted", str(path))
    return path.read_bytes()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Makes the folder and keeps every other process that asks out of it for the time being.

    What a killed process left of files it was writing is removed. The lock of a process that was killed is free again.
    Raises:
        InUse: another process has it.
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    probe, path = folder / f"{LOCK}.try", folder / LOCK
    write(probe, b"")  # a lock that is there already can be had in a folder that is read-only by now
    probe.unlink(missing_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InUse(f"{folder}: {_holder(path)} is at work in it; wait, or choose another folder") from None
    try:
        for left in folder.glob(f"*.{'[0-9a-f]' * 8}{PARTIAL}"):
            left.unlink(missing_ok=True)
        with suppress(OSError):  # Windows lets nobody write into a locked file
            path.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):  # nor remove it
            path.unlink()  # while it is ours: filelock asks whether the file it waited for still has its name
        lock.release()


def _holder(path: Path) -> str:
    """Who holds a lock, as its file says."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
    except OSError:
        return "another process"
