// A project as it is published, in: its TypeScript files and the settings that it is read with, out. Nothing is installed,
// so no types but the compiler's own library are there.
import path from "node:path";

import ts from "typescript";

const ALWAYS = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  // A file of CommonJS is no script whose variables everyone shares.
  moduleDetection: ts.ModuleDetectionKind.Force,
  jsx: ts.JsxEmit.Preserve,
  allowImportingTsExtensions: true,
  esModuleInterop: true,
  resolveJsonModule: true,
  experimentalDecorators: true,
  skipLibCheck: true,
  noEmit: true,
  types: [],
};

// What a program means by its own names; all else that a project sets is about what is emitted or how much is complained.
const OWN = ["paths", "baseUrl", "jsxImportSource", "strict", "strictNullChecks"];

export function sourcesBelow(root) {
  return ts.sys.readDirectory(root, [".ts", ".tsx", ".mts", ".cts"], ["**/node_modules/**"], ["**/*"]);
}

export function settingsOf(root) {
  const place = path.join(root, "tsconfig.json");
  const { config } = ts.sys.fileExists(place) ? ts.readConfigFile(place, ts.sys.readFile) : {};
  const { options } = ts.parseJsonConfigFileContent(config ?? {}, ts.sys, root);
  const own = OWN.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return { strict: true, ...Object.fromEntries(own), pathsBasePath: options.pathsBasePath, ...ALWAYS };
}
