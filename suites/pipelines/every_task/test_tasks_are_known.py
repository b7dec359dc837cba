from __future__ import annotations

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Limit, Record


@uses("loading")
def test_tasks_are_known(subject: Subject, task_names: tuple[str, ...], record: Record) -> None:
    """The model has a pipeline task, and each declared canary belongs to a task that is tested.

    Why: without a task, no pipeline is tested, and a canary of an untested task is ignored; the verdict would look
    better founded than it is.
    Fix: name the task in the manifest, or correct `architectures` and `id2label` in config.json.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    record.capability("pipelines.tasks", ", ".join(task_names) or "none")
    architecture = subject.traits.architecture
    if not task_names:
        named = f"the architecture {architecture}" if architecture else "a config.json without an architecture"
        raise Limit(f"no pipeline was tested, because seatrial knows no task for {named}")
    declared = [*subject.manifest_canaries, *subject.notes.get("canaries", ())]
    lost = [each["task"] for each in declared if each.get("task") not in (None, *task_names)]
    if lost:
        many = f"{len(lost)} canaries belong" if len(lost) > 1 else "1 canary belongs"
        raise Limit(
            f"{many} to {', '.join(sorted({*lost}))}, which was not tested: the tasks of {architecture} with its "
            f"labels are {', '.join(task_names)}"
        )
