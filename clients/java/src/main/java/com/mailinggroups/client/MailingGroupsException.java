package com.mailinggroups.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import com.mailinggroups.v1.ErrorReason;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Why a call failed: the code, the reason and the details that the service sends with every error.
 * Imports and streams throw it. The generated stubs throw other exceptions, of which {@link #of}
 * makes one; both are {@link StatusRuntimeException}s.
 */
public final class MailingGroupsException extends StatusRuntimeException {
  private static final long serialVersionUID = 1;
  private static final String DOMAIN = "mailinggroups";
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  /** The status with its details. */
  private final com.google.rpc.Status proto;

  MailingGroupsException(Status status, Metadata trailers) {
    super(status, trailers);
    proto = StatusProto.fromStatusAndTrailers(status, trailers);
  }

  MailingGroupsException(Status status) {
    this(status, null);
  }

  /**
   * Reads the details of an exception of a stub.
   *
   * @param error what a stub threw; an exception without a status counts as {@code UNKNOWN}
   * @return the same error with its details, and with the same cause
   */
  public static MailingGroupsException of(Throwable error) {
    for (Throwable it = error; it != null; it = it.getCause()) {
      if (it instanceof MailingGroupsException found) {
        return found;
      } else if (it instanceof StatusRuntimeException found) {
        return new MailingGroupsException(found.getStatus(), found.getTrailers());
      } else if (it instanceof StatusException found) {
        return new MailingGroupsException(found.getStatus(), found.getTrailers());
      }
    }
    return new MailingGroupsException(Status.UNKNOWN.withCause(error));
  }

  /**
   * Returns the gRPC code.
   *
   * @return the code
   */
  public Status.Code code() {
    return getStatus().getCode();
  }

  /**
   * Returns the reason, by which programs should decide what to do.
   *
   * @return {@code ERROR_REASON_UNSPECIFIED} if the error is not of the service, {@code
   *     UNRECOGNIZED} if the reason is newer than this client
   */
  public ErrorReason reason() {
    String text = reasonName();
    if (text.isEmpty()) {
      return ErrorReason.ERROR_REASON_UNSPECIFIED;
    }
    try {
      return ErrorReason.valueOf("ERROR_REASON_" + text);
    } catch (IllegalArgumentException newer) {
      return ErrorReason.UNRECOGNIZED;
    }
  }

  /**
   * Returns the reason as sent, such as {@code MAILING_GROUP_NOT_FOUND}.
   *
   * @return the reason, also one that this client does not know; empty if the error is not of the
   *     service
   */
  public String reasonName() {
    return info().getReason();
  }

  /**
   * Returns what goes with the reason, such as {@code former} and {@code current} of a renamed
   * group.
   *
   * @return the metadata, empty if there is none
   */
  public Map<String, String> metadata() {
    return info().getMetadataMap();
  }

  /**
   * Returns the invalid fields of the request.
   *
   * @return the fields, each with the rule that it breaks; empty if there are none
   */
  public List<BadRequest.FieldViolation> fieldViolations() {
    return detail(BadRequest.class).map(BadRequest::getFieldViolationsList).orElse(List.of());
  }

  /**
   * Returns what kept the call from being done, such as the segments of a contact.
   *
   * @return the violations, empty if there are none
   */
  public List<PreconditionFailure.Violation> preconditionViolations() {
    return detail(PreconditionFailure.class)
        .map(PreconditionFailure::getViolationsList)
        .orElse(List.of());
  }

  /**
   * Returns the limits that are reached.
   *
   * @return the violations, empty if there are none
   */
  public List<QuotaFailure.Violation> quotaViolations() {
    return detail(QuotaFailure.class).map(QuotaFailure::getViolationsList).orElse(List.of());
  }

  /**
   * Returns the resource that the error is about.
   *
   * @return the resource, empty if it is about none
   */
  public Optional<ResourceInfo> resource() {
    return detail(ResourceInfo.class);
  }

  /**
   * Returns the delay after which the call may be repeated.
   *
   * @return the delay, empty if the service named none
   */
  public Optional<Duration> retryDelay() {
    return detail(RetryInfo.class)
        .filter(RetryInfo::hasRetryDelay)
        .map(RetryInfo::getRetryDelay)
        .map(it -> Duration.ofSeconds(it.getSeconds(), it.getNanos()));
  }

  /**
   * Returns the name of the call in the service's log.
   *
   * @return the id, empty if the error is not of the service
   */
  public Optional<String> requestId() {
    return Optional.ofNullable(getTrailers()).map(it -> it.get(REQUEST_ID));
  }

  /**
   * Returns the first detail of a type.
   *
   * @param <T> the type
   * @param type the class of a {@code google.rpc} detail
   * @return the detail, empty if there is none
   */
  public <T extends Message> Optional<T> detail(Class<T> type) {
    for (var detail : proto.getDetailsList()) {
      if (detail.is(type)) {
        try {
          return Optional.of(detail.unpack(type));
        } catch (InvalidProtocolBufferException broken) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  private ErrorInfo info() {
    return detail(ErrorInfo.class)
        .filter(it -> it.getDomain().equals(DOMAIN))
        .orElse(ErrorInfo.getDefaultInstance());
  }

  /**
   * Whether the same call may succeed a little later: the service says so, or the connection broke.
   * Every error of the service has a reason; what has none comes from the network.
   */
  boolean isTransient() {
    return switch (code()) {
      case UNAVAILABLE -> true;
      case INTERNAL, UNKNOWN, CANCELLED -> reasonName().isEmpty() || retryDelay().isPresent();
      default -> retryDelay().isPresent();
    };
  }
}
