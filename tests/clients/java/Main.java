import com.google.rpc.ErrorInfo;
import com.mailinggroups.v1.AssignMailingGroupRequest;
import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.ContactKind;
import com.mailinggroups.v1.ContactsGrpc;
import com.mailinggroups.v1.CountSegmentMembersRequest;
import com.mailinggroups.v1.CreateContactRequest;
import com.mailinggroups.v1.CreateMailingGroupRequest;
import com.mailinggroups.v1.ErrorReason;
import com.mailinggroups.v1.GetMailingGroupRequest;
import com.mailinggroups.v1.ImportContactsRequest;
import com.mailinggroups.v1.ImportContactsResponse;
import com.mailinggroups.v1.MailingGroup;
import com.mailinggroups.v1.MailingGroupsGrpc;
import com.mailinggroups.v1.SegmentMember;
import com.mailinggroups.v1.Selection;
import com.mailinggroups.v1.SelectionOptions;
import com.mailinggroups.v1.StreamSegmentMembersRequest;
import com.mailinggroups.v1.WatchChangesRequest;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Calls the service at an address with the code that protoc generates for Java, and prints how long
 * an import of many small messages took.
 */
public final class Main {
  private static final int IMPORTED = 20_000;

  private final MailingGroupsGrpc.MailingGroupsBlockingStub groups;
  private final ContactsGrpc.ContactsBlockingStub contacts;
  private final ContactsGrpc.ContactsStub uploads;

  private Main(Channel channel) {
    groups = MailingGroupsGrpc.newBlockingStub(channel);
    contacts = ContactsGrpc.newBlockingStub(channel);
    uploads = ContactsGrpc.newStub(channel);
  }

  public static void main(String[] arguments) throws Exception {
    var channel =
        Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
    var metadata = new Metadata();
    metadata.put(Metadata.Key.of("x-tenant", Metadata.ASCII_STRING_MARSHALLER), "java");
    var tenant = MetadataUtils.newAttachHeadersInterceptor(metadata);
    try {
      var main = new Main(ClientInterceptors.intercept(channel, tenant));
      main.create();
      main.select();
      main.readError();
      double took = main.importWatched();
      System.out.printf(
          Locale.ROOT, "java: %d messages of one contact in %.1f s%n", IMPORTED, took);
    } finally {
      channel.shutdownNow();
    }
  }

  private void create() {
    for (var code : List.of("NEWS", "GIFT")) {
      var group = MailingGroup.newBuilder().setCode(code).setDescription("A group");
      groups.createMailingGroup(
          CreateMailingGroupRequest.newBuilder().setMailingGroup(group).build());
    }
    var company = contact("C", ContactKind.CONTACT_KIND_COMPANY);
    var person = contact("P", ContactKind.CONTACT_KIND_PERSON).setCompanyId("C");
    for (var contact : List.of(company, person)) {
      contacts.createContact(CreateContactRequest.newBuilder().setContact(contact).build());
    }
    for (var pair : List.of(List.of("C", "NEWS"), List.of("P", "NEWS"), List.of("C", "GIFT"))) {
      groups.assignMailingGroup(
          AssignMailingGroupRequest.newBuilder()
              .setContactId(pair.get(0))
              .setCode(pair.get(1))
              .build());
    }
  }

  private static Contact.Builder contact(String id, ContactKind kind) {
    return Contact.newBuilder().setId(id).setKind(kind).setName("Contact " + id);
  }

  private void select() {
    var counted = CountSegmentMembersRequest.newBuilder().setSelection(of("NEWS AND NOT GIFT"));
    equal(groups.countSegmentMembers(counted.build()).getMemberCount(), 1L);
    var streamed = StreamSegmentMembersRequest.newBuilder().setSelection(of("NEWS"));
    var messages = groups.streamSegmentMembers(streamed.build());
    var ids = new ArrayList<String>();
    while (messages.hasNext()) {
      for (SegmentMember member : messages.next().getPage().getMembersList()) {
        ids.add(member.getContactId());
      }
    }
    equal(ids, List.of("C", "P"));
  }

  private static Selection.Builder of(String expression) {
    var options = SelectionOptions.newBuilder().setIncludeExcluded(true);
    return Selection.newBuilder().setExpression(expression).setOptions(options);
  }

  private void readError() throws Exception {
    try {
      groups.getMailingGroup(GetMailingGroupRequest.newBuilder().setCode("NONE").build());
      throw new AssertionError("no error");
    } catch (StatusRuntimeException error) {
      equal(error.getStatus().getCode(), Status.Code.NOT_FOUND);
      var reason = "";
      for (var detail : StatusProto.fromThrowable(error).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          reason = detail.unpack(ErrorInfo.class).getReason();
        }
      }
      equal(
          ErrorReason.valueOf("ERROR_REASON_" + reason),
          ErrorReason.ERROR_REASON_MAILING_GROUP_NOT_FOUND);
    }
  }

  /**
   * Imports contacts, a message for each, while a watch on the same channel sees them. Returns the
   * seconds of the import.
   */
  private double importWatched() throws Exception {
    var now = WatchChangesRequest.Now.getDefaultInstance();
    var watch = groups.watchChanges(WatchChangesRequest.newBuilder().setNow(now).build());
    // The watch is open once it has sent its position.
    watch.next();
    long begun = System.nanoTime();
    var upload = new Upload();
    uploads.importContacts(upload);
    var last = upload.last.get(5, TimeUnit.MINUTES);
    double took = (System.nanoTime() - begun) / 1e9;
    equal(last.getSummary().getCreatedCount(), (long) IMPORTED);
    for (int seen = 0; seen < IMPORTED; ) {
      for (var change : watch.next().getChanges().getChangesList()) {
        seen += change.getContactsCreated().getContactsCount();
      }
    }
    return took;
  }

  /** Sends messages as fast as the service takes them, and keeps the last answer. */
  private static final class Upload
      implements ClientResponseObserver<ImportContactsRequest, ImportContactsResponse> {
    final CompletableFuture<ImportContactsResponse> last = new CompletableFuture<>();
    private ImportContactsResponse answer;
    /** The number of the next message: the start, the contacts, the finish. */
    private int next;

    @Override
    public void beforeStart(ClientCallStreamObserver<ImportContactsRequest> requests) {
      requests.setOnReadyHandler(
          () -> {
            while (requests.isReady() && next < IMPORTED + 2) {
              requests.onNext(message(next++));
              if (next == IMPORTED + 2) {
                requests.onCompleted();
              }
            }
          });
    }

    private static ImportContactsRequest message(int number) {
      var request = ImportContactsRequest.newBuilder();
      if (number == 0) {
        request.setStart(ImportContactsRequest.Start.getDefaultInstance());
      } else if (number <= IMPORTED) {
        var person = contact("I" + number, ContactKind.CONTACT_KIND_PERSON);
        request.setChunk(ImportContactsRequest.Chunk.newBuilder().addContacts(person));
      } else {
        request.setFinish(ImportContactsRequest.Finish.getDefaultInstance());
      }
      return request.build();
    }

    @Override
    public void onNext(ImportContactsResponse response) {
      answer = response;
    }

    @Override
    public void onError(Throwable error) {
      last.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      last.complete(answer);
    }
  }

  private static void equal(Object actual, Object expected) {
    if (!expected.equals(actual)) {
      throw new AssertionError(actual + " instead of " + expected);
    }
  }
}
