"""Defects of pipelines that generate text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import unchanged
from selftests.gallery.registry import CHAT, mutant


def one_of_several(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        return [each[:1] for each in found] if options.get("num_return_sequences") else found

    pipe.call = changed


mutant(
    "one-of-several-texts",
    "of several texts one comes back",
    number="PB25",
    source="own",
    base=CHAT,
    caught_by="pipelines/as-many-texts-as-asked",
    summary_contains=("3 texts were asked for", "1 came"),
    patch_pipe=one_of_several,
)(unchanged)


def turned_round(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        return found[::-1] if options.get("num_return_sequences") else found

    pipe.call = changed


mutant(
    "texts-to-wrong-prompts",
    "several texts go to the wrong prompts",
    number="PB26",
    source="own",
    base=CHAT,
    caught_by="pipelines/as-many-texts-as-asked",
    summary_contains="is returned for the prompt",
    patch_pipe=turned_round,
)(unchanged)


def conversation(inputs: Any) -> bool:
    return isinstance(inputs, Sequence) and not isinstance(inputs, str) and bool(inputs) and isinstance(inputs[0], dict)


def loses_the_question(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        if not (conversation(inputs) and options.get("return_full_text")):
            return found
        return [{"generated_text": each["generated_text"][-1:]} for each in found]

    pipe.call = changed


mutant(
    "conversation-not-returned",
    "of a conversation the answer alone comes back",
    number="PB29",
    source="own",
    base=CHAT,
    caught_by="pipelines/conversations-go-on",
    summary_contains="is not returned unchanged",
    patch_pipe=loses_the_question,
)(unchanged)


def renders_otherwise(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        if not conversation(inputs):
            return call(inputs, **options)
        found = call([{**inputs[0], "content": "Goodbye."}, *inputs[1:]], **options)
        return [{"generated_text": [*inputs, each["generated_text"][-1]]} for each in found]

    pipe.call = changed


mutant(
    "conversation-rendered-differently",
    "a conversation is rendered otherwise in the pipeline",
    number="PB30",
    source="own",
    base=CHAT,
    caught_by="pipelines/conversations-go-on",
    summary_contains=("answer to the conversation", "answer to its rendered text"),
    patch_pipe=renders_otherwise,
)(unchanged)


def with_texts(pipe: Pipe, change: Any) -> None:
    """Changes each answer by `change(prompt, text, options)`."""
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        if isinstance(inputs, str) and not options.get("return_tensors"):
            return [{**each, "generated_text": change(inputs, each["generated_text"], options)} for each in found]
        return found

    pipe.call = changed


def twice(prompt: str, text: str, options: Any) -> str:
    return prompt + text if options.get("return_full_text") else text


mutant(
    "full-text-prompt-twice",
    "the full text has the prompt twice",
    number="PB23",
    source="huggingface/transformers#17117",
    base=CHAT,
    caught_by="pipelines/full-text-when-asked",
    summary_contains="the prompt twice",
    patch_pipe=lambda pipe: with_texts(pipe, twice),
)(unchanged)


def never_alone(prompt: str, text: str, options: Any) -> str:
    return text if options.get("return_full_text") else prompt + text


mutant(
    "new-text-includes-prompt",
    "the prompt comes back where new text alone was asked for",
    number="PB24",
    source="own",
    base=CHAT,
    caught_by="pipelines/full-text-when-asked",
    summary_contains="only new text was asked for",
    patch_pipe=lambda pipe: with_texts(pipe, never_alone),
)(unchanged)


def writes_past_the_string(pipe: Pipe) -> None:
    call = pipe.call
    pipe.call = lambda inputs, stop_strings=None, **options: call(inputs, **options)


mutant(
    "stop-string-overlooked",
    "a stop string is overlooked",
    number="PB27",
    source="huggingface/transformers#28801",
    base=CHAT,
    caught_by="pipelines/stops-at-strings",
    summary_contains="continues after the stop string",
    patch_pipe=writes_past_the_string,
)(unchanged)


def stops_at_once(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        stopped = {"max_new_tokens": 1} if options.get("stop_strings") else {}
        return call(inputs, **{**options, **stopped})

    pipe.call = changed


mutant(
    "stop-string-too-early",
    "generation ends before the stop string",
    number="PB28",
    source="own",
    base=CHAT,
    caught_by="pipelines/stops-at-strings",
    summary_contains="ends before the stop string",
    patch_pipe=stops_at_once,
)(unchanged)
