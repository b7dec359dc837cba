"""Names that a pickle imports when it is loaded, read from its opcodes without running it."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
PROTOCOL, STOP = b"\x80", b"."
MAX_BYTES = 1 << 26
"""Bytes read of each pickle; the opcodes of a model of hundreds of gigabytes take a few megabytes."""
SAFE = (
    *("torch", "collections", "numpy", "transformers", "accelerate", "datetime", "pathlib", "_codecs"),
    *("__builtin__.set", "builtins.set", "builtins.list", "builtins.dict", "builtins.int", "builtins.float"),
    *("builtins.slice", "builtins.range", "builtins.bytearray", "builtins.frozenset", "builtins.complex"),
    *("copyreg._reconstructor", "copy_reg._reconstructor", "builtins.object", "__builtin__.object"),
    *("argparse.Namespace", "enum", "typing", "omegaconf", "tokenizers", "trl", "peft", "deepspeed"),
    *("pytorch_lightning", "lightning"),
)
UNSAFE = (
    *("os", "nt", "posix", "subprocess", "sys", "socket", "runpy", "shutil", "pty", "webbrowser"),
    *("importlib", "ctypes", "pip", "urllib", "requests", "http", "asyncio", "multiprocessing", "threading"),
    *("code", "codeop", "commands", "builtins.eval", "builtins.exec", "builtins.compile", "builtins.open"),
    *("builtins.__import__", "builtins.getattr", "__builtin__.eval", "__builtin__.exec"),
    *("__builtin__.compile", "__builtin__.open", "__builtin__.__import__", "__builtin__.getattr"),
    *("torch.hub", "torch.utils.cpp_extension", "numpy.testing", "operator.attrgetter", "torch._inductor"),
    *("torch.jit._script", "torch.load"),
)


def imports(path: Path) -> list[str]:
    """Returns `module.name` of everything that loading the file would import; [] if it is not a pickle."""
    found: set[str] = set()
    for stream in _streams(path):
        found.update(_globals(stream))
    return sorted(found)


def is_pickle(path: Path) -> bool:
    """True if the file contains a pickle, even one that imports nothing."""
    return any(stream[:1] == PROTOCOL and stream.rstrip(b"\0")[-1:] == STOP for stream in _streams(path))


def dangerous(names: list[str]) -> list[str]:
    """Returns the names that can run arbitrary code or access the system."""
    return [name for name in names if _belongs(name, UNSAFE)]


def unusual(names: list[str]) -> list[str]:
    """Returns the names that are neither dangerous nor needed to load weights."""
    return [name for name in names if not _belongs(name, SAFE) and not _belongs(name, UNSAFE)]


def _belongs(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in prefixes)


def _streams(path: Path) -> Iterator[bytes]:
    """Yields the pickles in a file: the members of PyTorch's zip format, or the file itself (may hold several)."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith(".pkl"):
                        with archive.open(name) as file:
                            yield file.read(MAX_BYTES)
            return
        with path.open("rb") as plain:
            yield plain.read(MAX_BYTES)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return


def _globals(data: bytes) -> Iterator[str]:
    """Yields names from GLOBAL and INST, and from STACK_GLOBAL, which takes its two strings from the stack."""
    file, strings = io.BytesIO(data), [""] * 2
    while file.tell() < len(data):
        try:
            for code, argument, _ in pickletools.genops(file):
                if code.name in ("GLOBAL", "INST"):
                    yield str(argument).replace(" ", ".", 1)
                elif code.name == "STACK_GLOBAL":
                    yield ".".join(strings[-2:])
                elif isinstance(argument, str) and code.name not in ("MEMOIZE", "PUT", "GET"):
                    strings = [strings[-1], argument]
        except Exception:  # not a pickle, or its end
            return
