"""What holds for every test: those that watch real processes run one after the other."""

import os

import pytest


def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores: the system tests mostly wait."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side (`pytest -n`), keep the system tests on one worker.

    They boot machines, bind well-known ports and watch a real clock; beside each other they would
    measure their own crowd. They come first, for they take longest.
    """
    for item in items:
        if _is_of_the_system(item):
            item.add_marker(pytest.mark.xdist_group("system"))
    items.sort(key=_is_of_the_system, reverse=True)


def _is_of_the_system(item: pytest.Item) -> bool:
    return "tests/system/" in item.path.as_posix()
