"""From settings to what the doctor looks at: the daemon's own adapters, and nothing that writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from cospaced.bootstrap import addresses, bridge_maker, host_of, state_file
from cospaced.bootstrap_calendars import Sources
from cospaced.configuration.sources import files_of
from cospaced.doctor.shared import Shared
from cospaced.doctor.site import CallBridge, HostLooks, Site
from cospaced.errors import StoreUnusable
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.ports import Store
from cospaced.settings import Settings
from cospaced.store.memory import MemoryStore
from cospaced.store.site_key import FILE, read, site_id
from cospaced.store.sqlite import SqliteStore


@asynccontextmanager
async def doctor_site(
    settings: Settings, host: HostLooks | None = None, processing: Path | None = None
) -> AsyncIterator[Site]:
    """Make what the doctor looks at; connections, threads and workers are closed at the end.

    `host` replaces how the machine is asked; `processing` is an export of Exchange's settings.
    Raises ConfigurationError for a calendar that this release cannot read.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        make = bridge_maker(settings.cms, clock)

        def call_bridge(name: str, address: str) -> CallBridge:
            bridge = make(name, address)
            stack.push_async_callback(bridge.close)
            return CallBridge(
                name=name,
                address=bridge.address,
                bridge=bridge,
                installation=bridge.installation,
            )

        def offload(name: str) -> ThreadOffload:
            made = ThreadOffload(name)
            stack.callback(made.close)
            return made

        files, secrets = await offload("files").run(partial(files_of, settings.file))
        sources = await Sources(clock, stack).of(settings)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        shared = Shared(tasks)
        stack.callback(shared.end)
        key = settings.daemon.state_dir / FILE
        yield Site(
            settings=settings,
            clock=clock,
            sources=sources,
            bridges=tuple(call_bridge(host_of(at), at) for at in addresses(settings.cms)),
            make_bridge=call_bridge,
            open_store=partial(_store, settings, stack),
            empty_store=MemoryStore(),
            state_file=state_file(settings),
            site_key=key,
            site_id=partial(_site_id, key),
            offload=offload,
            shared=shared,
            files=files,
            secrets=secrets,
            processing=processing,
            host=host or HostLooks(),
        )


def _site_id(path: Path) -> str:
    key = read(path)
    return site_id(key) if key else ""


async def _store(settings: Settings, stack: AsyncExitStack) -> Store:
    offload = ThreadOffload("state")
    stack.callback(offload.close)
    path = state_file(settings)
    try:
        await offload.run(path.stat)
    except FileNotFoundError:
        return MemoryStore()
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be read: {error.strerror}; run this as root") from error
    store = await SqliteStore.open_read_only(path, offload=offload)
    stack.push_async_callback(store.close)
    return store
