"""Helpers of image checks: processors, boxes in images, and the comparison of two answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.inputs import images, scenes, videos
from suites.findings import Limit, NotApplicable
from suites.pipelines import processors
from suites.pipelines.contracts import labelled_boxes
from suites.pipelines.contracts.agreement import difference
from suites.pipelines.contracts.labelled_boxes import LabelledBox as Box
from suites.pipelines.contracts.tasks import depth_and_images
from suites.pipelines.image_processing import resizing


class Processor:
    """Returns pixel values of a given shape."""

    def __init__(self, *shape: int, **settings: Any):
        self.shape = shape
        self.__dict__.update(settings)

    def __call__(self, images: Any, return_tensors: str, **options: Any) -> dict[str, Any]:
        import numpy

        self.received = images
        return {"pixel_values": numpy.zeros((1, *self.shape))} if self.shape else {"input_ids": numpy.zeros((1, 4))}


@pytest.mark.parametrize("shape", [(3, 8, 9), (2, 3, 8, 9), (16, 3, 8, 9)])
def test_pixel_values_are_those_of_the_first_image(shape: tuple[int, ...]) -> None:
    assert processors.pixel_values(Processor(*shape), images.picture("red disc")).shape == (3, 8, 9)


def test_a_pair_is_passed_as_a_pair() -> None:
    processor = Processor(2, 3, 8, 9)
    processors.pixel_values(processor, "picture", "keypoint-matching")
    assert processor.received == ["picture", "picture"]


@pytest.mark.parametrize("shape", [(), (64, 768)])
def test_output_without_an_image_is_unsupported(shape: tuple[int, ...]) -> None:
    with pytest.raises(Limit):
        processors.pixel_values(Processor(*shape), images.picture("red disc"))


WIDE = (120, 60)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"size": {"height": 8, "width": 9, "shortest_edge": None}}, [((9, 8), None)]),
        ({"size": {"shortest_edge": 20}}, [((40, 20), None), ((20, 20), None), ((44, 22), (12, 1, 32, 21))]),
        ({"size": {"shortest_edge": 384}, "crop_pct": 0.9}, [((768, 384), None), ((384, 384), None)]),
        (
            {"size": {"height": 9, "width": 9}, "do_center_crop": True, "crop_size": {"height": 8, "width": 9}},
            [((9, 9), (0, 0, 9, 8)), ((9, 9), (0, 1, 9, 9))],
        ),
        ({"size": {"longest_edge": 20}}, [((20, 10), None)]),
        ({"size": {"shortest_edge": 40, "longest_edge": 60}}, [((60, 30), None)]),
        ({"size": {"max_pixels": 20}}, []),
        ({}, []),
    ],
)
def test_ways_to_resize_and_crop(settings: dict[str, Any], expected: list[Any]) -> None:
    found = resizing.geometries(SimpleNamespace(**settings), *WIDE)
    assert [(each.resized, each.box) for each in found][: len(expected)] == expected
    assert bool(found) == bool(expected)


def test_a_size_is_exact_if_nothing_is_cropped() -> None:
    exact = {"size": {"height": 8, "width": 9}}
    assert resizing.is_exact(SimpleNamespace(**exact))
    assert not resizing.is_exact(SimpleNamespace(**exact, do_center_crop=True))
    assert not resizing.is_exact(SimpleNamespace(size={"shortest_edge": 8}))


def test_a_switch_that_no_check_computes_is_named() -> None:
    assert processors.other_step(SimpleNamespace(do_resize=True, include_top=True, do_pad=False)) == "include_top"


@pytest.mark.parametrize(
    ("settings", "std"),
    [
        ({"do_normalize": True, "image_std": [0.5, 0.25, 1.0]}, 0.25),
        ({"do_normalize": True, "image_std": 0.5}, 0.5),
        ({"do_normalize": False, "image_std": [0.5]}, 1.0),
        ({}, 1.0),
    ],
)
def test_the_smallest_std_counts(settings: dict[str, Any], std: float) -> None:
    assert processors.smallest_std(SimpleNamespace(**settings)) == std


def test_a_pipe_has_its_processor_in_one_of_three_attributes() -> None:
    def pipe(library: Any, call: Any = None) -> Any:
        return SimpleNamespace(library=library, call=call, task="any")

    assert processors.processor_of(pipe(SimpleNamespace(image_processor="a"))) == "a"
    inner = SimpleNamespace(image_processor=None, processor=SimpleNamespace(image_processor="b"))
    assert processors.processor_of(pipe(inner)) == "b"
    assert processors.processor_of(pipe(None, SimpleNamespace(image_processor="c"))) == "c"
    with pytest.raises(NotApplicable):
        processors.processor_of(pipe(SimpleNamespace()))


def test_boxes_are_parsed_as_they_are_written() -> None:
    text = "red disc 4 10 24 30; cat; sea lion -1 0 5 6"
    found = labelled_boxes.parse(text)
    assert found == [
        Box("red disc", (4, 10, 24, 30)),
        Box("cat"),
        Box("sea lion", (-1, 0, 5, 6)),
    ]
    assert labelled_boxes.as_text(found) == text


@pytest.mark.parametrize(
    ("found", "right"),
    [
        ([Box("cat", (0, 0, 10, 10)), Box("dog", (20, 0, 30, 10))], True),
        ([Box("dog", (21, 1, 31, 11)), Box("CAT", (1, 0, 10, 10))], True),
        ([Box("cat", (0, 0, 10, 10))], False),
        ([Box("cat", (20, 0, 30, 10)), Box("dog", (0, 0, 10, 10))], False),
        (
            [
                Box("cat", (0, 0, 10, 10)),
                Box("dog", (20, 0, 30, 10)),
                Box("dog", (0, 0, 10, 10)),
            ],
            False,
        ),
    ],
)
def test_boxes_match_by_label_and_position(found: list[Box], right: bool) -> None:
    expected = "cat 0 0 10 10; dog 20 0 30 10"
    assert (labelled_boxes.match_expected(found, expected) == expected) is right


def test_overlap_is_intersection_over_union() -> None:
    assert labelled_boxes.overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert labelled_boxes.overlap((0, 0, 10, 10), (20, 20, 30, 30)) == 0.0
    assert labelled_boxes.overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0


@pytest.mark.parametrize(
    ("box", "wrong"),
    [
        ((0, 0, 48, 40), ""),
        ((-10, -10, 30, 30), ""),
        ((29, 6, 16, 18), "ends before it begins"),
        ((60, 0, 80, 20), "middle outside"),
        ((-60, 0, 100, 20), "larger than the image"),
    ],
)
def test_boxes_may_cross_an_edge(box: labelled_boxes.Box, wrong: str) -> None:
    assert wrong in next(labelled_boxes.box_problems(box, (48, 40)), "")


def test_images_agree_within_a_level_and_a_few_pixels() -> None:
    from PIL import Image

    plain, lighter, other = (Image.new("L", (100, 100), level) for level in (100, 101, 130))
    assert difference(plain, lighter, 1e-4) is None
    assert difference(plain, lighter, 0.0) is not None
    assert "100.0% of its pixels" in str(difference(plain, other, 1e-4))
    patched = plain.copy()
    patched.paste(255, (0, 0, 10, 5))
    assert difference(plain, patched, 1e-4) is None
    assert "shape" in str(difference(plain, plain.resize((50, 100)), 1e-4))


def test_whole_numbers_agree_within_the_integer_tolerance() -> None:
    one, other = {"xmin": 3, "score": 0.5}, {"xmin": 4, "score": 0.5}
    assert difference(one, other, 1e-4, 1) is None
    assert difference(one, other, 1e-4) is not None
    assert difference({"score": 0.5}, {"score": 0.6}, 1e-4, 1) is not None


def test_depths_are_compared_at_pixels() -> None:
    import numpy

    answer = {"predicted_depth": numpy.array([[1.0, 2.0], [3.0, 3.0]])}
    assert depth_and_images.compare_depths(answer, "1,0 > 0,0; 0,1 > 1,1") == "1,0 > 0,0; 0,1 = 1,1"
    assert depth_and_images.compare_depths(answer, "5,0 > 0,0") == "2 x 2 pixels"


def test_boxes_of_scenes_are_right() -> None:
    """The box of each disc is the box of its pixels, and random discs are inside of their image."""
    import random

    import numpy

    for size, things in scenes.SCENES:
        regions = scenes.label_map(size, things)
        for thing in things:
            rows, columns = numpy.nonzero(regions == scenes.LABELS.index(thing.kind) + 1)
            found = (columns.min(), rows.min(), columns.max(), rows.max())
            assert labelled_boxes.overlap(thing.box(size), tuple(map(float, found))) > 0.85  # type: ignore[arg-type]
    for seed in range(30):
        picture, discs = scenes.random_scene(random.Random(seed))
        boxes = [disc.box(picture.size) for disc in discs]
        assert all(min(box) >= -0.01 and box[2] <= picture.size[0] + 0.01 for box in boxes)
        assert all(box[3] <= picture.size[1] + 0.01 for box in boxes)


def test_videos_come_back_frame_by_frame(tmp_path: Any) -> None:
    av = pytest.importorskip("av")
    import numpy

    levels = [10, 90, 170, 250]
    with av.open(videos.as_file(videos.grey_frames(levels), tmp_path / "counted.mkv")) as video:
        seen = [int(frame.to_ndarray(format="rgb24")[5, 5, 0]) for frame in video.decode(video=0)]
    assert numpy.abs(numpy.array(seen) - levels).max() <= 1
