package com.mailinggroups.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Forwards connections to a server, and breaks them as told. */
final class Proxy implements AutoCloseable {
  private final ServerSocket listener;
  private final int target;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final Queue<Long> requestLimits = new ConcurrentLinkedQueue<>();
  private final Queue<Long> answerLimits = new ConcurrentLinkedQueue<>();
  private volatile boolean losesAnswers;

  Proxy(int target) throws IOException {
    this.target = target;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Breaks the next connections, each after so many bytes of requests. */
  void cutAfterRequests(long... bytes) {
    for (long it : bytes) {
      requestLimits.add(it);
    }
  }

  /** Breaks the next connections, each after so many bytes of answers. */
  void cutAfterAnswers(long... bytes) {
    for (long it : bytes) {
      answerLimits.add(it);
    }
  }

  /** Whether all connections were broken that should be. */
  boolean hasCut() {
    return requestLimits.isEmpty() && answerLimits.isEmpty();
  }

  /** Forwards requests, and no answers, until {@link #cut}. */
  void loseAnswers() {
    losesAnswers = true;
  }

  /** Breaks all connections. New ones are forwarded. */
  void cut() {
    losesAnswers = false;
    open.forEach(Proxy::close);
  }

  private void accept() throws IOException {
    while (true) {
      var client = listener.accept();
      var server = new Socket(InetAddress.getLoopbackAddress(), target);
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      open.add(client);
      open.add(server);
      start(() -> forward(client, server, requestLimits, false));
      start(() -> forward(server, client, answerLimits, true));
    }
  }

  private void forward(Socket from, Socket to, Queue<Long> limits, boolean isAnswers)
      throws IOException {
    Long limit = limits.poll();
    try (from;
        to) {
      copy(from.getInputStream(), to.getOutputStream(), limit, isAnswers);
    } finally {
      open.remove(from);
    }
  }

  private void copy(InputStream from, OutputStream to, Long limit, boolean isAnswers)
      throws IOException {
    byte[] buffer = new byte[16 << 10];
    long left = limit == null ? Long.MAX_VALUE : limit;
    for (int count; left > 0 && (count = from.read(buffer)) > 0; left -= count) {
      if (!(isAnswers && losesAnswers)) {
        to.write(buffer, 0, (int) Math.min(count, left));
      }
    }
  }

  private interface Task {
    void run() throws IOException;
  }

  /** Runs a task until a connection breaks. */
  private static void start(Task task) {
    var thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException broken) {
                // As expected of a proxy that breaks connections.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    cut();
  }
}
