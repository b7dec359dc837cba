from __future__ import annotations

from pathlib import Path

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.integrity.files.pickles import SUFFIXES, dangerous, imports, is_pickle, unusual

TRAINING = ("optimizer", "scheduler", "training_args", "rng_state", "scaler", "trainer_state")
"""Beginnings of the names of files that a trainer saves next to the weights."""


@needs("config")
@uses("loading")
def test_no_pickles(subject: Subject) -> None:
    """No file in the directory is a pickle.

    Why: loading a pickle can run arbitrary code. Older library versions and third-party scripts load
        `pytorch_model.bin` even if there are safetensors files.
    Fix: delete the pickles if safetensors files hold the weights; otherwise convert them.
    Source: https://huggingface.co/docs/hub/security-pickle
    """
    files = [path for pattern in ("*", "*/*") for path in sorted(subject.path.glob(pattern)) if _may_be_pickle(path)]
    named = {path.relative_to(subject.path).as_posix(): (path, imports(path)) for path in files}
    pickles = {name: found for name, (path, found) in named.items() if found or is_pickle(path)}
    for name, found in pickles.items():
        if calls := dangerous(found):
            raise Defect(
                f"{name} runs code when it is loaded: it calls {calls[0]}.",
                evidence={name: found[:40]},
                fix=f"Do not load {name}; delete it, and report it to author and host.",
            )
    if pickles:
        odd = {name: rest for name, found in pickles.items() if (rest := unusual(found))}
        name = next(iter(odd or pickles))
        next_to_weights = " next to model.safetensors" if subject.traits.parameters else ""
        more = f", and it imports {odd[name][0]}, which weights do not need" if odd else ""
        others = f" (and {', '.join(sorted({*pickles} - {name})[:4])})" if len(pickles) > 1 else ""
        origin = ", left over from training" if Path(name).name.startswith(TRAINING) else next_to_weights
        raise Hazard(f"{name}{others} is a pickle{origin}: loading it can run code{more}.", evidence=pickles)


def _may_be_pickle(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.is_file() and not path.is_symlink()
