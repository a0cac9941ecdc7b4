"""The synchronous client."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import grpc

from mailinggroups import _sync, v1
from mailinggroups._connection import DEADLINE, RETRY_FOR, Settings, Tls, token_source
from mailinggroups._import_options import ContactsResult, MembershipsResult, import_options
from mailinggroups._retry import Retry
from mailinggroups._streams import (
    Export,
    ExportPart,
    Members,
    Watch,
    WatchEvent,
    members_request,
    watch_request,
)
from mailinggroups._sync import Stream
from mailinggroups._upload import ContactsUpload, MembershipsUpload

if TYPE_CHECKING:
    from types import TracebackType

    from google.protobuf.field_mask_pb2 import FieldMask
    from typing_extensions import Self


class Client:
    """A connection to the service, for one tenant. Threads can share it.

    The stubs `mailing_groups`, `contacts`, `segments`, `tenants` and `identity` have the calls of
    the contract. A call that fails raises `MailingGroupsError`.
    """

    def __init__(
        self,
        address: str,
        *,
        tenant: str | None = None,
        token: str | Callable[[], str] | None = None,
        tls: Tls | grpc.ChannelCredentials | None = None,
        allow_plaintext_token: bool = False,
        timeout: float | None = DEADLINE,
        retry_for: float = RETRY_FOR,
    ) -> None:
        """Connects at the first call.

        `address`: HOST:PORT. `tenant`: 1 to 63 of a-z 0-9 and '-'; None is the tenant `default`.
        `token`: a token or an API key, or a function that returns one, called at each call. `tls`:
        None for plaintext. `allow_plaintext_token`: send the token to other computers without TLS.
        `timeout`: the seconds that a unary call may take, unless it says another; streams have no
        limit. `retry_for`: how many seconds a broken stream or import is continued without
        progress.
        """
        settings = Settings(
            address, tenant, token is not None, tls, allow_plaintext_token, timeout, retry_for
        )
        credentials, options = settings.credentials(), settings.options()
        if credentials is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            self._channel = grpc.secure_channel(address, credentials, options)
        interceptor = _sync.Interceptor(settings, token_source(token))
        channel = grpc.intercept_channel(self._channel, interceptor)
        self._settings = settings
        self.mailing_groups = v1.MailingGroupsStub(channel)
        self.contacts = v1.ContactsStub(channel)
        self.segments = v1.SegmentsStub(channel)
        self.tenants = v1.TenantsStub(channel)
        self.identity = v1.IdentityStub(channel)

    def close(self) -> None:
        """Ends all calls and the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def members(
        self,
        expression: str | None = None,
        *,
        segment_id: str | None = None,
        options: v1.SelectionOptions | None = None,
        part: v1.SegmentPart.ValueType = v1.SEGMENT_PART_MEMBERS,
        view: v1.SegmentMemberView.ValueType = v1.SEGMENT_MEMBER_VIEW_IDS,
        page_size: int = 10_000,
    ) -> Stream[v1.SegmentMember, v1.StreamSegmentMembersResponse.Summary]:
        """The contacts that an expression or a segment selects, each once.

        `options`: how companies and excluded contacts are treated; with an expression only. `part`:
        the members, or those that were left out. `view`: only ids, or whole contacts. `page_size`:
        members that the service sends at a time, at most 10,000, or 2,000 whole contacts.
        """
        request = members_request(expression, segment_id, options, part, view, page_size)
        state = Members(request, Retry(self._settings.retry_for))
        return Stream(state, self.mailing_groups.StreamSegmentMembers)

    def export_contacts(
        self, *, page_size: int = 2_000, resume_token: str = ""
    ) -> Stream[ExportPart, v1.ExportContactsResponse.Summary]:
        """All groups, contacts and memberships.

        `page_size`: contacts that the service sends at a time, at most 2,000. `resume_token`: that
        of the last part of another export, which is continued. Contacts and groups that changed
        since they were sent come again, so apply parts by id and code.
        """
        request = v1.ExportContactsRequest(page_size=page_size, resume_token=resume_token)
        state = Export(request, Retry(self._settings.retry_for))
        return Stream(state, self.contacts.ExportContacts)

    def watch(
        self,
        *,
        revision: int | None = None,
        resume_token: str | None = None,
        beginning: bool = False,
        kinds: Iterable[v1.ChangeKind.ValueType] = (),
        codes: Iterable[str] = (),
    ) -> Stream[WatchEvent, None]:
        """Every change once, by whole revisions, without end.

        From now on, after `revision`, after the event with `resume_token`, or from the `beginning`:
        first parts of a snapshot and its end. `kinds`, `codes`: only changes of these kinds, and of
        these groups. A `SnapshotRestart` says that the parts received so far come again.
        """
        request = watch_request(revision, resume_token, beginning, kinds, codes)
        state = Watch(request, Retry(self._settings.retry_for))
        return Stream(state, self.mailing_groups.WatchChanges)

    def import_contacts(
        self,
        contacts: Iterable[v1.Contact],
        *,
        import_id: str | None = None,
        update_mask: FieldMask | Iterable[str] | None = None,
        validate_only: bool = False,
        reuse_former: bool = False,
        fingerprint: str = "",
        on_rejection: Callable[[v1.ImportContactsResponse.Rejection], None] | None = None,
    ) -> ContactsResult:
        """Creates or changes any number of contacts. Companies come before their persons.

        The iterable is read as fast as the service commits; if it raises an error, the import ends
        with that error. `import_id`: names the import; with the same id and the same items, a later
        call continues it after the last committed item, for 7 days. None makes one. `update_mask`:
        the fields that the contacts carry; None for all. `validate_only`: writes nothing.
        `reuse_former`: new contacts may take the ids of merged ones. `fingerprint`: identifies the
        items, at most 128 bytes; an import is not continued with another one. `on_rejection`: is
        called for each rejected item, in order; without it the first 10,000 are in the result.
        """
        options = import_options(
            import_id, fingerprint, validate_only, on_rejection, update_mask, reuse_former
        )
        state = ContactsUpload(options, self._settings.retry_for)
        return _sync.upload(state, self.contacts.ImportContacts, contacts)

    def import_memberships(
        self,
        assignments: Iterable[v1.Assignment],
        *,
        import_id: str | None = None,
        validate_only: bool = False,
        fingerprint: str = "",
        on_rejection: Callable[[v1.ImportMembershipsResponse.Rejection], None] | None = None,
    ) -> MembershipsResult:
        """Assigns any number of groups to contacts. See `import_contacts`."""
        options = import_options(import_id, fingerprint, validate_only, on_rejection)
        state = MembershipsUpload(options, self._settings.retry_for)
        return _sync.upload(state, self.mailing_groups.ImportMemberships, assignments)
