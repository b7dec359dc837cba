from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import comparable_contract, require_repeatable


@uses("task", "inputs")
def test_input_forms_agree(pipe: Pipe, task: str) -> None:
    """An input gets the same answer in every form that the task accepts: alone, in a list, from a generator or a data
    set, as a path or a dictionary.

    Why: each form runs through different code; if one of them skips a preprocessing step, its answers differ.
    Fix: the finding names the form; compare the tensors that reach the model.
    Source: https://huggingface.co/docs/transformers/main/en/pipeline_tutorial#using-pipelines-on-a-dataset
    """
    contract = comparable_contract(pipe)
    sample, expected = contract.samples(pipe)[0], pipe.first
    for form, answer in _answers(contract, pipe, sample):
        if mismatch := contract.difference(pipe, expected, answer):
            require_repeatable(contract, pipe, sample)
            raise Defect(
                f"{task}: given {form}, an input gets another answer than alone: {mismatch}.",
                evidence={"input": brief(sample), "alone": brief(expected), form: brief(answer)},
            )


def _answers(contract: Contract, pipe: Pipe, sample: Any) -> Iterator[tuple[str, Any]]:
    options: Mapping[str, Any] = contract.options(pipe)
    yield "in a list", contract.answers(pipe, [sample])[0]
    for name, form in contract.other_forms(sample).items():
        yield f"as {name}", contract.from_single(pipe(form, **options))
    if contract.lists_only:
        return
    yield "from a generator", contract.from_stream(next(iter(pipe((each for each in [sample]), **options))))
    yield "from a data set", contract.from_stream(next(iter(pipe(_data_set([sample]), **options))))


def _data_set(items: list[Any]) -> Any:
    from torch.utils.data import Dataset

    class Items(Dataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(items)

        def __getitem__(self, index: int) -> Any:
            return items[index]

    return Items()
