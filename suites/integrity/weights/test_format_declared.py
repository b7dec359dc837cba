from __future__ import annotations

from fixtures.files import weights
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard


@uses("serving", "sharing", worst="hazard")
def test_format_declared(weight_files: Subject) -> None:
    """Each weight file declares its framework (`format`) in its metadata.

    Why: some loaders reject safetensors files without `format` or read them differently: some versions of transformers
        fail with an error about metadata, and other tools guess the layout.
    Fix: save again with `save_file(tensors, path, metadata={"format": "pt"})`.
    Source: https://github.com/safetensors/safetensors/issues/549; https://github.com/ml-explore/mlx/issues/743
    """
    silent = [
        name
        for name in weights.files(weight_files.path)
        if not (weights.metadata(weight_files.path / name) or {}).get("format")
    ]
    if silent:
        raise Hazard(f"{silent[0]} has no format in its metadata: some loaders reject it.", evidence={"files": silent})
