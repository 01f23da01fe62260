"""A flame graph: widths are how often a function was seen, below what called it; no name can break it."""

from collections.abc import Mapping
from xml.etree import ElementTree

from virtuoso.operations.flame import flame_graph
from virtuoso.operations.sampling import Stack

_SVG = "{http://www.w3.org/2000/svg}"


def boxes(stacks: Mapping[Stack, int]) -> dict[str, tuple[float, float, float]]:
    """Left, top and width of each box, by what it says when it is pointed at."""
    found = {}
    for group in ElementTree.fromstring(flame_graph(stacks, "a <title>")).iter(f"{_SVG}g"):
        title, rectangle = group.find(f"{_SVG}title"), group.find(f"{_SVG}rect")
        assert title is not None
        assert rectangle is not None
        left, top, width = (float(rectangle.get(name, "")) for name in ("x", "y", "width"))
        found[title.text or ""] = left, top, width
    return found


def test_a_box_is_as_wide_as_it_was_seen_often_and_lies_below_its_caller() -> None:
    found = boxes({
        ("worker", "virtuoso.a:f", "virtuoso.a:g"): 60, ("worker", "virtuoso.a:f", "json:<lambda> & co"): 30,
        ("MainThread",): 10,
    })  # fmt: skip
    main, worker, caller = found["MainThread: 10.0%"], found["worker: 90.0%"], found["virtuoso.a:f: 90.0%"]
    ours, theirs = found["virtuoso.a:g: 60.0%"], found["json:<lambda> & co: 30.0%"]
    assert [box[2] for box in (main, worker, caller, ours, theirs)] == [120.0, 1_080.0, 1_080.0, 720.0, 360.0]
    assert (main[0], worker[0]) == (0.0, 120.0)
    assert (theirs[0], ours[0]) == (120.0, 480.0), "side by side, by name"
    assert main[1] == worker[1] < caller[1] < ours[1] == theirs[1]


def test_what_is_too_narrow_to_be_seen_is_left_out_and_nothing_is_no_mistake() -> None:
    found = boxes({("a", "b"): 1, ("c",): 9_999})
    assert set(found) == {"c: 100.0%"}
    assert boxes({}) == {}
