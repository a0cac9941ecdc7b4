package com.mailinggroups.client;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** Configures a {@link MailingGroupsClient}. Without a call of a {@code tls} method, plaintext. */
public final class ClientBuilder {
  private static final Pattern LOOPBACK =
      Pattern.compile("(dns:///)?(localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[::1])(:\\d+)?");

  /** The largest request is 4 MiB; it is kept until the answer comes, to be sent again. */
  private static final long REQUEST_BYTES = 4 << 20;

  /** A page with every field at its longest fits. The default is 4 MiB. */
  private static final int RESPONSE_BYTES = 64 << 20;

  private final String address;
  private final String tenant;
  private Supplier<String> token;
  private boolean isPlaintextTokenAllowed;
  private TlsChannelCredentials.Builder tls;
  private Duration deadline = Duration.ofSeconds(60);
  private Duration retryFor = Duration.ofSeconds(60);
  private Consumer<ManagedChannelBuilder<?>> configuration = channel -> {};

  ClientBuilder(String address, String tenant) {
    this.address = Objects.requireNonNull(address);
    if (address.startsWith("http://") || address.startsWith("https://")) {
      throw new IllegalArgumentException(
          address + " is a URL; write host:port, and call tls() for https");
    }
    this.tenant = Objects.requireNonNull(tenant);
  }

  /**
   * Authenticates with an API key or a token that does not expire.
   *
   * @param value the key or token
   * @return this
   */
  public ClientBuilder token(String value) {
    Objects.requireNonNull(value);
    return token(() -> value);
  }

  /**
   * Authenticates with tokens that expire.
   *
   * @param source called for every attempt of a call, by several threads; returns a token that is
   *     valid now
   * @return this
   */
  public ClientBuilder token(Supplier<String> source) {
    token = Objects.requireNonNull(source);
    return this;
  }

  /**
   * Sends the token also over plaintext to other machines, where others may read it.
   *
   * @return this
   */
  public ClientBuilder allowPlaintextToken() {
    isPlaintextTokenAllowed = true;
    return this;
  }

  /**
   * Uses TLS, and trusts the authorities that Java trusts.
   *
   * @return this
   */
  public ClientBuilder tls() {
    tls = tls == null ? TlsChannelCredentials.newBuilder() : tls;
    return this;
  }

  /**
   * Uses TLS, and trusts certain authorities only.
   *
   * @param authorities a PEM file of their certificates
   * @return this
   * @throws UncheckedIOException if the file cannot be read
   */
  public ClientBuilder tls(Path authorities) {
    try {
      tls().tls.trustManager(authorities.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /**
   * Uses TLS, and shows a certificate to the service.
   *
   * @param certificates a PEM file of the certificate and those that vouch for it
   * @param key a PEM file of its private key, in PKCS #8, not encrypted
   * @return this
   * @throws UncheckedIOException if a file cannot be read
   */
  public ClientBuilder clientCertificate(Path certificates, Path key) {
    try {
      tls().tls.keyManager(certificates.toFile(), key.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /**
   * Sets the deadline of unary calls that have none; 60 seconds at first.
   *
   * @param duration the time that a call may take, with all its attempts
   * @return this
   */
  public ClientBuilder deadline(Duration duration) {
    deadline = Objects.requireNonNull(duration);
    return this;
  }

  /**
   * Sets how long a broken import or stream is continued without progress; 60 seconds at first.
   *
   * @param duration the time; zero continues none
   * @return this
   */
  public ClientBuilder retryFor(Duration duration) {
    retryFor = Objects.requireNonNull(duration);
    return this;
  }

  /**
   * Configures what this class does not, such as {@code overrideAuthority} or a proxy.
   *
   * @param action gets the builder of the channel last
   * @return this
   */
  public ClientBuilder configure(Consumer<ManagedChannelBuilder<?>> action) {
    configuration = Objects.requireNonNull(action);
    return this;
  }

  /**
   * Makes the client. It connects at its first call.
   *
   * @return a client; close it at last
   * @throws IllegalStateException if a token would be sent over plaintext to another machine
   */
  public MailingGroupsClient build() {
    boolean isPlaintext = tls == null && !isPlaintextTokenAllowed;
    if (token != null && isPlaintext && !LOOPBACK.matcher(address).matches()) {
      throw new IllegalStateException(
          "a token needs TLS, except to this machine: call tls() or allowPlaintextToken()");
    }
    ChannelCredentials credentials =
        tls == null ? InsecureChannelCredentials.create() : tls.build();
    ManagedChannelBuilder<?> channel =
        Grpc.newChannelBuilder(address, credentials)
            .defaultServiceConfig(serviceConfig())
            .enableRetry()
            .perRpcBufferLimit(REQUEST_BYTES + 1024)
            .maxInboundMessageSize(RESPONSE_BYTES)
            // Notices a connection that was cut silently, so that streams get another one.
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS);
    configuration.accept(channel);
    var bearer = token == null ? null : new BearerToken(token);
    var defaults = new CallDefaults(tenant, deadline, bearer);
    return new MailingGroupsClient(new Connection(channel.build(), defaults, retryFor));
  }

  /** The retry policy that all clients share. */
  private static Map<String, ?> serviceConfig() {
    try (var file = ClientBuilder.class.getResourceAsStream("service_config.json");
        var reader = new InputStreamReader(file, StandardCharsets.UTF_8)) {
      return new Gson().fromJson(reader, new TypeToken<Map<String, ?>>() {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
