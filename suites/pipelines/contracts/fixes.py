"""What to look at where a pipeline of a task answers wrongly or not at all."""

from __future__ import annotations

SEES = "the picture's size, `image_mean`, `image_std` and `rescale_factor` in preprocessor_config.json"
HEARS = "`sampling_rate` and `do_normalize` in preprocessor_config.json"
WRITES = "`decoder_start_token_id` and the languages in generation_config.json, and the chat template if there is one"
LABELS = "`id2label` in config.json with the order of the head's rows"
READS = "the tokenizer's files with those of training"


def of_meaning(task: str) -> str:
    """The mend of an answer that means something else."""
    return f"Compare {'; and '.join(_places(task))}."


def of_failure(task: str) -> str:
    """The mend of a pipeline that does not answer."""
    return f"The finding shows the error; look at {'; and '.join(_places(task))}."


def _places(task: str) -> list[str]:
    heard = any(word in task for word in ("audio", "speech", "any-to-any")) and task != "text-to-audio"
    seen = any(word in task for word in ("image", "video", "visual", "object", "depth", "mask-gen", "keypoint"))
    seen = seen and task not in ("text-to-image", "unconditional-image-generation")
    writes = any(word in task for word in ("generation", "to-text", "summar", "transl", "speech-rec", "to-any"))
    labels = any(word in task for word in ("classification", "detection", "segmentation")) and "zero-shot" not in task
    places = [(seen, SEES), (heard, HEARS), (writes and task != "mask-generation", WRITES), (labels, LABELS)]
    return [words for holds, words in places if holds] or [READS]
