"""Fixes for a pipeline that answers wrongly, by task."""

from __future__ import annotations

IMAGES = "the image size, `image_mean`, `image_std` and `rescale_factor` in preprocessor_config.json"
AUDIO = "`sampling_rate` and `do_normalize` in preprocessor_config.json"
GENERATION = "`decoder_start_token_id` and languages in generation_config.json, and the chat template if there is one"
LABELS = "`id2label` in config.json, in the order of the head's rows"
TOKENIZER = "the files of the tokenizer"


def of_wrong_answer(task: str) -> str:
    """Returns the fix of a wrong answer."""
    return f"Compare with training: {'; '.join(_settings(task))}."


def _settings(task: str) -> list[str]:
    hears = any(word in task for word in ("audio", "speech", "any-to-any")) and task != "text-to-audio"
    sees = any(word in task for word in ("image", "video", "visual", "object", "depth", "mask-gen", "keypoint"))
    sees = sees and task not in ("text-to-image", "unconditional-image-generation")
    writes = any(word in task for word in ("generation", "to-text", "summar", "transl", "speech-rec", "to-any"))
    labels = any(word in task for word in ("classification", "detection", "segmentation")) and "zero-shot" not in task
    settings = [(sees, IMAGES), (hears, AUDIO), (writes and task != "mask-generation", GENERATION), (labels, LABELS)]
    return [words for applies, words in settings if applies] or [TOKENIZER]
