// The package itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";

import { server } from "./shared.js";

const read = (path: string) => readFileSync(path, "utf8");

describe("the package", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string };

  it("has the version of the service", () => {
    assert.equal(version, /^version = "(.*)"/m.exec(read("../../Cargo.toml"))?.[1]);
  });

  it("carries the retry policy", async () => {
    const copy = new URL("../../dist/gen/service_config.js", import.meta.url);
    const policy = (await import(copy.href)) as { default: unknown };
    assert.deepEqual(policy.default, JSON.parse(read("../service_config.json")));
  });

  it("needs nothing of Node.js in browsers", () => {
    const files = ["dist/web.js"];
    for (const file of files) {
      for (const [, name = ""] of read(file).matchAll(/ from "(.+)";/g)) {
        assert.doesNotMatch(name, /^node:|connect-node/, file);
        const found = join(dirname(file), name);
        if (name.startsWith(".") && !files.includes(found)) {
          files.push(found);
        }
      }
    }
    assert(files.includes("dist/resume.js"), files.join());
  });

  it("works when it is installed: the tour", () => {
    // Its dependencies are found in node_modules of a parent folder.
    const folder = "build/installed";
    const installed = `${folder}/node_modules/mailing-groups`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(installed, { recursive: true });
    execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", "build"], { stdio: "ignore" });
    execFileSync("tar", ["xzf", `build/mailing-groups-${version}.tgz`, "-C", installed, "--strip-components=1"]);
    for (const name of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "dist/index.d.ts"]) {
      read(`${installed}/${name}`);
    }
    writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
    // The types need nothing but lib.dom.
    writeFileSync(`${folder}/use.ts`, 'export * from "mailing-groups";');
    const flags = "--strict --module nodenext --target es2022 --lib ES2022,DOM --ignoreConfig --noEmit use.ts";
    execFileSync("tsc", flags.split(" "), { cwd: folder, stdio: "inherit" });
    cpSync("build/examples/tour.js", `${folder}/tour.js`);
    const output = execFileSync(process.execPath, ["tour.js", server.address], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.match(output, /^defined MOVE: Office move$/m);
    assert.match(output, /^imported 2500 contacts, rejected 1$/m);
    assert.match(output, /^assigned 2501 pairs, rejected 1$/m);
    assert.match(output, /^streamed 2500 of 2500 members$/m);
    assert.match(output, /mailingGroupRenamed$/m);
    assert.match(output, /^MOVE is RELOCATE now$/m);
  });
});
