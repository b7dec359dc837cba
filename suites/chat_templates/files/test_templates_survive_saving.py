from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.templates.stored import by_name
from suites.chat_templates.evidence import common_prefix, shown
from suites.chat_templates.files.stored_templates import leaves_directory, loaded_templates
from suites.findings import Blocked, Defect, NotApplicable


@needs("template_files")
@uses("sharing")
def test_templates_survive_saving(tokenizer: Any) -> None:
    """Saving and loading changes no named template, in .jinja files and in tokenizer_config.json.

    Why: every fine-tune is saved with the template of its base model, and a lost template is noticed only in the first
        chat with the result.
    Fix: Rename the template: default is the name for plain chats, and `file` collides with chat_template.jinja.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/huggingface/transformers/pull/36588
    """
    before = loaded_templates(tokenizer)
    if not before or not hasattr(tokenizer, "save_chat_templates"):
        raise NotApplicable("the tokenizer has no chat template to save")
    if any(map(leaves_directory, before)):
        raise Blocked("chat_templates/template-names-stay-inside", "a template name leads out of the directory")
    for jinja_files in (True, False):
        after = saved_and_loaded(tokenizer, jinja_files=jinja_files)
        compare(before, after, ".jinja files" if jinja_files else "tokenizer_config.json")


def saved_and_loaded(tokenizer: Any, *, jinja_files: bool) -> dict[str, str]:
    """The templates, saved by the subject's tokenizer and loaded by a small one, which is faster.

    tokenizers/survives-saving loads the whole tokenizer.
    """
    import json

    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory() as directory:
        try:
            config, _ = tokenizer.save_chat_templates(directory, {}, None, jinja_files)
        except Exception as error:
            summary = f"The chat templates cannot be saved: {type(error).__name__}: {error}."
            raise Defect(summary, evidence={"templates": sorted(loaded_templates(tokenizer))}) from None
        Path(directory, "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>")).save(f"{directory}/tokenizer.json")
        return by_name(PreTrainedTokenizerFast.from_pretrained(directory).chat_template)


def compare(before: dict[str, str], after: dict[str, str], file: str) -> None:
    """Raises Defect for a lost, changed or extra template; kinds of line breaks are the same to Jinja."""
    __tracebackhide__ = True
    for name, text in before.items():
        if name not in after:
            summary = f"The template {name} is lost when templates are saved in {file}."
            raise Defect(summary, evidence={"before": sorted(before), "after": sorted(after)})
        one, other = ("\n".join(each.splitlines()) for each in (text, after[name]))
        if one != other:
            start = len(common_prefix(one, other))
            evidence = {"before": shown(one[start:], limit=200), "after": shown(other[start:], limit=200)}
            winner = next((each for each in before if each != name and before[each] == after[name]), None)
            change = f"overwritten by the one called {winner}" if winner else "changed"
            raise Defect(f"The template {name} is {change} when templates are saved in {file}.", evidence=evidence)
    if more := sorted(after.keys() - before.keys()):
        raise Defect(f"Saving templates in {file} creates an extra one, {more[0]}.", evidence={"after": sorted(after)})
