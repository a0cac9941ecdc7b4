package com.mailinggroups.client;

import com.mailinggroups.v1.Assignment;
import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.ContactKind;
import com.mailinggroups.v1.CountSegmentMembersRequest;
import com.mailinggroups.v1.CreateMailingGroupRequest;
import com.mailinggroups.v1.CreateMailingGroupResponse;
import com.mailinggroups.v1.MailingGroup;
import com.mailinggroups.v1.Selection;
import java.util.Iterator;
import java.util.stream.IntStream;

/** Data for tests. */
final class Sample {
  private Sample() {}

  /** Persons; each of {@code badEvery} has no name and is rejected. 0 makes all good. */
  static Iterator<Contact> persons(int count, int badEvery) {
    return IntStream.range(0, count)
        .mapToObj(it -> person("P" + it, isBad(it, badEvery) ? "" : "Person " + it))
        .iterator();
  }

  static Contact person(String id, String name) {
    return Contact.newBuilder()
        .setId(id)
        .setKind(ContactKind.CONTACT_KIND_PERSON)
        .setName(name)
        .build();
  }

  /** Puts those persons into a group; each of {@code badEvery} is an unknown contact. */
  static Iterator<Assignment> pairs(String code, int count, int badEvery) {
    return IntStream.range(0, count)
        .mapToObj(it -> pair((isBad(it, badEvery) ? "X" : "P") + it, code))
        .iterator();
  }

  static Assignment pair(String contact, String code) {
    return Assignment.newBuilder().setContactId(contact).setCode(code).build();
  }

  private static boolean isBad(int index, int badEvery) {
    return badEvery > 0 && index % badEvery == badEvery - 1;
  }

  static CreateMailingGroupRequest.Builder groupRequest(String code) {
    return CreateMailingGroupRequest.newBuilder()
        .setMailingGroup(MailingGroup.newBuilder().setCode(code).setDescription("Sample"));
  }

  static CreateMailingGroupResponse createGroup(MailingGroupsClient client, String code) {
    return client.mailingGroups().createMailingGroup(groupRequest(code).build());
  }

  static long count(MailingGroupsClient client, String expression) {
    var selection = Selection.newBuilder().setExpression(expression);
    var request = CountSegmentMembersRequest.newBuilder().setSelection(selection).build();
    return client.mailingGroups().countSegmentMembers(request).getMemberCount();
  }
}
