"""Who is blamed for a deviation: the subject, the library, or a design that depends on the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.findings import Defect, Hazard, NotApplicable
from suites.running import library_faults
from suites.running.agreement import TOKENS_DIFFER


@pytest.fixture(scope="module")
def model() -> Any:
    import transformers

    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=8, num_key_value_heads=1, **sizes))


def raising(when: Callable[[Any], bool]) -> Callable[..., None]:
    def check(generator: Any) -> None:
        if when(generator):
            raise Defect("again")

    return check


def test_what_a_new_model_does_not_do_is_the_subjects(model: Any) -> None:
    defect = Defect("the logits differ")
    assert library_faults.judged(defect, raising(lambda each: each is model), {"generator": model}) is defect


@pytest.mark.parametrize(("evidence", "kind"), [({}, Hazard), ({TOKENS_DIFFER: True}, Defect)])
def test_what_every_new_model_does_is_the_librarys(model: Any, evidence: dict[str, Any], kind: type) -> None:
    found = library_faults.judged(Defect("d", evidence=evidence), raising(lambda _: True), {"generator": model})
    assert (type(found), found.about) == (kind, "library")
    assert "LlamaForCausalLM of transformers" in found.summary


def test_experts_without_room_are_a_design(model: Any) -> None:
    layer = model.model.layers[0]
    layer.expert_capacity = 2
    try:
        check = raising(lambda each: each.model.layers[0].expert_capacity < 100)
        assert isinstance(library_faults.judged(Defect("d"), check, {"generator": model}), NotApplicable)
        assert layer.expert_capacity == 2
    finally:
        del layer.expert_capacity


def test_code_of_the_subject_is_the_subjects(model: Any) -> None:
    own = type("Own", (type(model),), {"__module__": "modeling_own"})(model.config)
    defect = Defect("d")
    assert library_faults.judged(defect, raising(lambda _: True), {"generator": own}) is defect
