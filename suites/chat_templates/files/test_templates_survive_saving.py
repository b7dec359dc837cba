from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fixtures.session.needs import needs
from suites.chat_templates.evidence import common_prefix, shown
from suites.chat_templates.files.stored_templates import by_name, leaves_directory, loaded_templates
from suites.findings import Defect, Unsupported


@needs("template_files")
def test_templates_survive_saving(tokenizer: Any) -> None:
    """Every named template is the same text after saving and loading, in .jinja files and in tokenizer_config.json.

    Why: every fine-tune is saved, with the template of its base; one that is lost or overwritten there is missed
        only when somebody chats with the result.
    Fix: Rename the template: default is the name for plain chats, and `file` collides with chat_template.jinja.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/huggingface/transformers/pull/36588
    """
    before = loaded_templates(tokenizer)
    if not before or not hasattr(tokenizer, "save_chat_templates"):
        raise Unsupported("the tokenizer has no chat template of its own to save")
    if any(map(leaves_directory, before)):
        raise Unsupported("a template's name leaves the directory: see chat_templates/template-names-stay-inside")
    for jinja_files in (True, False):
        kept(
            before,
            saved_and_loaded(tokenizer, jinja_files=jinja_files),
            ".jinja files" if jinja_files else "tokenizer_config.json",
        )


def saved_and_loaded(tokenizer: Any, *, jinja_files: bool) -> dict[str, str]:
    """The templates alone, written by the subject's tokenizer and read by a small one: that of a large vocabulary
    would take a second to load, and tokenizers/survives-saving does it."""
    import json

    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory() as directory:
        try:
            config, _ = tokenizer.save_chat_templates(directory, {}, None, jinja_files)
        except Exception as error:
            raise Defect(f"The chat templates cannot be saved: {type(error).__name__}: {error}.",
                         evidence={"templates": sorted(loaded_templates(tokenizer))}) from None  # fmt: skip
        Path(directory, "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>")).save(f"{directory}/tokenizer.json")
        return by_name(PreTrainedTokenizerFast.from_pretrained(directory).chat_template)


def kept(before: dict[str, str], after: dict[str, str], how: str) -> None:
    """Jinja reads every kind of line break as the same one."""
    __tracebackhide__ = True
    for name, text in before.items():
        if name not in after:
            raise Defect(f"The template {name} is lost when templates are saved in {how}.",
                         evidence={"before": sorted(before), "after": sorted(after)})  # fmt: skip
        one, other = ("\n".join(each.splitlines()) for each in (text, after[name]))
        if one != other:
            start = len(common_prefix(one, other))
            evidence = {"before": shown(one[start:], limit=200), "after": shown(other[start:], limit=200)}
            culprit = next((each for each in before if each != name and before[each] == after[name]), None)
            what = f"overwritten by the one called {culprit}" if culprit else "another text"
            raise Defect(f"The template {name} is {what} after templates were saved in {how}.", evidence=evidence)
    if more := sorted(after.keys() - before.keys()):
        raise Defect(f"Saving templates in {how} makes one more, {more[0]}.", evidence={"after": sorted(after)})
