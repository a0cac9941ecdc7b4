/**
 * Calls MailingGroups. {@link com.mailinggroups.client.MailingGroupsClient} is the beginning; the
 * messages and stubs of the contract are in {@code com.mailinggroups.v1}.
 */
package com.mailinggroups.client;
