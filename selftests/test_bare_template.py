"""A chat template alone is a subject: what runs on it, how it renders, and what is said of a file that is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fixtures.checkpoint import bare_template, traits
from fixtures.checkpoint.bare_template import BareTemplate
from fixtures.files import source
from fixtures.files.problems import CannotRunHere, SubjectProblem
from fixtures.templates.chat import Chat
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.running import QUIET, Finished, run_pytest

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HELLO = [{"role": "user", "content": "hello"}]


def test_its_file_is_a_source(tmp_path: Path) -> None:
    """By suffix, whether or not it exists; a directory of that name stays a directory."""
    (tmp_path / "odd.jinja").mkdir()
    kinds = {name: source.parse(str(tmp_path / name), builtins=()).kind for name in ("a.jinja", "b.j2", "odd.jinja")}
    assert kinds == {"a.jinja": "template", "b.j2": "template", "odd.jinja": "directory"}
    (tmp_path / "c.txt").write_text(CHATML)
    with pytest.raises(source.SourceError, match="not a model directory and not a chat template"):
        source.parse(str(tmp_path / "c.txt"), builtins=())


def test_it_is_named_after_its_file() -> None:
    """The stem; with the suffix and the folders where two would have one name."""
    paths = ("/a/x.jinja", "/a/x.j2", "/a/chat_template.jinja", "/b/chat_template.jinja", "/a/y.jinja")
    names = source.unique_names([source.parse(path, builtins=()) for path in paths])
    assert names == ["a/x.jinja", "a/x.j2", "a/chat_template.jinja", "b/chat_template.jinja", "y"]


def test_a_directory_with_nothing_else_is_one(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text(CHATML)
    (tmp_path / "README.md").write_text("A template.")
    found = traits.inspect(tmp_path)
    assert (found.bare_template, found.has_chat_template) == (tmp_path / "chat_template.jinja", True)
    (tmp_path / "tokenizer.json").write_text("{}")
    assert traits.inspect(tmp_path).bare_template is None


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "not text"), (b"a\0", "binary")],
)
def test_a_file_that_is_none_is_told(content: bytes | None, words: str, tmp_path: Path) -> None:
    """One sentence that names the file, and the mend."""
    file = tmp_path / "bad.jinja"
    if content is not None:
        file.write_bytes(content)
    (problem,) = traits.inspect(file).problems
    assert words in problem.summary
    assert str(file) in problem.summary
    assert problem.remedy


def test_a_syntax_error_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "bad.jinja").write_text("{% for m in messages %}\n{{ m.content }\n{% endfor %}")
    with pytest.raises(SubjectProblem, match=r"bad\.jinja is not valid Jinja: .*\(line 2\)\."):
        bare_template.load(tmp_path / "bad.jinja")


def test_it_renders_as_a_tokenizer_does() -> None:
    """The library's own code: null keys, tools from functions, a message to continue, the sandbox."""
    from transformers import AutoTokenizer

    from fixtures import builtin

    def get_weather(city: str) -> str:
        """Tells the weather.

        Args:
            city: The name of the city.
        """
        return city

    tokenizer = AutoTokenizer.from_pretrained(builtin.directory(CHAT))
    bare = BareTemplate(tokenizer.chat_template)
    asked: list[dict[str, Any]] = [
        {},
        {"add_generation_prompt": True},
        {"tools": [get_weather]},
        {"continue_final_message": True},
    ]
    for options in asked:
        messages = [*HELLO, {"role": "assistant", "content": "fine", "tool_calls": None}]
        assert bare.apply_chat_template(messages, tokenize=False, **options) == tokenizer.apply_chat_template(
            messages, tokenize=False, **options
        )


def test_it_has_no_ids() -> None:
    assert not Chat(BareTemplate(CHATML)).has_ids
    assert Chat(BareTemplate(CHATML)).cost("four") == (4, "characters")
    with pytest.raises(CannotRunHere, match="no tokenizer"):
        BareTemplate(CHATML).apply_chat_template(HELLO)


