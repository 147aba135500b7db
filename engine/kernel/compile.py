"""How functions on arrays become machine code: compiled once, kept in the user's cache, loaded afterwards.

Numba looks only at a function's own file to tell whether kept code is still good, not at the functions it
calls in others. So the code is kept under a name made of every source that could be part of it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba.core.callconv import CPUCallConv, excinfo_t
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.cpu import CPUContext
from numba.core.registry import cpu_target
from platformdirs import user_cache_path

_F = TypeVar("_F", bound=Callable[..., Any])
_ENGINE = Path(__file__).parent.parent

# Functions that only compiled code calls need no doors for Python and C; integer division by zero is our own
# mistake.
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy"}

_log = logging.getLogger("engine.kernel")


# What functions of the kernel are made of; all others may be made of anything in the engine.
_KERNEL: Final = (*sorted(Path(__file__).parent.glob("*.py")), _ENGINE / "domain.py", _ENGINE / "messages.py")


def _digest_of(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.relative_to(_ENGINE).as_posix().encode())
        digest.update(source.read_bytes())
    versions = (numba.__version__, llvmlite.__version__, np.__version__, platform.python_version())
    digest.update(repr((versions, os.environ.get("NUMBA_BOUNDSCHECK", ""))).encode())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Give the folder that compiled code is kept in."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    return Path(chosen) if chosen else user_cache_path("homebroker", appauthor=False) / "compiled"


def _usable_cache() -> bool:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        _log.warning(
            "The compiled kernel cannot be kept in %s (%s): every start compiles it anew, which takes about "
            "half a minute. Make the folder writable or set NUMBA_CACHE_DIR to one that is.",
            folder,
            error.strerror,
        )
        return False


CACHED: Final = _usable_cache()
_KERNEL_FOLDER: Final = cache_folder() / _digest_of(_KERNEL)
_ENGINE_FOLDER: Final = cache_folder() / _digest_of(sorted(_ENGINE.rglob("*.py")))


_ALL_KEPT: Final = _ENGINE_FOLDER / "all"


def is_kept() -> bool:
    """Tell whether all compiled code of the present sources is in the cache, as `note_kept` once said."""
    return CACHED and _ALL_KEPT.exists()


def note_kept() -> None:
    """Note that all has been compiled: what is there when a compilation ends halfway is not all."""
    if CACHED:
        _ALL_KEPT.touch()


_inner_names: set[str] = set()
_outer_names: set[str] = set()
_rare_names: set[str] = set()


# Small functions that call each other are how the kernel reads; in machine code they are better one.
# Measured: a fifth faster.
llvmlite.binding.set_option("", "--inline-threshold=1000")


def _check_names() -> None:
    # Numba names code after its function alone, and one without machine code must not be taken for one with.
    assert not _inner_names & _outer_names, f"give other names to {_inner_names & _outer_names}"


class _Library(JITCodeLibrary):
    """Leaves functions that only compiled code calls as they are, to stand in the function that Python calls.

    Numba would optimise each, with all that it calls, and make machine code of it, on every level of calls
    again: minutes instead of seconds for the kernel.
    """

    @property
    def _is_inner(self) -> bool:
        return self.name in _inner_names

    def _optimize_functions(self, module: Any) -> None:
        if not self._is_inner:
            super()._optimize_functions(module)
        elif self.name in _rare_names:
            for function in module.functions:
                if not function.is_declaration and self.name in function.name:
                    function.add_function_attribute("cold")
                    function.add_function_attribute("noinline")

    def _optimize_final_module(self) -> None:
        if not self._is_inner:
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        if not self._is_inner:
            super()._finalize_final_module()
            return
        self._finalize_dynamic_globals()
        self._finalized = True


class _Codegen(JITCPUCodegen):
    _library_class = _Library

    def set_env(self, env_name: str, env: Any) -> None:
        """Give a function its environment, unless it has no machine code of its own."""
        if self._engine.is_symbol_defined(env_name):
            super().set_env(env_name, env)


class _CallingConvention(CPUCallConv):
    """Calls functions without first clearing the places for their result and their exception.

    Numba clears them where the caller begins, for every call that is in it, also those that are seldom made:
    in a function with many of them that was a tenth of all instructions.
    """

    def call_function(
        self, builder: Any, callee: Any, resty: Any, argtys: Any, args: Any, attrs: Any = None
    ) -> Any:
        """Call a function of Numba's; gives its status and its result."""
        with builder.goto_entry_block():
            result = builder.alloca(self.get_return_type(resty).pointee)
            exception = builder.alloca(ir.PointerType(excinfo_t))
        packed = list(self._get_arg_packer(argtys).as_arguments(builder, args))
        code = builder.call(callee, [result, exception, *packed], attrs=tuple(attrs or ()))
        status = self._get_return_status(builder, code, builder.load(exception))
        return status, self.context.get_returned_value(builder, resty, builder.load(result))


class _Context(CPUContext):
    @property
    def call_conv(self) -> Any:
        """Give the way that functions are called."""
        return _CallingConvention(self)


cpu_target.target_context.__class__ = _Context
cpu_target.target_context._internal_codegen.__class__ = _Codegen


def compiled(function: _F) -> _F:
    """Compile a function that Python calls; it runs without the interpreter's lock."""
    _outer_names.add(function.__qualname__)
    _check_names()
    is_kernel = function.__module__.startswith("engine.kernel.")
    # Numba asks for the folder when a function is declared.
    vars(numba.config)["SLP_VECTORIZE"] = 1
    vars(numba.config)["CACHE_DIR"] = str(_KERNEL_FOLDER if is_kernel else _ENGINE_FOLDER)
    return cast(_F, numba.njit(cache=CACHED, nogil=True, error_model="numpy")(function))


def inlined(function: _F) -> _F:
    """Compile a function into the compiled functions that call it."""
    _inner_names.add(function.__qualname__)
    _check_names()
    return cast(_F, numba.njit(forceinline=True, **_INNER)(function))


def called(function: _F) -> _F:
    """Compile a function that compiled functions call, as one piece of code for all of them."""
    _inner_names.add(function.__qualname__)
    _check_names()
    # Said, because a function that is not asked takes after the one that it is compiled for.
    return cast(_F, numba.njit(forceinline=False, **_INNER)(function))


def rarely(function: _F) -> _F:
    """Compile a function that compiled functions seldom call: it stays out of them and out of their way."""
    _rare_names.add(function.__qualname__)
    return called(function)
