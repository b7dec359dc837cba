from __future__ import annotations

from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import Stored
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Record, Unsupported
from suites.integrity.tensor_names import INPUT, OUTPUTS, embedding

KEY = "tie_word_embeddings"


def test_tied_as_declared(stored: dict[str, Stored], config: dict[str, Any], loaded: Loaded, variant: Variant,
                          record: Record) -> None:  # fmt: skip
    """Input and output embeddings are tied exactly when `tie_word_embeddings` says so.

    Why: where the flag is true and a separate head is stored, versions of the library differ in whether they use it or
        overwrite it with the input embeddings; where tied weights come apart, fine-tuning and merging change one only.
    Fix: set `tie_word_embeddings` to what was trained; delete the stored head only if the embeddings are the head.
    Source: https://github.com/huggingface/transformers/issues/42612; https://github.com/vllm-project/vllm/issues/51063
    """
    flag = _flag(config, loaded.model)
    inner, head = _matrices(loaded.model)
    if flag is None or inner is None or head is None:
        return
    _stored_head(stored, flag)
    if variant.quantization != "none":
        raise Unsupported(f"{variant.quantization} keeps the two matrices in different forms")
    tied = inner is head or (inner.data_ptr() == head.data_ptr() and not inner.is_meta)
    record.capability("integrity.tied_embeddings", tied)
    if flag and not tied and inner.shape == head.shape:
        raise Defect(f"config.json declares {KEY}, and input and output embeddings are two matrices in memory.")
    if tied and not flag:
        _one_of_two(_stored(stored, INPUT), _stored(stored, OUTPUTS))


def _one_of_two(inner: Stored | None, head: Stored | None) -> None:
    """One matrix in memory where the file declares two; in a checkpoint with neither name nothing is known."""
    __tracebackhide__ = True
    said = f"config.json sets {KEY} to false, and in memory the two are one"
    if inner and head:
        raise Defect(f"{said}: the stored head is not used.")
    if head:
        raise Defect(f"{said}: the input embeddings are not in the checkpoint, and the numbers of {head.tensor.name} "
                     "stand in for them.", evidence={"head": head.tensor.name})  # fmt: skip
    if inner:
        raise Defect(f"{said}: the head is not in the checkpoint, and the numbers of {inner.tensor.name} stand in "
                     "for it.", evidence={"input": inner.tensor.name})  # fmt: skip


def _flag(config: dict[str, Any], model: Any) -> bool | None:
    """As the file has it, else the default of the class; None where neither says anything."""
    for part in (config, text_part(config), model.config.get_text_config().to_dict()):
        if isinstance(part.get(KEY), bool):
            return bool(part[KEY])
    return None


def _matrices(model: Any) -> tuple[Any, Any]:
    try:
        parts = model.get_input_embeddings(), model.get_output_embeddings()
    except (NotImplementedError, AttributeError):  # no word embeddings
        return None, None
    weights = tuple(getattr(part, "weight", None) for part in parts)
    return weights[0], weights[1]


def _stored(stored: dict[str, Stored], endings: tuple[str, ...]) -> Stored | None:
    return embedding(stored, endings, 0)


def _stored_head(stored: dict[str, Stored], flag: bool) -> None:
    __tracebackhide__ = True
    inner, head = _stored(stored, INPUT), _stored(stored, OUTPUTS)
    if not inner or not head or not flag or inner.tensor.shape != head.tensor.shape:
        return
    if inner.digest != head.digest and inner.tensor.dtype == head.tensor.dtype:
        raise Defect(f"config.json declares {KEY}, and {head.tensor.name} is stored with other numbers than "
                     f"{inner.tensor.name}: one library overwrites it, another uses it.")  # fmt: skip
