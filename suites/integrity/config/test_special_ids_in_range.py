from __future__ import annotations

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.integrity.config.special_ids import GENERATION, NAMES, by_file, ids


@needs("config")
@uses("loading", "generation")
def test_special_ids_in_range(subject: Subject, embedding_rows: int) -> None:
    """The ids of special tokens in the config files are rows of the embedding matrix.

    Why: a stop id beyond the vocabulary is never generated, so generation runs to the limit. A pad or start token
        beyond it is an index error; on a GPU it ends the process.
    Fix: write the tokenizer's ids into config.json and generation_config.json.
    Source: https://huggingface.co/docs/transformers/main_classes/configuration (token ids)
    """
    wrong = {
        f"{file}: {name}": number
        for file, settings in by_file(subject).items()
        for name in NAMES
        for number in ids(settings, name)
        if not 0 <= number < embedding_rows
    }
    if wrong:
        raise _finding(subject, wrong, embedding_rows)


def _finding(subject: Subject, wrong: dict[str, int], embedding_rows: int) -> Defect | Hazard:
    """Returns a defect if generation cannot stop at a stop token, else a hazard."""
    where, number = next(iter(wrong.items()))
    summary = f"{where} is {number}, but the embedding matrix has only {embedding_rows} rows."
    stops = subject.traits.can_generate and any("eos" in name and GENERATION in name for name in wrong)
    return (Defect if stops else Hazard)(
        summary,
        evidence={"out of range": wrong, "rows": embedding_rows},
        uses=("generation",) if all("eos" in name for name in wrong) else (),
    )
