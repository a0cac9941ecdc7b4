package com.mailinggroups.client;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;

/** The items that are sent and not acknowledged, by their index in the import. */
final class InFlight<T> {
  private final Deque<List<T>> chunks = new ArrayDeque<>();
  private long first;
  private long total;

  void add(List<T> chunk) {
    chunks.add(chunk);
    total += chunk.size();
  }

  /** Counts an item that an earlier run committed. Nothing is in flight then. */
  void skip() {
    first++;
    total++;
  }

  /** The number of items sent or skipped. */
  long total() {
    return total;
  }

  /** The chunks, without the items that are acknowledged. */
  Collection<List<T>> chunks() {
    return chunks;
  }

  /** The item at an index, or null if it is not in flight. */
  T item(long index) {
    long start = first;
    for (var chunk : chunks) {
      if (index >= start && index < start + chunk.size()) {
        return chunk.get((int) (index - start));
      }
      start += chunk.size();
    }
    return null;
  }

  /** Drops the items before an index. Returns whether there were any. */
  boolean acknowledge(long end) {
    if (end <= first) {
      return false;
    }
    while (first < end) {
      var chunk = chunks.remove();
      int count = (int) Math.min(end - first, chunk.size());
      first += count;
      if (count < chunk.size()) {
        chunks.addFirst(chunk.subList(count, chunk.size()));
      }
    }
    return true;
  }
}
