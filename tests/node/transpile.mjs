// The JavaScript that esbuild and the TypeScript compiler make of many texts, without comments and in one style: what the
// compiler keeps of the way the text was written (`x => x`, `(x) => x`) goes through esbuild once more.
// In: a JSON list of {path, text} on standard input. Out: a JSON list of {esbuild, typescript}; an error is null.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../benchmarks/node/package.json", import.meta.url));
const esbuild = require("esbuild");
const ts = require("typescript");

const LOADERS = { ts: "ts", mts: "ts", cts: "ts", tsx: "tsx", js: "jsx", jsx: "jsx", mjs: "jsx", cjs: "jsx" };

function byEsbuild(loader, text) {
  try {
    return esbuild.transformSync(text, {
      loader,
      jsx: "preserve",
      minifyWhitespace: true,
      legalComments: "none",
      logLevel: "silent",
      // Every import that is not of types alone stays, so that one too many is seen.
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, experimentalDecorators: true } },
    }).code;
  } catch {
    return null;
  }
}

function byTypeScript(path, text) {
  const { outputText, diagnostics } = ts.transpileModule(text, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      jsx: ts.JsxEmit.Preserve,
      allowJs: true,
      removeComments: true,
      experimentalDecorators: true,
    },
  });
  const failed = diagnostics.some((found) => found.category === ts.DiagnosticCategory.Error);
  return failed ? null : byEsbuild("jsx", outputText);
}

const files = JSON.parse(readFileSync(0, "utf8"));
const made = files.map(({ path, text }) => ({
  esbuild: byEsbuild(LOADERS[path.split(".").pop()], text),
  typescript: byTypeScript(path, text),
}));
process.stdout.write(JSON.stringify(made));
