"""The database cluster: writes need its primary, and a majority of its nodes."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, error, note, ok, warning
from cospaced.doctor.site import Site
from cospaced.domain.installation import Database, DatabaseNode


_STATUS = "`database cluster status` on the MMP of each node"


async def look(site: Site) -> Sequence[Finding]:
    """Ask one bridge; all of a cluster tell the same."""
    for met in (await site.cluster()).answering:
        database = await met.at.installation.database()
        if database is not None:
            return _judged(database)
    return [note("not checked: no Call Bridge tells")]


def _judged(database: Database) -> Sequence[Finding]:
    if not database.clustered:
        return [ok("is not clustered")]
    found: list[Finding] = []
    if database.error:
        found.append(error(f"reports: {database.error}", _STATUS))
    if database.nodes and not any(node.primary and node.up for node in database.nodes):
        found.append(error("has no primary, so CMS refuses every write", _STATUS))
    found += [finding for node in database.nodes if (finding := _of_node(node))]
    return found or [ok(f"{counted(len(database.nodes), 'node')}, all up and in sync")]


def _of_node(node: DatabaseNode) -> Finding | None:
    subject = f"database node {node.host}"
    if not node.up:
        return error("is down", _STATUS, subject)
    if node.behind:
        behind = "by how much is unknown" if node.behind < 0 else f"{node.behind} bytes"
        return warning(f"is behind the primary ({behind})", _STATUS, subject)
    return None


CHECK = Check(slug="database", title="Database", area=Area.CMS, look=look, deadline=60)
