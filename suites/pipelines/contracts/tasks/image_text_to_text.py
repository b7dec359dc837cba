"""Pictures, sounds and text to text: chat models that see and hear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.inputs import audio, images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.text_inputs import leaked

NEW_TOKENS = 8
QUESTIONS = ("What is it?", "Which colour is it?", "What do you see or hear, and what does it make you think of?")


def greedily(pipe: Pipe) -> Mapping[str, Any]:
    return {"generate_kwargs": {"max_new_tokens": NEW_TOKENS, "do_sample": False}, "return_full_text": False}


def samples(pipe: Pipe) -> list[Any]:
    """A question about a picture, or about a sound where the model only hears."""
    if _sees(pipe):
        return [asked(pipe, {"image": each}, text) for each, text in zip(images.pictures(), QUESTIONS, strict=True)]
    if _hears(pipe):
        return [
            asked(pipe, {"audio": each}, text) for each, text in zip(audio.sounds(_rate(pipe)), QUESTIONS, strict=True)
        ]
    return [asked(pipe, {}, text) for text in QUESTIONS]


def _sees(pipe: Pipe) -> bool:
    return getattr(pipe.library.processor, "image_processor", None) is not None


def _hears(pipe: Pipe) -> bool:
    return getattr(pipe.library.processor, "feature_extractor", None) is not None


def _rate(pipe: Pipe) -> int:
    return int(getattr(pipe.library.processor.feature_extractor, "sampling_rate", 16000))


def _talks(pipe: Pipe) -> bool:
    """Whether there is a chat template; without one the library takes a list of inputs for a conversation."""
    return bool(getattr(pipe.library.processor, "chat_template", None))


def asked(pipe: Pipe, thing: Mapping[str, Any], text: str) -> Any:
    """As a message where there is a chat template; else the thing with a text around it."""
    if _talks(pipe):
        parts = [{"type": kind, kind: value} for kind, value in thing.items()]
        return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]
    mark = getattr(pipe.library.processor, "image_token", "")
    mark = mark if isinstance(mark, str) else ""
    named = {"image": "images", "audio": "audio"}
    return {**{named[kind]: value for kind, value in thing.items()}, "text": f"{mark}\n{text}" if mark else text}


def _pads_alike(pipe: Pipe) -> bool:
    """The library refuses batches where tokenizer and feature extractor pad on different sides: all that hear."""
    if not _talks(pipe):
        return False
    side = getattr(getattr(pipe.library.processor, "feature_extractor", None), "padding_side", None)
    return side is None or side == pipe.tokenizer.padding_side


def given(known: Any, pipe: Pipe) -> Any:
    """`{"image" or "sound": ..., "text": ...}`, or a conversation as it is."""
    if not isinstance(known, Mapping):
        return known
    if "sound" in known:
        return asked(pipe, {"audio": audio.sound(known["sound"], _rate(pipe))}, known["text"])
    from transformers.image_utils import load_image

    return asked(pipe, {"image": load_image(known["image"])}, known["text"])


def problems(sample: Any, answer: Any, pipe: Pipe) -> Iterator[str]:
    """One text, without the prompt and without special tokens."""
    if len(answer) != 1 or not isinstance(answer[0].get("generated_text"), str):
        yield f"one text was asked for, the answer has {len(answer)}"
        return
    text = answer[0]["generated_text"]
    yield from leaked(pipe, text)
    if (said := _said(sample)) and len(said) > 8 and said in text:
        yield f"only new text was asked for, and the question {said!r} is in the answer"
    ids = pipe.tokenizer(text, add_special_tokens=False)["input_ids"]
    if len(ids) > 2 * NEW_TOKENS and (written := _new_tokens(pipe, sample)) > NEW_TOKENS:
        yield f"{NEW_TOKENS} new tokens were asked for, the model wrote {written}"


def _new_tokens(pipe: Pipe, sample: Any) -> int:
    """Tokens that the model writes: another cut of the same text into tokens may have more."""
    counts, generate = [0], pipe.model.generate

    def counted(*given: Any, **options: Any) -> Any:
        output = generate(*given, **options)
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


def _said(sample: Any) -> str:
    if isinstance(sample, Mapping):
        return str(sample.get("text", "")).strip()
    parts = sample[-1]["content"] if isinstance(sample, list) and sample else []
    return next((part["text"] for part in parts if isinstance(part, Mapping) and part.get("type") == "text"), "")


def without_input(output: Any) -> Any:
    """The answers without the question, which holds the picture itself."""
    return [{"generated_text": each["generated_text"]} for each in output]


def nothing_to_read(pipe: Pipe) -> dict[str, Any]:
    return {"a number": 3, "an empty conversation": [], "a message without a role": [{"content": "What is it?"}]}


CONTRACTS = (
    Contract(
        tasks=("image-text-to-text", "any-to-any"),
        samples=samples,
        problems=problems,
        options=greedily,
        comparable=without_input,
        canary_input=given,
        lists_only=True,  # 5.23 loses the conversation on its way from a generator (any-to-any), or from a data set
        can_batch=_pads_alike,
        accepts_lists=_talks,
        invalid_inputs=nothing_to_read,
        meaning=lambda answer: str(answer[0]["generated_text"]),
        generates_text=True,
    ),
)
