from __future__ import annotations

from fixtures.sandbox.inspection import inspect
from fixtures.templates.chat import Chat
from suites.chat_templates.portability.comparison import first_difference, jinja_renders, same
from suites.chat_templates.portability.engines import minijinja
from suites.chat_templates.portability.findings import hazard
from suites.findings import Record, Unsupported


def test_same_in_minijinja(chat: Chat, record: Record) -> None:
    """minijinja with Python's methods and transformers' tojson renders what Jinja renders.

    Why: text-generation-inference, mistral.rs, Dynamo and others render templates with it; what it cannot parse is
        not served there, and what it renders otherwise is another prompt.
    Fix: Write the line in a way that both engines read alike.
    Source: https://github.com/mitsuhiko/minijinja; https://github.com/ai-dynamo/dynamo/pull/3340;
        https://github.com/mitsuhiko/minijinja/issues/815 ({% generation %}, which mistral.rs and Dynamo take out)
    """
    engines = minijinja()
    if engines is None:
        raise Unsupported("minijinja is not installed: pip install 'seatrial[portability]'")
    if inspect(chat.template).exceeded_limit:
        raise Unsupported("the template does not end well: see chat_templates/bounded")
    wanted = jinja_renders(chat)
    if not wanted:
        raise Unsupported("Jinja itself renders none of the conversations: see chat_templates/renders")
    with_transformers, plain = engines
    if found := first_difference(chat, with_transformers, wanted):
        record.capability("chat.minijinja", "error" if found.other.failed else "different prompt")
        raise hazard(chat, with_transformers, found)
    alike = same(chat, plain, *[*wanted.values()][-1])  # with a tool, where there is one: what tojson is for
    record.capability("chat.minijinja", "same prompt" if alike else "same prompt with transformers' tojson")
