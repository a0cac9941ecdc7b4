"""Client of MailingGroups. `mailinggroups.aio` has the same for asyncio, `mailinggroups.v1` the
messages."""

from mailinggroups import v1
from mailinggroups._connection import Tls
from mailinggroups._import_options import ContactsResult, ImportResult, MembershipsResult
from mailinggroups._streams import ExportPart, SnapshotRestart, WatchEvent
from mailinggroups._sync import Stream
from mailinggroups._version import VERSION
from mailinggroups.client import Client
from mailinggroups.errors import LostRowsError, MailingGroupsError

__version__ = VERSION

__all__ = [
    "Client",
    "ContactsResult",
    "ExportPart",
    "ImportResult",
    "LostRowsError",
    "MailingGroupsError",
    "MembershipsResult",
    "SnapshotRestart",
    "Stream",
    "Tls",
    "WatchEvent",
    "v1",
]
