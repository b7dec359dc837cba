from __future__ import annotations

from fixtures.subjects.subject import Subject
from suites.findings import Record, Unsupported


def test_tasks_are_known(subject: Subject, task_names: tuple[str, ...], record: Record) -> None:
    """There is a pipeline task to try the model in, and one for every example whose right answer is declared.

    Why: without a task no pipeline runs, and an example about a task that is not tried is never asked; a verdict that
    does not say so is taken for more than it is.
    Fix: name the task in the manifest, or correct `architectures` and `id2label` in config.json.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    record.capability("pipelines.tasks", ", ".join(task_names) or "none")
    architecture = subject.traits.architecture
    if not task_names:
        named = f"the architecture {architecture}" if architecture else "config.json, which names no architecture"
        raise Unsupported(f"no pipeline task is known for {named}: no pipeline was tried")
    declared = [*subject.known, *subject.notes.get("canaries", ())]
    lost = [each["task"] for each in declared if each.get("task") not in (None, *task_names)]
    if lost:
        many = f"{len(lost)} canaries are" if len(lost) > 1 else "1 canary is"
        raise Unsupported(
            f"{many} about {', '.join(sorted({*lost}))}, which was not tried: {architecture} with its labels is made "
            f"for "
            f"{', '.join(task_names)}"
        )
