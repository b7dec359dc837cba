from __future__ import annotations

from fixtures.sandbox.inspection import inspect
from fixtures.templates.chat import Chat
from suites.chat_templates.portability.comparison import first_difference, jinja_renders
from suites.chat_templates.portability.engines import llama_cpp
from suites.chat_templates.portability.findings import hazard
from suites.findings import Record, Unsupported


def test_same_in_llama_cpp(chat: Chat, record: Record, profile: str) -> None:
    """llama.cpp's template engine renders what Jinja renders, when both are given the same variables.

    Why: a GGUF file carries the template, and llama.cpp, Ollama and what is built on them render it with an engine
        of their own: a template that it cannot parse does not load there.
    Fix: Write the line in a way that both engines read alike.
    Source: https://github.com/saad-supernal/ggufdoctor; https://github.com/ggml-org/llama.cpp/issues/19476
    """
    engine = llama_cpp()
    if engine is None:
        raise Unsupported("ggufdoctor, which carries llama.cpp's engine, is not installed: "
                          "pip install 'seatrial[portability]'")  # fmt: skip
    if inspect(chat.template).exceeded_limit:
        raise Unsupported("the template does not end well: see chat_templates/bounded")
    wanted = jinja_renders(chat)
    if profile == "quick":  # the longest one that Jinja renders: each takes 10 ms here, most of it for parsing
        wanted = dict(list(wanted.items())[-1:])
    if not wanted:
        raise Unsupported("Jinja itself renders none of the conversations: see chat_templates/renders")
    found = first_difference(chat, engine, wanted)
    record.capability(
        "chat.llama_cpp", "same prompt" if not found else "error" if found.other.failed else "different prompt"
    )
    if found:
        raise hazard(chat, engine, found)
