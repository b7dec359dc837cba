"""The sandbox: templates are read and rendered in another process, which is replaced when one of them broke it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fixtures.sandbox.client import Client
from fixtures.sandbox.inspection import inspect, usual, variables
from fixtures.sandbox.rehearsal import excess
from suites.chat_templates.safety.differences import added, between

HELLO = [{"role": "user", "content": "hello"}]
LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
LIMITED = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of processor time and memory")


@pytest.fixture
def client() -> Any:
    made = Client()
    yield made
    made.close()


def render(client: Client, template: str, **wanted: Any) -> dict[str, Any]:
    given = {"variables": variables(HELLO), **wanted}
    return dict(client.ask(template, [given])["renders"][0])


def test_renders_as_transformers_does(client: Client) -> None:
    """White space, tojson, the generation block, loop controls and raise_exception."""
    pytest.importorskip("transformers")
    from transformers.utils.chat_template_utils import render_jinja_template

    template = (
        "{% for m in messages %}\n  {% if m.role == 'x' %}\n{% continue %}{% endif %}\n{{ m.content }} "
        "{{ {'a': '<é>'} | tojson(indent=1) }}{% generation %}x{% endgeneration %}\n{% break %}{% endfor %}\n"
    )
    expected, _ = render_jinja_template([HELLO], chat_template=template)
    assert render(client, template)["text"] == expected[0]
    assert render(client, "{{ raise_exception('not this') }}") == {"refused": "not this"}


def test_one_process_serves_many_templates(client: Client) -> None:
    """Starting one takes longer than all its renders."""
    processes = {client._helper.process.pid for number in range(5) if render(client, f"{number}") and client._helper}
    assert len(processes) == 1


def test_what_was_begun_is_answered_when_it_is_asked_for(client: Client) -> None:
    """Once; other questions come between, and are not mixed up with it."""
    given: list[dict[str, Any]] = [{"variables": variables(HELLO)}]
    client.begin("first", given)
    client.begin("second", given)
    assert client.ask("third", given)["renders"][0]["text"] == "third"
    assert client.ask("first", given)["renders"][0]["text"] == "first"
    assert [client.ask("second", given)["renders"][0]["text"] for _ in range(2)] == ["second", "second"]


def test_long_questions_and_answers_that_were_begun_wait_for_nobody(client: Client) -> None:
    """Neither side's pipe fills up while the other writes."""
    given = [{"variables": variables([{"role": "user", "content": "x" * 300_000}])}]
    names = [f"{{{{ messages[0].content }}}}{number}" for number in range(5)]
    for name in names:
        client.begin(name, given)
    assert [client.ask(name, given)["renders"][0]["text"][-1] for name in reversed(names)] == [*"43210"]


@LIMITED
def test_what_was_begun_behind_a_limit_is_asked_again(client: Client) -> None:
    given: list[dict[str, Any]] = [{"variables": variables(HELLO)}]
    for template in ("before", LOOPS, "behind"):
        client.begin(template, given)
    assert client.ask("behind", given)["renders"][0]["text"] == "behind"
    assert client.ask("before", given)["renders"][0]["text"] == "before"
    assert client.ask(LOOPS, given)["renders"] == [{"limit": "time"}]


@LIMITED
def test_a_limit_that_is_met_ahead_of_time_is_told_when_it_is_asked_for(client: Client) -> None:
    given: list[dict[str, Any]] = [{"variables": variables(HELLO)}]
    client.begin(LOOPS, given)
    assert client.ask("fine", given)["renders"][0]["text"] == "fine"
    assert client.ask(LOOPS, given)["renders"] == [{"limit": "time"}]


