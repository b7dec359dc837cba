from __future__ import annotations

from fixtures.sandbox.inspection import inspect
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import BOUNDED, EXCEEDS_LIMIT, renders_nothing
from suites.chat_templates.portability.comparison import first_difference, jinja_renders
from suites.chat_templates.portability.engines import llama_cpp
from suites.chat_templates.portability.findings import hazard
from suites.findings import Blocked, Missing, Record


@uses("serving", worst="hazard")
def test_same_in_llama_cpp(chat: Chat, record: Record, profile: str) -> None:
    """llama.cpp's template engine renders the same prompt as Jinja from the same variables.

    Why: a GGUF file contains the template, and llama.cpp, Ollama and programs built on them render it with their own
        engine; a template that it cannot parse does not load there.
    Fix: Rewrite the line so that both engines read it alike.
    Source: https://github.com/saad-supernal/ggufdoctor; https://github.com/ggml-org/llama.cpp/issues/19476
    """
    engine = llama_cpp()
    if engine is None:
        raise Missing(
            "the package ggufdoctor with llama.cpp's engine is not installed", "pip install 'seatrial[portability]'"
        )
    if inspect(chat.template).exceeded_limit:
        raise Blocked(BOUNDED, EXCEEDS_LIMIT)
    wanted = jinja_renders(chat)
    if profile == "quick":  # the longest one that Jinja renders; each takes 10 ms, mostly for parsing
        wanted = dict(list(wanted.items())[-1:])
    if not wanted:
        raise renders_nothing(chat)
    found = first_difference(chat, engine, wanted)
    record.capability(
        "chat.llama_cpp", "same prompt" if not found else "error" if found.other.failed else "different prompt"
    )
    if found:
        raise hazard(chat, engine, found)
