"""Every fault of the list can still be planted, and the page lists them all."""

from __future__ import annotations

import pytest

from tests.night import REPOSITORY
from tests.plant_faults import FAULTS, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_fault_can_still_be_planted(fault: Fault) -> None:
    assert fault.old in (REPOSITORY / fault.file).read_text("utf-8")
    for name in fault.tests.split():
        file, _, test = name.partition("::")
        assert f"def {test}" in (REPOSITORY / file).read_text("utf-8")


def test_the_page_lists_every_fault() -> None:
    page = (REPOSITORY / "docs" / "faults.md").read_text("utf-8")
    assert [fault.what for fault in FAULTS if fault.what not in page] == []
