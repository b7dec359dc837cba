from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fixtures.inputs.conversations import PLAIN
from fixtures.models.embedding_rows import INPUT, OUTPUT, Matrix, find, unreadable
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, stop_ids
from suites.chat_templates.evidence import encoded, rendered
from suites.chat_templates.tokens.markers import emitted
from suites.evidence import tokens
from suites.findings import Defect, Finding, Hazard, Limit

UNTRAINED_BELOW = 0.01
"""Share of the median norm below which a row is not trained: initial rows and rows of rare tokens are larger, as the
paper's figures show."""
MANY_EQUAL_ROWS = 3


@needs("weight_files")
@uses("chat")
def test_template_tokens_trained(subject: Subject, tokenizer: Any, chat: Chat) -> None:
    """Every control token that the template writes has its own, trained embedding row.

    Why: base models have rows for chat tokens that are zero or all equal; with a chat template the model then cannot
        tell who speaks, and fine-tuning without the embeddings does not help or gives NaN.
    Fix: Use the weights of the instruct model, train the rows (modules_to_save or full fine-tuning), or use only
        trained tokens in the template.
    Source: https://arxiv.org/abs/2405.05417; https://github.com/unslothai/unsloth/issues/915;
        https://github.com/meta-llama/llama3/issues/77
    """
    rendered(chat, PLAIN["a question"])
    control = emitted(chat)
    matrix = find(subject.path, INPUT, len(tokenizer))
    if matrix is None:
        name = next(unreadable(subject.path), "not found")
        raise Limit(f"the embedding matrix ({name}) is quantized: run this check on the full-precision checkpoint")
    check_rows(tokenizer, matrix, control, "in the input embedding")
    head = find(subject.path, OUTPUT, len(tokenizer))
    if head is not None:
        check_rows(tokenizer, head, end_tokens(subject, tokenizer, chat), "in the output matrix")


def end_tokens(subject: Subject, tokenizer: Any, chat: Chat) -> dict[int, str]:
    """The tokens that end the model's turn, which the model has to generate."""
    stops = stop_ids(subject, tokenizer)[0]
    ids = encoded(chat, (chat.ending or "") + (chat.before_next_user or ""))
    return {number: str(tokens(tokenizer, [number])[0]) for number in ids if number in stops}


def check_rows(tokenizer: Any, matrix: Matrix, control: dict[int, str], where: str) -> None:
    """Raises a finding for rows that are zero or equal; tokenizers/ids-have-embedding-rows reports missing ones."""
    __tracebackhide__ = True
    present = {number: text for number, text in control.items() if number < matrix.count}
    if not present:
        return
    typical = matrix.typical_norm()
    norms = dict(zip(present, map(float, matrix.norms(present)), strict=True))
    empty = [number for number, norm in norms.items() if norm < UNTRAINED_BELOW * typical]
    evidence = {
        "tensor": matrix.name,
        "file": matrix.path.name,
        "median norm": typical,
        "norms": {text: norms[number] for number, text in present.items()},
    }
    if empty:
        rows = "rows are" if len(empty) > 1 else "row is"
        summary = f"The template writes {named(present, empty)}, whose {rows} zero or nearly zero {where}."
        raise Defect(summary, evidence=evidence)
    others = {*matrix.sample_ids(), *tokenizer.added_tokens_decoder, *range(len(tokenizer), matrix.count)}
    for number, same in matrix.equal_rows(present, others).items():
        if same:
            known = [each for each in same if each < len(tokenizer)][:20]
            evidence |= {"same row": same[:20], "tokens": tokens(tokenizer, known)}
            raise equal_rows(f"{present[number]} (id {number})", same, present, where, evidence)


def equal_rows(token: str, same: list[int], present: dict[int, str], where: str, evidence: dict[str, Any]) -> Finding:
    """Finding about equal rows; trained rows are never bitwise equal."""
    if both := [number for number in same if number in present]:
        summary = f"{token} and {named(present, both)} have the same row {where}: the model cannot distinguish them."
        return Defect(summary, evidence=evidence)
    if len(same) >= MANY_EQUAL_ROWS:
        count = f"at least {len(same)} other tokens"
        return Defect(f"{token} has the same row as {count} {where}: it is not trained.", evidence=evidence)
    return Hazard(f"{token} has the same row as id {same[0]} {where}: an untrained copy.", evidence=evidence)


def named(texts: dict[int, str], ids: Collection[int]) -> str:
    return " and ".join(f"{texts[number]} (id {number})" for number in ids)
