// TypeStat: a folder of TypeScript files in; the same files with what TypeStat adds to incomplete and to missing types out.
// Its settings and a tsconfig.json for it stand in the folder while it runs.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(process.argv[2]);
const program = fileURLToPath(new URL("./node_modules/typestat/bin/typestat.mjs", import.meta.url));
const settings = "typestat.json";
const project = "typestat.tsconfig.json";

const own = fs.existsSync(path.join(root, "tsconfig.json")) ? { extends: "./tsconfig.json" } : {};
const compilerOptions = {
  ...{ target: "esnext", module: "esnext", moduleResolution: "bundler", jsx: "preserve" },
  ...{ strict: true, noEmit: true, composite: false, incremental: false, skipLibCheck: true, types: [] },
  ...{ allowImportingTsExtensions: true, experimentalDecorators: true },
};
const files = {
  [settings]: { fixes: { incompleteTypes: true, noImplicitAny: true }, projectPath: `./${project}`, include: ["**/*.{ts,tsx}"] },
  [project]: { ...own, compilerOptions, include: ["**/*"], exclude: ["node_modules"], references: [] },
};
for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(root, name), JSON.stringify(content));
try {
  const done = spawnSync(process.execPath, [program, "--config", settings], { cwd: root, stdio: "inherit" });
  process.exitCode = done.status ?? 1;
} finally {
  for (const name of Object.keys(files)) fs.rmSync(path.join(root, name));
}
