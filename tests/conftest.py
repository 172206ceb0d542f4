"""What holds for every test: those that watch real processes run one after the other."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side (`pytest -n`), keep the system tests on one worker.

    They boot machines, bind well-known ports and watch a real clock; beside each other they would
    measure their own crowd.
    """
    for item in items:
        if "tests/system/" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("system"))
