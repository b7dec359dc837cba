"""Rows about pipelines that write text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant

NEWS, LANGUAGES = "tiny-text2text-generation", "tiny-translation"


def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


def keeps_special_tokens(tokenizer: Any) -> None:
    decode = tokenizer.decode

    def whole(token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> Any:
        return decode(token_ids=token_ids, skip_special_tokens=False, **options)

    tokenizer.decode = whole


mutant(
    "PB20",
    "special tokens are left in what a model writes",
    source="own",
    base=NEWS,
    caught_by="pipelines/output-conforms",
    naming="special token",
    patch_tokenizer=keeps_special_tokens,
)(unchanged)


@mutant(
    "PB21",
    "the first token of every summary is forced to be another than in training",
    source="own",
    base=NEWS,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def forced(directory: Path) -> None:
    set_keys(directory / "generation_config.json", forced_bos_token_id=2)


@mutant(
    "PB22",
    "the token of one language has the id of another",
    source="own",
    base=LANGUAGES,
    caught_by="pipelines/canaries",
    naming=("translation", "known answer"),
)
def other_language(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        swap = {"deu_Latn": "fra_Latn", "fra_Latn": "deu_Latn"}
        vocabulary = data["model"]["vocab"]
        ids = {name: vocabulary[other] for name, other in swap.items()}
        vocabulary.update(ids)
        for token in data["added_tokens"]:
            token["id"] = ids.get(token["content"], token["id"])
        data["added_tokens"].sort(key=lambda token: token["id"])

    edit_tokenizer(directory, change)


def with_texts(pipe: Pipe, change: Any) -> None:
    """Answers are changed as (prompt, text, options) by the inputs that they belong to."""
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
    "PB23",
    "the full text has the prompt twice",
    source="huggingface/transformers#17117",
    base=CHAT,
    caught_by="pipelines/full-text-when-asked",
    naming="the prompt twice",
    patch_pipe=lambda pipe: with_texts(pipe, twice),
)(unchanged)


def never_alone(prompt: str, text: str, options: Any) -> str:
    return text if options.get("return_full_text") else prompt + text


mutant(
    "PB24",
    "the prompt comes back where new text alone was asked for",
    source="own",
    base=CHAT,
    caught_by="pipelines/full-text-when-asked",
    naming="only new text was asked for",
    patch_pipe=lambda pipe: with_texts(pipe, never_alone),
)(unchanged)


def one_of_several(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        return [each[:1] for each in found] if options.get("num_return_sequences") else found

    pipe.call = changed


mutant(
    "PB25",
    "of several texts one comes back",
    source="own",
    base=CHAT,
    caught_by="pipelines/as-many-texts-as-asked",
    naming=("3 texts were asked for", "1 came"),
    patch_pipe=one_of_several,
)(unchanged)


def turned_round(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        return found[::-1] if options.get("num_return_sequences") else found

    pipe.call = changed


mutant(
    "PB26",
    "several texts go to the wrong prompts",
    source="own",
    base=CHAT,
    caught_by="pipelines/as-many-texts-as-asked",
    naming="is told for the prompt",
    patch_pipe=turned_round,
)(unchanged)


def talks_on(pipe: Pipe) -> None:
    call = pipe.call
    pipe.call = lambda inputs, stop_strings=None, **options: call(inputs, **options)


mutant(
    "PB27",
    "a stop string is overlooked",
    source="huggingface/transformers#28801",
    base=CHAT,
    caught_by="pipelines/stops-at-strings",
    naming="goes on behind the stop string",
    patch_pipe=talks_on,
)(unchanged)


def stops_at_once(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        stopped = {"max_new_tokens": 1} if options.get("stop_strings") else {}
        return call(inputs, **{**options, **stopped})

    pipe.call = changed


mutant(
    "PB28",
    "generation ends before the stop string",
    source="own",
    base=CHAT,
    caught_by="pipelines/stops-at-strings",
    naming="ends before the stop string",
    patch_pipe=stops_at_once,
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
    "PB29",
    "of a conversation the answer alone comes back",
    source="own",
    base=CHAT,
    caught_by="pipelines/conversations-go-on",
    naming="does not come back",
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
    "PB30",
    "a conversation is rendered otherwise in the pipeline",
    source="own",
    base=CHAT,
    caught_by="pipelines/conversations-go-on",
    naming=("is answered with", "its rendered text with"),
    patch_pipe=renders_otherwise,
)(unchanged)


def keeps_a_layer(model: Any) -> None:
    """In bfloat16 only, so that the model runs as it is."""
    if str(model.dtype) == "torch.bfloat16":
        model.classifier.float()


mutant(
    "PB31",
    "one layer has another dtype than was asked for",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/other-precision-runs",
    naming=("asked for in bfloat16", "classifier.weight", "torch.float32"),
    patch=keeps_a_layer,
)(unchanged)


def wants_float32(model: Any) -> None:
    forward = model.forward

    def checked(*args: Any, **options: Any) -> Any:
        if str(model.dtype) != "torch.float32":
            raise RuntimeError("mat1 and mat2 must have the same dtype, but got Float and BFloat16")
        return forward(*args, **options)

    model.forward = checked


mutant(
    "PB32",
    "a model runs in float32 only",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/other-precision-runs",
    severity="hazard",
    naming=("in bfloat16", "same dtype"),
    patch=wants_float32,
)(unchanged)
