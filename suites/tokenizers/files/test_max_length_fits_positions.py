from __future__ import annotations

from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.session.uses import READERS, uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard, NotApplicable, Record

# Models with a table of positions: one token more is an index error.
LEARNED = {"bert", "distilbert", "electra", "albert", "roberta", "xlm-roberta", "camembert", "mpnet", "deberta",
           "gpt2", "gpt_neo", "opt", "openai-gpt", "layoutlm", "layoutlmv3", "longformer", "bigbird_pegasus",
           "bart", "mbart", "blenderbot", "clip_text_model", "ernie", "xlm-roberta-xl", "xmod"}  # fmt: skip
# Models whose positions start after the padding id.
OFFSET = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "xmod", "longformer", "mpnet", "layoutlmv3"}
NO_LIMIT = 10**12
POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length")


@uses("embeddings", "training", *READERS)
def test_max_length_fits_positions(subject: Subject, tokenizer: Any, record: Record) -> None:
    """model_max_length of the tokenizer is at most the number of positions of the model.

    Why: truncation=True cuts at model_max_length; if it is larger or unlimited, long texts exceed the positions, which
        is an index error with learned positions and nonsense with others.
    Fix: Set model_max_length in tokenizer_config.json to the number of positions in config.json.
    Source: https://github.com/vistec-AI/thai2transformers/issues/73;
        https://huggingface.co/docs/transformers/pad_truncation
    """
    config, length = subject.json("config.json"), int(tokenizer.model_max_length)
    limit, learned = positions(config)
    record.capability(
        "tokenizer.max_length", length if length < NO_LIMIT else "no limit", evidence={"positions": limit}
    )
    if length < 1:
        raise Defect(
            f"model_max_length is {length}, so truncation leaves no tokens.", evidence={"model_max_length": length}
        )
    if limit is None:
        raise NotApplicable("config.json declares no number of positions")
    if length > limit:
        raise _finding(config, length, limit, learned=learned)


def _finding(config: dict[str, Any], length: int, limit: int, *, learned: bool) -> Defect | Hazard:
    """Returns a defect if longer texts are an index error, because the positions are a table."""
    shown = f"{length}" if length < NO_LIMIT else "no real limit (1e30)"
    evidence = {"model_max_length": float(length), "positions": limit, "model_type": config.get("model_type")}
    if learned:
        summary = (
            f"model_max_length is {shown}, but the model has {limit} learned positions: longer texts that truncation "
            "should cut end in an index error."
        )
        return Defect(summary, evidence=evidence)
    summary = (
        f"model_max_length is {shown}, but config.json declares {limit} positions: truncation does not keep texts "
        "within them."
    )
    return Hazard(summary, evidence=evidence)


def positions(config: dict[str, Any]) -> tuple[int | None, bool]:
    """Number of tokens that fit, and True if the positions are learned."""
    text = text_part(config)
    count = next((text[name] for name in POSITIONS if isinstance(text.get(name), int) and text[name] > 0), None)
    kind = text.get("model_type") or config.get("model_type")
    learned = kind in LEARNED and text.get("position_embedding_type", "absolute") == "absolute"
    if count and kind in OFFSET:
        count -= int(text.get("pad_token_id") or 0) + 1
    return count, learned
