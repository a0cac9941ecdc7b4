// Serves the page at localhost and lets a browser open it: main.js SERVICE_ADDRESS PAGE_PORT

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import puppeteer from "puppeteer-core";

const [service, port] = process.argv.slice(2);
const script = await readFile("page.bundle.js");
const pages = createServer((request, response) => {
  const isScript = request.url === "/page.js";
  response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
  response.end(isScript ? script : '<!doctype html><script src="/page.js"></script>');
});
await new Promise((resolve) => pages.listen(port, "127.0.0.1", resolve));

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  // Chromium's sandbox does not start as root, and a container's /dev/shm is too small for it.
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP localhost 127.0.0.1"],
});
try {
  const page = await browser.newPage();
  // The same page of another origin, which may not call.
  await page.goto(`http://127.0.0.1:${port}/`);
  const stranger = await page.evaluate((url) => globalThis.reach(url), `http://${service}`);
  if (!stranger.includes("Failed to fetch")) {
    throw new Error(`a page of another origin got an answer: ${stranger}`);
  }
  await page.goto(`http://localhost:${port}/`);
  const passed = await page.evaluate((url) => globalThis.test(url), `http://${service}`);
  console.log(`browser: ${await browser.version()}: ${passed.join("; ")}`);
} finally {
  await browser.close();
  pages.close();
}
