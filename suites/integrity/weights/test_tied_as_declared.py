from __future__ import annotations

from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from fixtures.subjects.variant import Variant
from suites.findings import Defect, NotApplicable, Record
from suites.integrity.tensor_names import INPUT, OUTPUTS, embedding

TIED = "tie_word_embeddings"


@uses("loading", "training", "sharing")
def test_tied_as_declared(
    weight_statistics: dict[str, TensorStatistics],
    config: dict[str, Any],
    loaded: Loaded,
    variant: Variant,
    record: Record,
) -> None:
    """Input and output embeddings are tied if, and only if, `tie_word_embeddings` is true.

    Why: if the flag is true and a separate head is stored, versions of the library differ in whether they use it or
        overwrite it with the input embeddings. If tied weights come apart, fine-tuning and merging change only one.
    Fix: set `tie_word_embeddings` as in training; delete the stored head only if it equals the embeddings.
    Source: https://github.com/huggingface/transformers/issues/42612; https://github.com/vllm-project/vllm/issues/51063
    """
    flag = _flag(config, loaded.model)
    inner, head = _matrices(loaded.model)
    if flag is None or inner is None or head is None:
        raise NotApplicable(f"the model has no two matrices of word embeddings, or no setting {TIED}")
    _must_store_one_head(weight_statistics, flag)
    if variant.quantization == "none":  # quantized, the two are stored in different ways
        tied = inner is head or (inner.data_ptr() == head.data_ptr() and not inner.is_meta)
        record.capability("integrity.tied_embeddings", "yes" if tied else "no")
        _must_be_tied_as_declared(weight_statistics, inner, head, tied=tied, flag=flag)


def _must_be_tied_as_declared(
    stored: dict[str, TensorStatistics], inner: Any, head: Any, *, tied: bool, flag: bool
) -> None:
    __tracebackhide__ = True
    if flag and not tied and inner.shape == head.shape:
        raise Defect(
            f"config.json declares {TIED}, but input and output embeddings are two matrices in memory.",
            uses=("training", "sharing"),
        )
    if tied and not flag:
        _must_not_share(_stored(stored, INPUT), _stored(stored, OUTPUTS))


def _must_not_share(inner: TensorStatistics | None, head: TensorStatistics | None) -> None:
    """Raises Defect with the cause of one matrix in memory; nothing is known if the checkpoint has neither name."""
    __tracebackhide__ = True
    one = f"config.json sets {TIED} to false, but the two embeddings are one matrix in memory"
    if inner and head:
        raise Defect(f"{one}: the stored head is not used.")
    if head:
        raise Defect(
            f"{one}: the input embeddings are not in the checkpoint, and {head.tensor.name} is used instead.",
            evidence={"head": head.tensor.name},
        )
    if inner:
        raise Defect(
            f"{one}: the head is not in the checkpoint, and {inner.tensor.name} is used instead.",
            evidence={"input": inner.tensor.name},
        )


def _flag(config: dict[str, Any], model: Any) -> bool | None:
    """Returns the flag of the file, else the default of the config class, else None."""
    for part in (config, text_part(config), model.config.get_text_config().to_dict()):
        if isinstance(part.get(TIED), bool):
            return bool(part[TIED])
    return None


def _matrices(model: Any) -> tuple[Any, Any]:
    try:
        parts = model.get_input_embeddings(), model.get_output_embeddings()
    except (NotImplementedError, AttributeError):  # no word embeddings
        return None, None
    weights = tuple(getattr(part, "weight", None) for part in parts)
    return weights[0], weights[1]


def _stored(stored: dict[str, TensorStatistics], endings: tuple[str, ...]) -> TensorStatistics | None:
    return embedding(stored, endings, 0)


def _must_store_one_head(stored: dict[str, TensorStatistics], flag: bool) -> None:
    __tracebackhide__ = True
    inner, head = _stored(stored, INPUT), _stored(stored, OUTPUTS)
    if not inner or not head or not flag or inner.tensor.shape != head.tensor.shape:
        return
    if inner.digest != head.digest and inner.tensor.dtype == head.tensor.dtype:
        raise Defect(
            f"config.json declares {TIED}, but {head.tensor.name} is stored with other values than "
            f"{inner.tensor.name}: some libraries overwrite it, others use it."
        )
