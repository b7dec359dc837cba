from __future__ import annotations

from fixtures.files.problems import SubjectProblem
from fixtures.session.needs import also_quantized
from fixtures.session.session import Session
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant


@also_quantized
@uses("loading")
def test_loads(subject: Subject, variant: Variant | None, trial: Session) -> None:
    """Every part that the subject declares can be loaded: config, tokenizer, weights.

    Why: a model cannot be adopted if it does not load, or loads only with unreviewed code or pickles.
    Fix: the finding names the file and the fix.
    Source: https://huggingface.co/docs/transformers/main_classes/model (from_pretrained)
    """
    if subject.traits.problems:
        raise SubjectProblem(subject.traits.problems[0])
    if subject.traits.has_tokenizer or subject.traits.bare_template:
        trial.model_cache.tokenizer(subject)
    if variant:
        trial.model_cache.model(subject, variant)
