from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.text.differences import first_difference
from suites.findings import Defect, Limit, NotApplicable
from suites.generation.reference_runs import GREEDY, reference_runs
from suites.running import generate
from suites.running.prompts import encoded, greedy, questions

NEW_TOKENS = 12
PREFIXED = ("XLNetLMHeadModel", "TransfoXLLMHeadModel")
"""Classes for which the pipeline puts a fixed text before every prompt."""


@needs("continues_text")
@uses("task:text-generation")
def test_pipeline_gives_the_same_ids(
    subject: Subject, model: Any, loaded: Loaded, fresh_tokenizer: Callable[[], Any]
) -> None:
    """The text-generation pipeline gives the same greedy answer as rendering, tokenizing and calling `generate()`.

    Why: often one is used for evaluation and the other in production. A second BOS, or a setting that only one of them
        reads, changes the results.
    Fix: Render with the chat template and tokenize without special tokens; remove `prefix` and `task_specific_params`
        from config.json.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines (text generation);
        https://huggingface.co/docs/transformers/chat_templating
    """
    tokenizer, question = fresh_tokenizer(), questions(subject)[0]
    inputs = encoded(subject, tokenizer, question)
    ids: list[int] = []
    with generate.refusals("The text-generation pipeline"), prompt_ids_recorded(model, ids):
        asked = [{"role": "user", "content": question}] if subject.traits.has_chat_template else question
        answer = _pipeline(model, tokenizer)(asked, do_sample=False, max_new_tokens=NEW_TOKENS, return_tensors=True)
    prompt = [int(each) for each in inputs["input_ids"][0]]
    if type(model).__name__ in PREFIXED:
        raise NotApplicable(f"for {type(model).__name__} the pipeline puts a fixed text before every prompt")
    _must_be_prompt(tokenizer, prompt, ids)
    piped = [int(each) for each in answer[0]["generated_token_ids"]]
    manual = greedy(model, inputs, max_new_tokens=NEW_TOKENS)
    with reference_runs(subject, tokenizer, loaded).blaming(GREEDY):
        _must_be_answer(tokenizer, manual, piped[len(prompt) :], _settings(model))


@contextmanager
def prompt_ids_recorded(model: Any, into: list[int]) -> Iterator[None]:
    """Appends the ids of prompts that `generate` gets within the context to `into`."""
    own, original = vars(model).get("generate"), model.generate

    def recording(*args: Any, **options: Any) -> Any:
        ids = options.get("input_ids")
        into.extend([] if ids is None else [int(each) for each in ids[0]])
        return original(*args, **options)

    model.generate = recording
    try:
        yield
    finally:
        del model.generate
        if own:
            model.generate = own


def _pipeline(model: Any, tokenizer: Any) -> Any:
    from transformers import pipeline

    device_map = getattr(model, "hf_device_map", None)  # with one, the pipeline must not move the model
    options = {} if device_map else {"device": model.device}
    return pipeline("text-generation", model=model, tokenizer=tokenizer, **options)


def _settings(model: Any) -> dict[str, Any]:
    """Returns the settings of config.json that only pipelines read."""
    specific = (getattr(model.config, "task_specific_params", None) or {}).get("text-generation")
    named = {"prefix": getattr(model.config, "prefix", None), "task_specific_params": specific}
    return {name: value for name, value in named.items() if value}


def _must_be_prompt(tokenizer: Any, manual: list[int], piped: list[int]) -> None:
    __tracebackhide__ = True
    if not piped:
        raise Limit("the pipeline did not call generate() with ids, so its prompt is not known")
    if manual != piped:
        position = first_difference(manual, piped)
        one, other = (tokenizer.convert_ids_to_tokens(ids[position : position + 1]) for ids in (manual, piped))
        raise Defect(
            f"The pipeline passes another prompt to the model than template and tokenizer give: token {position} is "
            f"{other[0] if other else 'missing'!r} instead of {one[0] if one else 'nothing'!r}.",
            evidence={"rendered and tokenized": manual, "pipeline": piped, "position": position},
        )


def _must_be_answer(tokenizer: Any, manual: list[int], piped: list[int], settings: dict[str, Any]) -> None:
    __tracebackhide__ = True
    if manual != piped:
        cause = f": it also reads {' and '.join(settings)} of config.json" if settings else ""
        raise Defect(
            f"The pipeline gives another answer than generate() from new token {first_difference(manual, piped)} on, "
            f"although the prompts are equal{cause}.",
            evidence={"generate": tokenizer.decode(manual), "pipeline": tokenizer.decode(piped), "settings": settings},
        )
