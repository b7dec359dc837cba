from __future__ import annotations

from pathlib import Path

from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.integrity.files.pickles import SUFFIXES, dangerous, imports, is_pickle, unusual

TRAINING = ("optimizer", "scheduler", "training_args", "rng_state", "scaler", "trainer_state")
"""What a trainer leaves beside the weights."""


@needs("config")
def test_no_pickles(
    subject: Subject,
) -> None:
    """No file in the directory is a pickle.

    Why: loading a pickle runs whatever it names. Loaders that know no safetensors, older versions and scripts of others
        take `pytorch_model.bin` where they find it, also beside safetensors.
    Fix: delete the pickles where safetensors holds the weights; convert them where it does not.
    Source: https://huggingface.co/docs/hub/security-pickle
    """
    files = [path for place in ("*", "*/*") for path in sorted(subject.path.glob(place)) if _may_be(path)]
    named = {path.relative_to(subject.path).as_posix(): (path, imports(path)) for path in files}
    pickles = {name: found for name, (path, found) in named.items() if found or is_pickle(path)}
    for name, found in pickles.items():
        if calls := dangerous(found):
            raise Defect(f"{name} calls {calls[0]} when it is loaded: it runs code.", evidence={name: found[:40]},
                         remedy=f"Do not load {name}; delete it, and tell the author and the host.")  # fmt: skip
    if pickles:
        odd = {name: rest for name, found in pickles.items() if (rest := unusual(found))}
        name = next(iter(odd or pickles))
        beside = " beside model.safetensors" if subject.traits.parameters else ""
        more = f", and it imports {odd[name][0]}, which weights do not need" if odd else ""
        others = f" (and {', '.join(sorted({*pickles} - {name})[:4])})" if len(pickles) > 1 else ""
        training = ", left over from training" if Path(name).name.startswith(TRAINING) else beside
        raise Hazard(f"{name}{others} is a pickle{training}: loading it runs what it names{more}.", evidence=pickles)


def _may_be(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.is_file() and not path.is_symlink()
