package com.mailinggroups.client;

import com.mailinggroups.v1.WhoAmIRequest;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A server of its own data, which ends with the tests. */
final class Server implements AutoCloseable {
  private static final AtomicInteger TENANTS = new AtomicInteger();
  private static final Path CREDENTIALS = Path.of(System.getenv("MAILING_GROUPS_TLS"));
  private static Server plaintext;
  private static Server tls;

  private final Path folder;
  private final int port;
  private final boolean hasTls;
  private Process process;

  Server(boolean hasTls) {
    // First: it fails if the tests are being stopped.
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    try (var free = new ServerSocket(0)) {
      // As root, PostgreSQL is run by another user, who has to get there.
      var readable = PosixFilePermissions.fromString("rwxr-xr-x");
      folder = Files.createTempDirectory("mg-java-");
      Files.setPosixFilePermissions(folder, readable);
      port = free.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.hasTls = hasTls;
    start();
  }

  /** The server of most tests. */
  static synchronized Server plaintext() {
    plaintext = plaintext == null ? new Server(false) : plaintext;
    return plaintext;
  }

  /** A server with TLS and authentication. */
  static synchronized Server tls() {
    tls = tls == null ? new Server(true) : tls;
    return tls;
  }

  /** A tenant that no other test uses. */
  static String newTenant() {
    return "java-" + TENANTS.incrementAndGet();
  }

  static String token() {
    try {
      return Files.readString(CREDENTIALS.resolve("token")).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int port() {
    return port;
  }

  String address() {
    return "localhost:" + port;
  }

  /** A client of this server, not built yet. */
  ClientBuilder builder(String tenant) {
    return builder(tenant, port);
  }

  /** A client of this server through a proxy. */
  ClientBuilder builder(String tenant, int proxy) {
    var builder = MailingGroupsClient.builder("localhost:" + proxy, tenant);
    return hasTls ? builder.tls(CREDENTIALS.resolve("ca.pem")).token(token()) : builder;
  }

  MailingGroupsClient client(String tenant) {
    return builder(tenant).build();
  }

  /** Starts the server again with the same data, and waits until it answers. */
  void start() {
    var command =
        new ArrayList<>(
            List.of(
                System.getenv("MAILING_GROUPS"),
                "--data-dir",
                folder.resolve("data").toString(),
                "--listen",
                "127.0.0.1:" + port));
    if (hasTls) {
      var files =
          List.of(
              "--tls-cert", "server.pem", "--tls-key", "server.key", "--auth-config", "auth.toml");
      files.forEach(
          it -> command.add(it.startsWith("--") ? it : CREDENTIALS.resolve(it).toString()));
    }
    try {
      var log = folder.resolve("log").toFile();
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
              .start();
      awaitServing();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void awaitServing() throws IOException, InterruptedException {
    try (var client = builder("default").deadline(Duration.ofSeconds(5)).build()) {
      for (int attempt = 1; ; attempt++) {
        try {
          client.identity().whoAmI(WhoAmIRequest.getDefaultInstance());
          return;
        } catch (StatusRuntimeException e) {
          if (!process.isAlive() || attempt == 500) {
            throw new IllegalStateException(Files.readString(folder.resolve("log")), e);
          }
          Thread.sleep(100);
        }
      }
    }
  }

  /** Ends the process at once, as a power cut would. */
  void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** Asks the process to stop, and waits until it has. */
  void stop() {
    process.destroy();
    process.onExit().join();
  }

  @Override
  public synchronized void close() {
    if (folder == null || !Files.exists(folder)) {
      return;
    }
    if (process != null) {
      stop();
    }
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
