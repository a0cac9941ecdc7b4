package com.mailinggroups.client;

import com.google.protobuf.FieldMask;
import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.ContactsGrpc;
import com.mailinggroups.v1.ImportContactsRequest;
import com.mailinggroups.v1.ImportContactsResponse;
import com.mailinggroups.v1.ImportContactsResponse.Rejection;
import com.mailinggroups.v1.ImportContactsResponse.Summary;
import io.grpc.MethodDescriptor;
import java.util.List;

/** The messages of ImportContacts. */
final class ContactImport
    implements ImportKind<
        Contact, ImportContactsRequest, ImportContactsResponse, Summary, Rejection> {
  @Override
  public MethodDescriptor<ImportContactsRequest, ImportContactsResponse> method() {
    return ContactsGrpc.getImportContactsMethod();
  }

  @Override
  public ImportContactsRequest start(ImportOptions options, long knownCount) {
    var start =
        ImportContactsRequest.Start.newBuilder()
            .setImportId(options.importId())
            .setKnownCount(knownCount)
            .setFingerprint(options.fingerprint())
            .setValidateOnly(options.validateOnly())
            .setReuseFormer(options.reuseFormer());
    if (!options.updateMask().isEmpty()) {
      start.setUpdateMask(FieldMask.newBuilder().addAllPaths(options.updateMask()));
    }
    return ImportContactsRequest.newBuilder().setStart(start).build();
  }

  @Override
  public ImportContactsRequest chunk(List<Contact> items) {
    var chunk = ImportContactsRequest.Chunk.newBuilder().addAllContacts(items);
    return ImportContactsRequest.newBuilder().setChunk(chunk).build();
  }

  @Override
  public ImportContactsRequest finish() {
    var finish = ImportContactsRequest.Finish.getDefaultInstance();
    return ImportContactsRequest.newBuilder().setFinish(finish).build();
  }

  @Override
  public Event<Summary, Rejection> event(ImportContactsResponse response) {
    return switch (response.getMessageCase()) {
      case PROGRESS -> {
        var it = response.getProgress();
        yield new Event.Progress<>(it.getProcessedCount(), it.getFinished());
      }
      case REJECTION -> {
        var it = response.getRejection();
        yield new Event.Rejection<>(it.getIndex(), it);
      }
      case SUMMARY -> {
        var it = response.getSummary();
        yield new Event.Summary<>(it.getProcessedCount(), it);
      }
      case MESSAGE_NOT_SET -> null;
    };
  }

  @Override
  public Rejection withItem(Rejection rejection, Contact item) {
    return rejection.getId().isEmpty()
        ? rejection.toBuilder().setId(item.getId()).build()
        : rejection;
  }
}
