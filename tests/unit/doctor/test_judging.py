"""From what was read to what it means, at each bound."""

from __future__ import annotations

import pytest

from gateway.doctor import judging
from gateway.doctor.finding import Finding, Grade, worst
from gateway.doctor.judging import Adapter
from rules.texts import LANGUAGES

HCI0 = Adapter("hci0", "aa:bb:cc:dd:ee:ff", blocked=False)
FINE, UNKNOWN, LOOK, BROKEN = Grade.FINE, Grade.UNKNOWN, Grade.LOOK, Grade.BROKEN

CASES: list[tuple[Finding, Grade]] = [
    (judging.adapters({"pi-1": "hci0"}, [HCI0])[0], FINE),
    (judging.adapters({"pi-1": "AA:BB:CC:DD:EE:FF"}, [HCI0])[0], FINE),
    (judging.adapters({"pi-1": "hci1"}, [HCI0])[0], BROKEN),
    (judging.adapters({"pi-1": "hci0"}, [Adapter("hci0", "", blocked=True)])[0], BROKEN),
    (judging.adapters({}, [])[0], FINE),
    (judging.rights(None), BROKEN),
    (judging.rights(False), LOOK),
    (judging.rights(True), FINE),
    (judging.version("kernel", "Linux", "6.1.0-18-arm64", (5, 10)), FINE),
    (judging.version("kernel", "Linux", "5.10.0", (5, 10)), FINE),
    (judging.version("kernel", "Linux", "5.9.16", (5, 10)), BROKEN),
    (judging.version("bluez", "BlueZ", "5.66", (5, 56)), FINE),
    (judging.version("bluez", "BlueZ", "", (5, 56)), UNKNOWN),
    (judging.version("bluez", "BlueZ", "bluetoothd 6.x", (5, 56)), UNKNOWN),
    (judging.broker("mqtt://b", None), FINE),
    (judging.broker("mqtt://b", "refused"), BROKEN),
    (judging.waiting(0, None), FINE),
    (judging.waiting(9, 3599), FINE),
    (judging.waiting(9, 3600), LOOK),
    (judging.clock(True), FINE),
    (judging.clock(False), LOOK),
    (judging.disk(63, 64), BROKEN),
    (judging.disk(64, 64), LOOK),
    (judging.disk(256, 64), FINE),
    (judging.disk_health(0, None), FINE),
    (judging.disk_health(0, 0.7), FINE),
    (judging.disk_health(0, 0.8), LOOK),
    (judging.disk_health(1, None), BROKEN),
    (judging.page(8080, True), FINE),
    (judging.page(8080, False), BROKEN),
    (judging.certificate(None), UNKNOWN),
    (judging.certificate(-0.1), BROKEN),
    (judging.certificate(13.9), LOOK),
    (judging.certificate(14.0), FINE),
    (judging.plan(["pi-1"], ["pi-1", "pi-2"]), FINE),
    (judging.plan(["pi-1", "x"], ["pi-1"]), BROKEN),
    (judging.database(None), FINE),
    (judging.database("row missing"), BROKEN),
    (judging.backups(None, None, None), LOOK),
    (judging.backups("/b", None, None), LOOK),
    (judging.backups("/b", 2.0, None), FINE),
    (judging.backups("/b", 2.1, None), LOOK),
    (judging.backups("/b", 0.1, "signature"), BROKEN),
]


@pytest.mark.parametrize(("finding", "grade"), CASES, ids=[f"{finding.about}-{at}" for at, (finding, _) in enumerate(CASES)])
def test_a_finding_has_the_grade_and_says_what_to_do_where_it_is_not_fine(finding: Finding, grade: Grade) -> None:
    assert finding.grade is grade
    for language in LANGUAGES:
        assert "{" not in finding.says(language) + finding.to_do(language)
        assert bool(finding.to_do(language)) is (grade in (LOOK, BROKEN))


def test_each_adapter_of_the_settings_is_judged() -> None:
    found = judging.adapters({"pi-1": "hci0", "pi-2": "hci1"}, [HCI0])
    assert [finding.grade for finding in found] == [FINE, BROKEN]


def test_the_whole_is_as_its_worst_part() -> None:
    assert worst([]) is FINE
    assert worst([judging.clock(True), judging.certificate(None)]) is UNKNOWN
    assert worst([judging.clock(False), judging.database("x"), judging.clock(True)]) is BROKEN
