// Copies what the package takes from the rest of the repository: the retry policy, as a module that
// works in browsers too, and the licences.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";

const policy = readFileSync("../service_config.json", "utf8").trim();
writeFileSync(
  "src/gen/service_config.ts",
  `/** A copy of clients/service_config.json. */\nexport default ${policy};\n`,
);
for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) {
  copyFileSync(`../../${name}`, name);
}
