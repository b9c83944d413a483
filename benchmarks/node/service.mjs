// Service: the compiler's language service over the files of a folder, which can be edited in memory and written back.
import fs from "node:fs";

import ts from "typescript";

import { edited } from "./edits.mjs";
import { settingsOf, sourcesBelow } from "./project.mjs";

export class Service {
  constructor(root, settings = {}) {
    this.texts = new Map(sourcesBelow(root).map((name) => [name, fs.readFileSync(name, "utf8")]));
    this.written = new Map(this.texts);
    this.versions = new Map();
    const options = { ...settingsOf(root), ...settings };
    const host = {
      getScriptFileNames: () => [...this.texts.keys()],
      getScriptVersion: (name) => String(this.versions.get(name) ?? 0),
      getScriptSnapshot: (name) => {
        const text = this.texts.get(name) ?? ts.sys.readFile(name);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => root,
      getCompilationSettings: () => options,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
    };
    this.compiler = ts.createLanguageService(host);
  }

  get files() {
    return [...this.texts.keys()].filter((name) => !name.endsWith(".d.ts"));
  }

  // `changes`: [{ start, length, text }]. A result that does not parse is not taken.
  edit(name, changes) {
    const text = edited(this.texts.get(name), changes);
    if (ts.createSourceFile(name, text, ts.ScriptTarget.ESNext).parseDiagnostics.length) return;
    this.texts.set(name, text);
    this.versions.set(name, (this.versions.get(name) ?? 0) + 1);
  }

  write() {
    for (const [name, text] of this.texts) if (text !== this.written.get(name)) fs.writeFileSync(name, text);
  }
}
