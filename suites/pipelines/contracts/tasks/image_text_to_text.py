"""Chat models with image or audio input: `image-text-to-text` and `any-to-any`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import audio, images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.text_inputs import leaked_special_tokens

NEW_TOKENS = 8
QUESTIONS = ("What is it?", "Which colour is it?", "What do you see or hear, and what does it make you think of?")


def greedily(pipe: Pipe) -> Mapping[str, Any]:
    return {"generate_kwargs": {"max_new_tokens": NEW_TOKENS, "do_sample": False}, "return_full_text": False}


def samples(pipe: Pipe) -> list[Any]:
    """Returns questions about images, or about audio if the model takes no images."""
    if _takes_images(pipe):
        return [request(pipe, {"image": each}, text) for each, text in zip(images.pictures(), QUESTIONS, strict=True)]
    if _takes_audio(pipe):
        return [
            request(pipe, {"audio": each}, text)
            for each, text in zip(audio.sounds(_sampling_rate(pipe)), QUESTIONS, strict=True)
        ]
    return [request(pipe, {}, text) for text in QUESTIONS]


def _takes_images(pipe: Pipe) -> bool:
    return getattr(pipe.library.processor, "image_processor", None) is not None


def _takes_audio(pipe: Pipe) -> bool:
    return getattr(pipe.library.processor, "feature_extractor", None) is not None


def _sampling_rate(pipe: Pipe) -> int:
    return int(getattr(pipe.library.processor.feature_extractor, "sampling_rate", 16000))


def _has_template(pipe: Pipe) -> bool:
    """True if there is a chat template. Without one, the library mistakes a list of inputs for a conversation."""
    return bool(getattr(pipe.library.processor, "chat_template", None))


def request(pipe: Pipe, media: Mapping[str, Any], text: str) -> Any:
    """Returns a message with media and text if there is a chat template, else a dictionary of both."""
    if _has_template(pipe):
        parts = [{"type": kind, kind: value} for kind, value in media.items()]
        return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]
    mark = getattr(pipe.library.processor, "image_token", "")
    mark = mark if isinstance(mark, str) else ""
    named = {"image": "images", "audio": "audio"}
    return {**{named[kind]: value for kind, value in media.items()}, "text": f"{mark}\n{text}" if mark else text}


def _pads_on_one_side(pipe: Pipe) -> bool:
    """True if tokenizer and feature extractor pad on the same side; otherwise the library refuses batches."""
    if not _has_template(pipe):
        return False
    side = getattr(getattr(pipe.library.processor, "feature_extractor", None), "padding_side", None)
    return side is None or side == pipe.tokenizer.padding_side


def canary_input(value: Any, pipe: Pipe) -> Any:
    """Converts `{"image" or "sound": ..., "text": ...}` into a request; keeps a conversation as it is."""
    if not isinstance(value, Mapping):
        return value
    if "sound" in value:
        return request(pipe, {"audio": audio.sound(value["sound"], _sampling_rate(pipe))}, value["text"])
    from transformers.image_utils import load_image

    return request(pipe, {"image": load_image(value["image"])}, value["text"])


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless the answer is one text without the prompt and without special tokens."""
    if len(answer) != 1 or not isinstance(answer[0].get("generated_text"), str):
        yield f"the answer has {len(answer)} texts, not one"
        return
    text = answer[0]["generated_text"]
    yield from leaked_special_tokens(pipe, text)
    if (question := _question(sample)) and len(question) > 8 and question in text:
        yield f"only new text was asked for, and the question {question!r} is in the answer"
    ids = pipe.tokenizer(text, add_special_tokens=False)["input_ids"]
    if len(ids) > 2 * NEW_TOKENS and (written := _new_tokens(pipe, sample)) > NEW_TOKENS:
        yield f"{NEW_TOKENS} new tokens were asked for, the model wrote {written}"


def _new_tokens(pipe: Pipe, sample: Any) -> int:
    """Counts the tokens that the model generates: tokenizing their text again may give more."""
    counts, generate = [0], pipe.model.generate

    def counted(*inputs: Any, **options: Any) -> Any:
        output = generate(*inputs, **options)
        prompt = options.get("input_ids")
        before = 0 if prompt is None or pipe.model.config.is_encoder_decoder else prompt.shape[-1]
        counts.append(output.shape[-1] - (before if output.shape[-1] >= before else 0))
        return output

    pipe.model.generate = counted
    try:
        pipe(sample, **greedily(pipe))
    finally:
        del pipe.model.generate
    return max(counts)


def _question(sample: Any) -> str:
    if isinstance(sample, Mapping):
        return str(sample.get("text", "")).strip()
    parts = sample[-1]["content"] if isinstance(sample, list) and sample else []
    return next((part["text"] for part in parts if isinstance(part, Mapping) and part.get("type") == "text"), "")


def without_input(output: Any) -> Any:
    """Returns the generated texts without the input, which holds the image itself."""
    return [{"generated_text": each["generated_text"]} for each in output]


def invalid_inputs(pipe: Pipe) -> dict[str, Any]:
    return {"a number": 3, "an empty conversation": [], "a message without a role": [{"content": "What is it?"}]}


CONTRACTS = (
    Contract(
        tasks=("image-text-to-text", "any-to-any"),
        samples=samples,
        problems=problems,
        options=greedily,
        comparable=without_input,
        canary_input=canary_input,
        lists_only=True,  # 5.23 loses the conversation from a generator (any-to-any) or a data set
        can_batch=_pads_on_one_side,
        accepts_lists=_has_template,
        invalid_inputs=invalid_inputs,
        meaning=lambda answer: str(answer[0]["generated_text"]),
    ),
)