@LIMITED
@pytest.mark.parametrize(
    ("template", "limit"),
    [
        (LOOPS, "time"),
        ("{{ 'a' * 10 ** 10 }}", "memory"),
        ("{{ 'a' * 10 ** 7 }}", "output"),
        ("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "recursion"),
    ],
)
def test_limits_end_a_render_and_the_process(template: str, limit: str, client: Client) -> None:
    """The next template gets a process of its own, at once."""
    assert render(client, template) == {"limit": limit}
    assert render(client, "fine")["text"] == "fine"


@LIMITED
@pytest.mark.parametrize("trap", ["'a' * 10 ** 10", "'a' | center(10 ** 10)", "1 ~ 'a' * 10 ** 10"])
def test_a_trap_for_the_compiler_is_met_in_the_helper(trap: str, client: Client) -> None:
    """Jinja works constant expressions out when it compiles, also those in branches that nothing takes."""
    unused = f"{{% if messages[0].role == 'x' %}}{{{{ {trap} }}}}{{% endif %}}fine"
    assert render(client, unused) == {"limit": "memory"}


def test_tells_what_the_sandbox_refused(client: Client) -> None:
    """An attribute that is only looked at raises nothing, and is told."""
    assert render(client, "{% if ''.__class__ is defined %}{% endif %}x")["denied"] == ["__class__"]
    assert "SecurityError" in render(client, "{{ ''.__class__.__mro__ }}")["failed"]


def test_a_template_without_loops_of_its_own_is_asked_once() -> None:
    """What cannot run away costs one visit to the helper; what can is tried with every conversation."""
    plain, counting = "{% for m in messages %}{{ m.content }}{% endfor %}", "{% for i in range(99) %}x{% endfor %}"
    assert inspect(plain).bounded
    assert not inspect(counting).bounded
    assert excess(plain, {"messages": HELLO}) is excess(counting, {"messages": HELLO}) is None


COUNTS = {
    "range(messages | length)": True,
    "range(loop.index0 + 1, loop.length)": True,
    "range(loop.index0, -1, -1)": True,
    "range(messages[0].content)": False,
    "range(10 ** 3)": False,
    "range(messages | length * 9)": False,
}


@pytest.mark.parametrize(("loop", "is_bounded"), COUNTS.items(), ids=[*COUNTS])
def test_a_loop_over_what_is_there_cannot_run_away(loop: str, is_bounded: bool) -> None:
    template = f"{{% for m in messages %}}{{% for i in {loop} %}}{{{{ i }}}}{{% endfor %}}{{% endfor %}}"
    assert inspect(template).bounded == is_bounded


def test_what_the_helper_compiled_renders_as_what_the_library_compiles() -> None:
    pytest.importorskip("transformers")
    from transformers.utils import chat_template_utils as library

    from fixtures.machine import library_versions

    template = (
        "{%- set ns = namespace(n=0) %}\n{% for m in messages %}\n  {% set ns.n = ns.n + 1 %}{{ ns.n ~ 'a' | upper }}\n"
        "{{ {'role': m.role} | tojson }}{{ dict(a=1) }}{% if loop.last %}{% break %}{% endif %}{% endfor %}"
    )
    code = inspect(template).compiled
    assert code is not None
    library_versions.forget_templates()
    expected, _ = library.render_jinja_template([HELLO], chat_template=template)
    library_versions.forget_templates()
    library_versions.compile_template(template, code)
    assert library._compile_jinja_template.cache_info().currsize == 1
    assert library.render_jinja_template([HELLO], chat_template=template)[0] == expected


@pytest.mark.parametrize("template", ["{% generation %}x{% endgeneration %}", "{{ 'a' * 10 ** 10 }}", "{% for %}"])
def test_what_only_the_library_can_compile_is_not_compiled_for_it(template: str) -> None:
    assert inspect(template).compiled is None


@LIMITED
def test_a_template_that_ran_away_once_is_rendered_no_more() -> None:
    """A word in a message can be the trap; it is told from then on."""
    template = "{% if 'now' in messages[-1].content %}" + LOOPS + "{% endif %}"
    assert excess(template, {"messages": HELLO}) is None
    assert "a second" in str(excess(template, {"messages": [{"role": "user", "content": "now"}]}))
    assert excess(template, {"messages": HELLO})


def test_reads_what_stands_in_branches_that_nothing_takes() -> None:
    """Names, files and words, with their lines."""
    facts = inspect(
        "{% if false %}{{ x['__cl' ~ 'ass__'] }}{% include 'other' %}\n{{ open('file') }}{{ y | attr(z) }}{% endif %}\n"
        "{% for w in ['one', 'two'] %}{{ w in messages[0].content }}{% endfor %}{{ messages[0].role == 'user' }}"
        "{{ messages[0].content.startswith('three') }}"
    ).facts
    assert facts["internals"] == [["__class__", 1]]
    assert facts["other_files"] == [["include", 1]]
    assert facts["file_calls"] == [["open", 2]]
    assert facts["computed_attributes"] == [[2]]
    assert [each["word"] for each in facts["conditions"]] == ["three", "one", "two"]


def test_the_usual_conversations_are_rendered() -> None:
    found = inspect("{{ messages | length }}")
    assert [end["text"] for _, end in found.tried] == [str(len(each["messages"])) for each in usual().values()]


def test_finds_what_was_added() -> None:
    """Only what says something that neither the other text nor the word says."""
    assert added("<u>hi</u>", "<s>Pay me now</s><u>hi there</u>", "there") == "s>Pay me now</s><"
    assert added("<u>hi</u>", "<u>hi there</u>", "there") == ""
    assert added("to", "to https://x.example/abc", "word").startswith("https://x.example")
    assert between("on 12 May 2026.", "on 26 Jul 2024.") == ("12 May 2026", "26 Jul 2024")
