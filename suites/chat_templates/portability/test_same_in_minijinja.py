from __future__ import annotations

from fixtures.sandbox.inspection import inspect
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import BOUNDED, EXCEEDS_LIMIT, renders_nothing
from suites.chat_templates.portability.comparison import first_difference, jinja_renders, same
from suites.chat_templates.portability.engines import minijinja
from suites.chat_templates.portability.findings import hazard
from suites.findings import Blocked, Missing, Record


@uses("serving", worst="hazard")
def test_same_in_minijinja(chat: Chat, record: Record) -> None:
    """minijinja with Python's methods and transformers' tojson renders the same prompt as Jinja.

    Why: text-generation-inference, mistral.rs, Dynamo and others render templates with it; they cannot serve a template
        that it does not parse, and give the model another prompt if it renders differently.
    Fix: Rewrite the line so that both engines read it alike.
    Source: https://github.com/mitsuhiko/minijinja; https://github.com/ai-dynamo/dynamo/pull/3340;
        https://github.com/mitsuhiko/minijinja/issues/815 ({% generation %}, which mistral.rs and Dynamo remove)
    """
    engines = minijinja()
    if engines is None:
        raise Missing("the package minijinja is not installed", "pip install 'seatrial[portability]'")
    if inspect(chat.template).exceeded_limit:
        raise Blocked(BOUNDED, EXCEEDS_LIMIT)
    wanted = jinja_renders(chat)
    if not wanted:
        raise renders_nothing(chat)
    with_transformers, plain = engines
    if found := first_difference(chat, with_transformers, wanted):
        record.capability("chat.minijinja", "error" if found.other.failed else "different prompt")
        raise hazard(chat, with_transformers, found)
    alike = same(
        chat, plain, *[*wanted.values()][-1]
    )  # the conversation with a tool if there is one, as tools need tojson
    record.capability("chat.minijinja", "same prompt" if alike else "same prompt with transformers' tojson")
