"""The latency line that the console draws."""

from __future__ import annotations

from frontend.pages.latency import build_latency


def test_latency_spans_add_up_to_the_total() -> None:
    line = build_latency({"received": 10.0, "accepted": 10.1, "first_sound": 11.0, "displayed": 11.25})
    assert line is not None
    assert [(span.step, span.took_ms) for span in line.spans] == [
        ("accepted", 100),
        ("first_sound", 900),
        ("displayed", 250),
    ]
    assert line.total_ms == 1250
    assert round(sum(span.width for span in line.spans)) == 100


def test_clock_that_runs_back_costs_no_time() -> None:
    line = build_latency({"received": 10.0, "first_sound": 11.0, "first_frame": 10.5, "displayed": 11.5})
    assert line is not None
    assert [span.took_ms for span in line.spans] == [1000, 0, 500]


def test_one_stamp_is_no_line() -> None:
    assert build_latency({"received": 10.0, "odd": "x"}) is None
