"""Other template engines, configured like the servers that use them."""

from __future__ import annotations

import atexit
import datetime
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from fixtures.sandbox.engine import tojson

Json = dict[str, Any]

CLOCK = "2026-01-01T00:00:00"
"""The time for all engines; it is built into llama.cpp's."""
GENERATION_TAGS = ("{% generation %}", "{% endgeneration %}")
"""Tags that mistral.rs and Dynamo remove before minijinja reads a template, in these spellings only."""
FUEL = 20_000_000
"""Limit of instructions for a render in minijinja."""


@dataclass(frozen=True)
class Outcome:
    """Result of a render: a text, a refusal by raise_exception, or a failure with its message."""

    text: str | None = None
    refused: str | None = None
    failed: str | None = None
    line: int | None = None


class Engine(Protocol):
    name: str
    used_by: str

    def render(self, template: str, variables: Json) -> Outcome: ...


class Refused(Exception):
    """raise_exception was called."""


class MiniJinja:
    """minijinja with Python's methods, as in TGI, mistral.rs, Dynamo and vLLM's Rust front end."""

    used_by = "text-generation-inference, mistral.rs, Dynamo and other servers in Rust"

    def __init__(self, *, own_tojson: bool = False):
        import minijinja

        self.name = f"minijinja {_version('minijinja')}"
        self._errors = minijinja.TemplateError
        self._environment = minijinja.Environment(trim_blocks=True, lstrip_blocks=True, fuel=FUEL, pycompat=True)
        self._known = ""
        self._environment.add_global("raise_exception", _raise)
        self._environment.add_global("strftime_now", _strftime)
        if not own_tojson:
            self._environment.add_filter("tojson", tojson)

    def render(self, template: str, variables: Json) -> Outcome:
        for tag in GENERATION_TAGS:
            template = template.replace(tag, "")
        try:
            if self._known != template:
                self._known = ""
                self._environment.add_template("template", template)
                self._known = template
            return Outcome(text=str(self._environment.render_template("template", **variables)))
        except Refused as reason:
            return Outcome(refused=str(reason))
        except self._errors as error:
            return Outcome(failed=str(error.detail or error.message), line=error.line)


class LlamaCpp:
    """llama.cpp's own engine, which ggufdoctor contains, compiled to WebAssembly."""

    used_by = "llama.cpp, Ollama and programs built on them"

    def __init__(self) -> None:
        from ggufdoctor.engines.llamacpp_engine import LlamaCppEngine

        self._engine = LlamaCppEngine()
        if not self._engine.available:
            raise ImportError(self._engine.unavailable_reason)
        self.name = f"llama.cpp {self._engine.version}"
        self._thread = ThreadPoolExecutor(1, "llama.cpp")  # WebAssembly runs without Python's lock
        self._begun: tuple[str, Json, Future[Outcome]] | None = None

    def begin(self, template: str, variables: Json) -> None:
        """Starts a render in another thread; `render` returns its result."""
        self._begun = (template, variables, self._thread.submit(self._render, template, variables))

    def render(self, template: str, variables: Json) -> Outcome:
        if self._begun and self._begun[:2] == (template, variables):
            return self._begun[2].result()
        return self._thread.submit(self._render, template, variables).result()

    def _render(self, template: str, variables: Json) -> Outcome:
        """Renders; errors have the form 'render:reason', 'compile:parser: reason' or 'raise:reason'."""
        result = self._engine.render(template, variables)
        if result.error is None:
            return Outcome(text=result.text)
        kind, _, reason = result.error.partition(":")
        return Outcome(refused=reason) if kind == "raise" else Outcome(failed=reason.removeprefix("Error: ").strip())


@lru_cache(maxsize=1)
def minijinja() -> tuple[MiniJinja, MiniJinja] | None:
    """minijinja with transformers' `tojson` and with its own; None if it is not installed."""
    try:
        return MiniJinja(), MiniJinja(own_tojson=True)
    except ImportError:
        return None


@lru_cache(maxsize=1)
def llama_cpp() -> LlamaCpp | None:
    try:
        return LlamaCpp()
    except ImportError:
        return None


atexit.register(llama_cpp.cache_clear)  # while the modules that free its parts still exist


def _raise(message: str) -> None:
    raise Refused(message)


def _strftime(format: str) -> str:
    return datetime.datetime.fromisoformat(CLOCK).strftime(format)


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)
