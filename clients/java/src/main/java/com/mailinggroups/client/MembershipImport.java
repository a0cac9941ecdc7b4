package com.mailinggroups.client;

import com.mailinggroups.v1.Assignment;
import com.mailinggroups.v1.ImportMembershipsRequest;
import com.mailinggroups.v1.ImportMembershipsResponse;
import com.mailinggroups.v1.ImportMembershipsResponse.Rejection;
import com.mailinggroups.v1.ImportMembershipsResponse.Summary;
import com.mailinggroups.v1.MailingGroupsGrpc;
import io.grpc.MethodDescriptor;
import java.util.List;

/** The messages of ImportMemberships. */
final class MembershipImport
    implements ImportKind<
        Assignment, ImportMembershipsRequest, ImportMembershipsResponse, Summary, Rejection> {
  @Override
  public MethodDescriptor<ImportMembershipsRequest, ImportMembershipsResponse> method() {
    return MailingGroupsGrpc.getImportMembershipsMethod();
  }

  @Override
  public ImportMembershipsRequest start(ImportOptions options, long knownCount) {
    var start =
        ImportMembershipsRequest.Start.newBuilder()
            .setImportId(options.importId())
            .setKnownCount(knownCount)
            .setFingerprint(options.fingerprint())
            .setValidateOnly(options.validateOnly());
    return ImportMembershipsRequest.newBuilder().setStart(start).build();
  }

  @Override
  public ImportMembershipsRequest chunk(List<Assignment> items) {
    var chunk = ImportMembershipsRequest.Chunk.newBuilder().addAllAssignments(items);
    return ImportMembershipsRequest.newBuilder().setChunk(chunk).build();
  }

  @Override
  public ImportMembershipsRequest finish() {
    var finish = ImportMembershipsRequest.Finish.getDefaultInstance();
    return ImportMembershipsRequest.newBuilder().setFinish(finish).build();
  }

  @Override
  public Event<Summary, Rejection> event(ImportMembershipsResponse response) {
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
  public Rejection withItem(Rejection rejection, Assignment item) {
    return rejection.hasAssignment()
        ? rejection
        : rejection.toBuilder().setAssignment(item).build();
  }
}
