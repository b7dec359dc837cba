from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import shown
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import repeatable


def test_input_forms_agree(pipe: Pipe, task: str) -> None:
    """An input gets one answer in every form that the task accepts: alone, in a list, from a generator or a data set,
    and as whatever the task takes besides.

    Why: the forms run through different code; a preprocessing step that one of them skips gives other answers.
    Fix: the finding names the form; compare the tensors that reach the model.
    Source: https://huggingface.co/docs/transformers/main/en/pipeline_tutorial#using-pipelines-on-a-dataset
    """
    promised = repeatable(pipe)
    sample, expected = promised.samples(pipe)[0], pipe.first
    for form, given in _answers(promised, pipe, sample):
        if parted := promised.apart(pipe, expected, given):
            raise Defect(
                f"{task}: given {form}, {parted}.",
                evidence={"input": shown(sample), "alone": shown(expected), form: shown(given)},
            )


def _answers(promised: Contract, pipe: Pipe, sample: Any) -> Iterator[tuple[str, Any]]:
    options: Mapping[str, Any] = promised.options(pipe)
    yield "in a list", promised.answers(pipe, [sample])[0]
    for name, form in promised.forms(sample).items():
        yield f"as {name}", promised.single(pipe(form, **options))
    if promised.lists_only:
        return
    yield "from a generator", promised.streamed(next(iter(pipe((each for each in [sample]), **options))))
    yield "from a data set", promised.streamed(next(iter(pipe(_data_set([sample]), **options))))


def _data_set(items: list[Any]) -> Any:
    from torch.utils.data import Dataset

    class Items(Dataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(items)

        def __getitem__(self, index: int) -> Any:
            return items[index]

    return Items()
