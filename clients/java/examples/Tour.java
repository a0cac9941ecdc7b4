import com.mailinggroups.client.ImportOptions;
import com.mailinggroups.client.MailingGroupsClient;
import com.mailinggroups.client.MailingGroupsException;
import com.mailinggroups.client.WatchEvent;
import com.mailinggroups.v1.AssignMailingGroupRequest;
import com.mailinggroups.v1.Assignment;
import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.ContactKind;
import com.mailinggroups.v1.CountSegmentMembersRequest;
import com.mailinggroups.v1.CreateContactRequest;
import com.mailinggroups.v1.CreateMailingGroupRequest;
import com.mailinggroups.v1.GetMailingGroupRequest;
import com.mailinggroups.v1.MailingGroup;
import com.mailinggroups.v1.RenameMailingGroupRequest;
import com.mailinggroups.v1.Selection;
import com.mailinggroups.v1.WatchChangesRequest;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.stream.IntStream;

/** What the service does, in one program: java Tour.java ADDRESS TENANT, with a new tenant. */
public final class Tour {
  private final MailingGroupsClient client;

  private Tour(MailingGroupsClient client) {
    this.client = client;
  }

  public static void main(String[] arguments) {
    // Over TLS, with a key: builder(…).tls().token(System.getenv("MAILING_GROUPS_TOKEN"))
    try (var client = MailingGroupsClient.builder(arguments[0], arguments[1]).build()) {
      var tour = new Tour(client);
      tour.define();
      tour.assign();
      tour.count();
      tour.importPersons();
      tour.streamMembers();
      tour.explainError();
      tour.watch();
    }
  }

  private void define() {
    for (String code : List.of("MOVE", "GIFT", "OPTOUT")) {
      var group = MailingGroup.newBuilder().setCode(code).setDescription("Sample");
      var request = CreateMailingGroupRequest.newBuilder().setMailingGroup(group).build();
      client.mailingGroups().createMailingGroup(request);
    }
  }

  private void assign() {
    create(contact("C100", ContactKind.CONTACT_KIND_COMPANY, "Harbour Mill"));
    create(contact("P101", ContactKind.CONTACT_KIND_PERSON, "Ada Moss").setCompanyId("C100"));
    for (String id : List.of("C100", "P101")) {
      var request = AssignMailingGroupRequest.newBuilder().setContactId(id).setCode("MOVE").build();
      client.mailingGroups().assignMailingGroup(request);
    }
  }

  private static Contact.Builder contact(String id, ContactKind kind, String name) {
    return Contact.newBuilder().setId(id).setKind(kind).setName(name);
  }

  private void create(Contact.Builder contact) {
    var request = CreateContactRequest.newBuilder().setContact(contact).build();
    client.contacts().createContact(request);
  }

  private void count() {
    var selection = Selection.newBuilder().setExpression("(MOVE OR GIFT) AND NOT OPTOUT");
    var request = CountSegmentMembersRequest.newBuilder().setSelection(selection).build();
    var counts = client.mailingGroups().countSegmentMembers(request);
    System.out.printf(
        "%d members: %d company, %d person%n",
        counts.getMemberCount(), counts.getCompanyCount(), counts.getPersonCount());
  }

  private void importPersons() {
    // Any source works: the items are pulled only as fast as the service takes them.
    var persons =
        IntStream.range(0, 5_000)
            .mapToObj(it -> contact("I" + it, ContactKind.CONTACT_KIND_PERSON, "Person " + it))
            .map(Contact.Builder::build);
    var contacts = client.importContacts(persons.iterator(), ImportOptions.defaults());
    System.out.printf("%d contacts created%n", contacts.summary().getCreatedCount());

    var pairs =
        IntStream.rangeClosed(0, 5_000)
            .mapToObj(it -> Assignment.newBuilder().setContactId("I" + it).setCode("GIFT").build());
    var memberships = client.importMemberships(pairs.iterator(), ImportOptions.defaults());
    System.out.printf("%d assigned%n", memberships.summary().getChangedCount());
    for (var rejection : memberships.rejections()) {
      System.out.printf("item %d: %s%n", rejection.getIndex(), rejection.getMessage());
    }
  }

  private void streamMembers() {
    try (var members = client.members("MOVE OR GIFT")) {
      System.out.printf("the first is %s%n", members.next().getContactId());
      members.forEachRemaining(it -> {});
      System.out.printf("%d members sent%n", members.summary().getSentCount());
    }
  }

  private void explainError() {
    client
        .mailingGroups()
        .renameMailingGroup(
            RenameMailingGroupRequest.newBuilder().setCode("GIFT").setNewCode("PRESENT").build());
    try {
      client
          .mailingGroups()
          .getMailingGroup(GetMailingGroupRequest.newBuilder().setCode("GIFT").build());
    } catch (StatusRuntimeException e) {
      var error = MailingGroupsException.of(e);
      switch (error.reason()) {
        case ERROR_REASON_MAILING_GROUP_RENAMED ->
            System.out.printf("GIFT is %s now%n", error.metadata().get("current"));
        default -> throw error;
      }
    }
  }

  private void watch() {
    // Everything since the first revision; a program keeps the token of the last event instead.
    var start = WatchChangesRequest.newBuilder().setRevision(0).build();
    try (var watch = client.watch(start)) {
      while (watch.next() instanceof WatchEvent.Revision revision) {
        var changes = revision.changes();
        System.out.printf(
            "revision %d: %s%n", changes.getRevision(), changes.getChanges(0).getChangeCase());
      }
    }
  }
}
