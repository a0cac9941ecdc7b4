// Package mailinggroupsv1 is generated of the contract of MailingGroups: messages and stubs.
package mailinggroupsv1
