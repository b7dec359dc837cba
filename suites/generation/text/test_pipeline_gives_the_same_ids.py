from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.text.differences import first_difference
from suites.findings import Defect, Unsupported
from suites.running import generate as paths
from suites.running.prompts import encoded, greedy, questions

NEW_TOKENS = 12
WITH_AN_ARTICLE = ("XLNetLMHeadModel", "TransfoXLLMHeadModel")


@needs("continues_text")
def test_pipeline_gives_the_same_ids(subject: Subject, model: Any, fresh_tokenizer: Callable[[], Any]) -> None:
    """The text-generation pipeline gives a greedy answer of the same ids as rendering, tokenizing and generating do.

    Why: one is used for evaluation and the other in production; a second BOS or a setting that only one of them reads
        makes them two different models.
    Fix: Render with the chat template and tokenize without special tokens; remove `prefix` and `task_specific_params`
        from config.json.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines (text generation);
        https://huggingface.co/docs/transformers/chat_templating
    """
    tokenizer, question = fresh_tokenizer(), questions(subject)[0]
    inputs = encoded(subject, tokenizer, question)
    given: list[int] = []
    with paths.refusals("The text-generation pipeline"), watched(model, given):
        asked = [{"role": "user", "content": question}] if subject.traits.has_chat_template else question
        answer = _pipeline(model, tokenizer)(asked, do_sample=False, max_new_tokens=NEW_TOKENS, return_tensors=True)
    prompt = [int(each) for each in inputs["input_ids"][0]]
    if type(model).__name__ in WITH_AN_ARTICLE:
        raise Unsupported(f"the pipeline puts an article of its own before prompts for {type(model).__name__}")
    _must_be_prompt(tokenizer, prompt, given)
    piped = [int(each) for each in answer[0]["generated_token_ids"]]
    manual = greedy(model, inputs, max_new_tokens=NEW_TOKENS)
    _must_be_answer(tokenizer, manual, piped[len(prompt) :], _settings(model))


@contextmanager
def watched(model: Any, given: list[int]) -> Iterator[None]:
    """While it holds, the ids that `generate` is given are kept in `given`."""
    own, generate = vars(model).get("generate"), model.generate

    def watching(*args: Any, **options: Any) -> Any:
        ids = options.get("input_ids")
        given.extend([] if ids is None else [int(each) for each in ids[0]])
        return generate(*args, **options)

    model.generate = watching
    try:
        yield
    finally:
        del model.generate
        if own:
            model.generate = own


def _pipeline(model: Any, tokenizer: Any) -> Any:
    from transformers import pipeline

    spread = getattr(model, "hf_device_map", None)  # then the pipeline must not move it
    options = {} if spread else {"device": model.device}
    return pipeline("text-generation", model=model, tokenizer=tokenizer, **options)


def _settings(model: Any) -> dict[str, Any]:
    """What pipelines alone read."""
    specific = (getattr(model.config, "task_specific_params", None) or {}).get("text-generation")
    named = {"prefix": getattr(model.config, "prefix", None), "task_specific_params": specific}
    return {name: value for name, value in named.items() if value}


def _must_be_prompt(tokenizer: Any, manual: list[int], piped: list[int]) -> None:
    __tracebackhide__ = True
    if not piped:
        raise Unsupported("the pipeline did not call generate() with ids")
    if manual != piped:
        place = first_difference(manual, piped)
        one, other = (tokenizer.convert_ids_to_tokens(ids[place : place + 1]) for ids in (manual, piped))
        raise Defect(
            f"The pipeline gives the model another prompt than the template and the tokenizer do: at token {place} "
            f"{other[0] if other else 'nothing'!r} where {one[0] if one else 'nothing'!r} is rendered.",
            evidence={"rendered and tokenized": manual, "pipeline": piped, "position": place},
        )


def _must_be_answer(tokenizer: Any, manual: list[int], piped: list[int], settings: dict[str, Any]) -> None:
    __tracebackhide__ = True
    if manual != piped:
        because = f", which reads {' and '.join(settings)} of config.json," if settings else ""
        raise Defect(
            f"The pipeline{because} answers otherwise than generate() from new token "
            f"{first_difference(manual, piped)} on, although the prompts are equal.",
            evidence={"generate": tokenizer.decode(manual), "pipeline": tokenizer.decode(piped), "settings": settings},
        )
