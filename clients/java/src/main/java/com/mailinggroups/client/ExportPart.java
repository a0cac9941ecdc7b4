package com.mailinggroups.client;

import com.mailinggroups.v1.Assignment;
import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.MailingGroup;
import java.util.List;

/**
 * A part of an export. To import it, create the groups, import the contacts, and then the
 * assignments.
 *
 * @param mailingGroups groups; only the first part has any
 * @param contacts contacts; the company of a person is in the same part or in an earlier one
 * @param assignments all the groups that these contacts have
 * @param resumeToken with it in {@code ExportContactsRequest}, another export continues after this
 *     part; empty if no contact has come yet
 */
public record ExportPart(
    List<MailingGroup> mailingGroups,
    List<Contact> contacts,
    List<Assignment> assignments,
    String resumeToken) {}