def bad_files(folder: Path) -> list[Path]:
    (folder / "syntax.jinja").write_text("{% if %}")
    (folder / "empty.jinja").write_text("")
    (folder / "binary.jinja").write_bytes(b"\x93NUMPY\x01\x00")
    return [folder / f"{name}.jinja" for name in ("syntax", "empty", "binary", "missing")]


@pytest.fixture(scope="module")
def bare_run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run over healthy templates, bad files, and a directory with a template alone."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "alone").mkdir()
    template = copy(CHAT, folder / "model") / "chat_template.jinja"
    for target in ("healthy.jinja", "other.j2", "alone/chat_template.jinja"):
        (folder / target).write_text(template.read_text())
    good = [folder / "healthy.jinja", folder / "other.j2", folder / "alone"]
    models = [f"--model={path}" for path in (*good, *bad_files(folder))]
    return run_pytest(*QUIET, *models, report=folder / "report", cwd=folder)


@pytest.mark.parametrize("name", ["healthy", "other", "alone"])
def test_a_healthy_one_is_adopted(name: str, bare_run: Finished) -> None:
    """With a fingerprint, capabilities, and the word that no token was looked at."""
    entry = bare_run.subject(name)
    assert entry["verdict"] in ("adopt", "adopt-with-conditions"), entry["reasons"]
    assert entry["counts"]["error"] == entry["counts"]["unsupported"] == 0
    assert entry["counts"]["pass"] >= 7
    assert entry["subject"]["fingerprint"].startswith("sha256:")
    assert entry["capabilities"]["chat.tokenizer"] is False
    assert entry["capabilities"]["chat.system_role"] == "supported"


@pytest.mark.parametrize("name", ["syntax", "empty", "binary", "missing"])
def test_a_bad_one_is_rejected_with_file_and_mend(name: str, bare_run: Finished) -> None:
    entry = bare_run.subject(name)
    (finding,) = entry["findings"]
    assert (entry["verdict"], finding["check"]) == ("reject", "integrity/loads")
    assert f"{name}.jinja" in finding["summary"]
    assert finding["remedy"]
    assert entry["counts"]["error"] == 0


def test_only_checks_of_text_run(bare_run: Finished) -> None:
    records = (bare_run.report / "records.jsonl").read_text()
    ran = set(re.findall(r'"check": ?"([\w/-]+)"', records))
    assert "chat_templates/renders" in ran
    assert not [check for check in ran if check.startswith(("tokenizers/", "generation/"))]
    assert "Traceback" not in bare_run.output


NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHATML
)
ALTERNATING = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}{% endfor %}" + CHATML
)
DEFAULT_PROMPT = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    + CHATML
)


@pytest.mark.parametrize(
    ("template", "required", "found"),
    [
        (NO_SYSTEM, "chat.system_role", "rejected"),
        (ALTERNATING, "chat.consecutive_users", "rejected"),
        (ALTERNATING, "chat.alternation=free", "strict"),
        (DEFAULT_PROMPT, "chat.default_system_prompt=False", "True"),
    ],
    ids=["C04", "C06", "C06 by value", "C08"],
)
def test_a_required_capability_that_is_missing_rejects(
    template: str, required: str, found: str, tmp_path: Path
) -> None:
    """What a template documents (no system role, strict turns, its own prompt) is no defect until someone needs it."""
    (tmp_path / "strict.jinja").write_text(template)
    manifest = tmp_path / "models.toml"
    entry = '[[subject]]\nname = "{0}"\nsource = "strict.jinja"\nrequired_capabilities = [{1}]\n'
    manifest.write_text(entry.format("free", "") + entry.format("needs", f'"{required}"'))
    done = run_pytest(
        *QUIET, f"--models={manifest}", "-k", "chat_templates and text or loads", report=tmp_path / "report"
    )
    assert done.subject("free")["verdict"] in ("adopt", "adopt-with-conditions")
    needs = done.subject("needs")
    assert needs["verdict"] == "reject"
    assert any(required in reason and found in reason for reason in needs["reasons"]), needs["reasons"]
