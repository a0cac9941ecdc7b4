package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class PlaintextIT extends Behaviour {
  @Override
  Server server() {
    return Server.plaintext();
  }

  @Test
  void theTourRuns() throws IOException, InterruptedException {
    var process =
        new ProcessBuilder(
                "java",
                "-classpath",
                System.getProperty("java.class.path"),
                "examples/Tour.java",
                server().address(),
                Server.newTenant())
            .redirectErrorStream(true)
            .start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    var expected =
        """
        2 members: 1 company, 1 person
        5000 contacts created
        5000 assigned
        item 5000: there is no such contact
        the first is C100
        5002 members sent
        GIFT is PRESENT now
        revision 1: MAILING_GROUP_CREATED
        """;
    assertEquals(expected, output.substring(0, Math.min(expected.length(), output.length())));
  }
}
