"""Reports stay until stage has them in its rows."""

from avatar_engine.reports import KEPT_REPORTS, ReportLog


def test_reports_are_numbered_and_kept_until_acknowledged() -> None:
    log = ReportLog("r", 5)
    for event in ("started", "ended"):
        log.add(event, 1, 1, 0, 0)
    log.add("started", 2, 1, 1920, 0)
    assert [report["n"] for report in log.unacknowledged] == [1, 2, 3]
    log.acknowledge(2)
    assert [report["n"] for report in log.unacknowledged] == [3]
    log.acknowledge(1)
    assert [report["n"] for report in log.unacknowledged] == [3]
    assert log.add("ended", 2, 1, 3840, 40)["n"] == 4


def test_report_has_every_field_of_the_wire() -> None:
    report = ReportLog("r", 5).add("cut", 7, 3, 1920, 40)
    assert report.pop("wall_ms") > 1_600_000_000_000
    assert report == {
        "type": "report",
        "room": "r",
        "n": 1,
        "event": "cut",
        "sentence": 7,
        "turn": 3,
        "epoch": 5,
        "pts": 1920,
        "heard_ms": 40,
    }


def test_oldest_report_goes_when_nobody_acknowledges() -> None:
    log = ReportLog("r", 5)
    for number in range(KEPT_REPORTS + 10):
        log.add("started", number, 1, 0, 0)
    kept = [report["n"] for report in log.unacknowledged]
    assert len(kept) == KEPT_REPORTS
    assert kept[0] == 11
