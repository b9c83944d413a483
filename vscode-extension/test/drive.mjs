/**
 * VS Code itself, served to a browser by code-server: `node test/drive.mjs CODE_SERVER PYTHON PICTURES`.
 *
 * An untyped project is opened and annotated by clicking; each step looks at what is on the screen or on the disk, and its picture
 * is kept in the folder PICTURES. Ends with 0 and a line a step, or with 1 and what was not there.
 */

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const [codeServer, python, pictures] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const place = mkdtempSync(join(tmpdir(), "typeinfer-vscode-"));
const project = join(place, "stockroom");
const PORT = 41873;

cpSync(resolve(here, "../../tests/corpus/stockroom"), project, { recursive: true });
writeFileSync(
  join(project, "stockroom", "report.py"),
  `"""What the stockroom is worth."""

from pathlib import Path

from .shelf import load


def total(shelf):
    return sum(item.value for item in shelf.items.values())


def main(folder, verbose=False):
    worth = total(load(folder / "main.txt"))
    if verbose:
        print(worth)


main(Path("stock"))
`,
);
mkdirSync(pictures, { recursive: true });
const settings = join(place, "user", "User");
mkdirSync(settings, { recursive: true });
writeFileSync(
  join(settings, "settings.json"),
  JSON.stringify({
    "workbench.startupEditor": "none",
    "workbench.colorTheme": "Default Light Modern",
    "editor.minimap.enabled": false,
    "chat.commandCenter.enabled": false,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "security.workspace.trust.enabled": false,
    "editor.hover.delay": 200,
  }),
);
// No setting names the interpreter: an extension in the place of the Python extension, which no registry reached from here has,
// says which one is chosen, as that does.
const chosen = join(place, "python");
mkdirSync(chosen);
writeFileSync(
  join(chosen, "package.json"),
  JSON.stringify({ name: "python", publisher: "ms-python", version: "0.0.1", engines: { vscode: "^1.91.0" }, main: "./main.js", activationEvents: [], license: "Apache-2.0" }),
);
writeFileSync(
  join(chosen, "main.js"),
  `exports.activate = () => ({ environments: {
    getActiveEnvironmentPath: () => ({ path: "chosen" }),
    resolveEnvironment: async ({ path }) => ({ executable: { uri: { fsPath: path === "chosen" ? ${JSON.stringify(python)} : "" } } }),
    onDidChangeActiveEnvironmentPath: () => ({ dispose() {} }),
  } });`,
);
execFileSync(join(here, "../node_modules/.bin/vsce"), ["package", "--allow-missing-repository", "--skip-license", "--out", "python.vsix"], { cwd: chosen });
const folders = ["--user-data-dir", join(place, "user"), "--extensions-dir", join(place, "extensions")];
for (const extension of [join(chosen, "python.vsix"), resolve(here, "../typeinfer.vsix")]) {
  execFileSync(codeServer, [...folders, "--install-extension", extension], { stdio: "inherit" });
}
const server = spawn(
  codeServer,
  ["--auth", "none", "--bind-addr", `127.0.0.1:${PORT}`, ...folders, "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", project],
  { stdio: "ignore", detached: true, env: { ...process.env, TYPEINFER_CACHE: join(place, "cache") } },
);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1180, height: 720 } });
page.setDefaultTimeout(60_000);

const began = Date.now();
let number = 0;
async function step(name, work) {
  try {
    await work();
  } catch (error) {
    await page.screenshot({ path: join(pictures, "failed.png") });
    throw new Error(`${name}: ${error.message}`);
  }
  number += 1;
  await page.screenshot({ path: join(pictures, `${number}-${name.replaceAll(" ", "-")}.png`) });
  console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${name}`);
}

const shownText = async () =>
  (await page.locator(".view-line").allTextContents()).join("\n").replaceAll("\u00a0", " ");
const onDisk = (name) => readFileSync(join(project, "stockroom", name), "utf8");

async function until(what, true_) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await true_()) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`${what} never came`);
}

async function command(title) {
  await page.keyboard.press("F1");
  await page.locator(".quick-input-widget input").first().fill(`>${title}`);
  // What was chosen last is listed until the list is about the title.
  const first = page.locator(".quick-input-list .monaco-list-row").first();
  await until(title, async () => (await first.textContent())?.includes(title));
  await page.keyboard.press("Enter");
}

async function open(name) {
  await page.keyboard.press("Control+p");
  await page.locator(".quick-input-widget input").first().fill(name);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".tab.active", { hasText: name }).waitFor();
}

let failed = false;
try {
  await step("the project is open", async () => {
    await until("the server", async () => {
      try {
        await page.goto(`http://127.0.0.1:${PORT}/?folder=${project}`);
        return true;
      } catch {
        return false;
      }
    });
    await page.locator(".explorer-folders-view .monaco-list-row").first().waitFor();
  });
  await step("hints are shown", async () => {
    await open("shelf.py");
    await until("a hint", async () => /item: Item/.test(await shownText()));
    await page.locator(".statusbar-item", { hasText: "typeinfer" }).first().waitFor();
  });
  await step("a name is hovered over", async () => {
    await page.locator(".view-line span", { hasText: /^item$/ }).first().hover();
    await page.locator(".monaco-hover", { hasText: "by typeinfer" }).first().waitFor();
  });
  await step("a hint is double-clicked", async () => {
    await open("report.py");
    await until("a hint", async () => /shelf: Shelf/.test(await shownText()));
    const hint = page.locator(".view-line span", { hasText: /^:\sShelf$/ }).first();
    await hint.hover();
    await page.locator(".monaco-hover", { hasText: "by typeinfer" }).first().waitFor();
    // Hints are drawn anew whenever more is known: a click may meet one that is just going.
    await until("the file on the disk", async () => {
      await hint.dblclick({ timeout: 1000 }).catch(() => {});
      await page.keyboard.press("Control+s");
      await page.waitForTimeout(500);
      return /def total\(shelf: Shelf\)/.test(onDisk("report.py"));
    });
    if (!/^ *from .shelf import Shelf$/m.test(onDisk("report.py"))) throw new Error(`no import: ${onDisk("report.py")}`);
  });
  await step("a quick fix is offered", async () => {
    await open("items.py");
    await until("a hint", async () => /perishable: bool/.test(await shownText()));
    await page.locator(".view-line span", { hasText: /^perishable$/ }).first().click();
    await page.keyboard.press("Control+.");
    await page.locator(".action-widget .monaco-list-row", { hasText: "perishable as bool" }).first().waitFor();
  });
  await step("a quick fix is taken", async () => {
    await page.locator(".action-widget .monaco-list-row", { hasText: "perishable as bool" }).first().click();
    await page.keyboard.press("Control+s");
    await until("the file on the disk", () => /perishable: bool = False/.test(onDisk("items.py")));
  });
  await step("types are offered where one is typed", async () => {
    await page.locator(".view-line span", { hasText: /^days$/ }).first().click();
    await page.keyboard.press("Control+ArrowRight");
    await page.keyboard.type(": ");
    await page.keyboard.press("Control+Space");
    await page.locator(".suggest-widget .monaco-list-row", { hasText: "int" }).first().waitFor();
  });
  await step("members are offered behind a dot", async () => {
    await page.keyboard.press("Escape");
    // The editor saves by itself: what is on the disk may be what was typed.
    for (let tries = 0; tries < 20 && /days: ?=/.test(await shownText()); tries += 1) await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+s");
    await until("the old text on the disk", () => /days=30/.test(onDisk("items.py")));
    await page.locator(".tab", { hasText: "report.py" }).click();
    await page.locator(".tab.active", { hasText: "report.py" }).waitFor();
    await page.locator(".view-line").nth(3).click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("\n\ndef labels(shelf: Shelf): return shelf.", { delay: 20 });
    await page.locator(".suggest-widget .monaco-list-row", { hasText: "by typeinfer" }).first().waitFor();
  });
  await step("a line goes on in grey", async () => {
    // The first closes what is shown of a member, the second the list.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Shift+k");
    for (const name of ["first", "second"]) {
      await page.keyboard.type(`def ${name}(text): return text.strip().lower().title()\n`, { delay: 10 });
      await page.keyboard.press("Escape");
    }
    await page.keyboard.type("def third(text): return ", { delay: 20 });
    await page.locator("[class*='ghost-text']", { hasText: "strip" }).first().waitFor();
  });
  await step("Tab takes it", async () => {
    await page.keyboard.press("Tab");
    await until("the line on the screen", async () => /third\(text\): return text\.strip\(\)\.lower\(\)\.title\(\)/.test(await shownText()));
  });
  await step("the workspace is previewed", async () => {
    await page.keyboard.press("Escape");
    // What the editor has saved by itself meanwhile would come back with what is on the disk.
    for (let tries = 0; tries < 200 && /^(d|de|def|def (l|f|s|t$|th).*|def )$/m.test(await shownText()); tries += 1) {
      await page.keyboard.press("Control+z");
    }
    await command("File: Save All Files");
    await command("typeinfer: Annotate Workspace, with Preview");
    await page.locator(".monaco-button", { hasText: "Apply" }).first().waitFor();
    await page.waitForTimeout(1_000);
  });
  await step("the workspace is annotated", async () => {
    // What needs to be confirmed is not ticked from the start; the box of a file ticks all that is in it.
    const files = page.locator(".panel .monaco-list-row[aria-level='1']");
    for (let file = 0; file < (await files.count()); file += 1) {
      await files.nth(file).locator(".edit-checkbox").click();
      await files.nth(file).locator(".monaco-tl-twistie").click(); // makes room for the next one
      await page.waitForTimeout(300);
    }
    await page.locator(".monaco-button", { hasText: "Apply" }).first().click();
    await until("the shelf on the screen", async () => /label: str/.test(await shownText()) || /-> Shelf/.test(onDisk("shelf.py")));
    await command("File: Save All Files");
    await until("every file on the disk", () => /-> Shelf/.test(onDisk("shelf.py")) && /name: str/.test(onDisk("items.py")));
  });
  await step("a killed server comes back", async () => {
    const running = execFileSync("pgrep", ["-f", `${python} -m typeinfer lsp`], { encoding: "utf8" }).trim().split("\n");
    for (const id of running) process.kill(Number(id), "SIGKILL");
    await page.waitForTimeout(3_000);
    await page.locator(".tab", { hasText: "report.py" }).click();
    await page.locator(".view-line").nth(3).click();
    await page.keyboard.press("Control+End");
    // In one line: whether the editor indents the next one in time is not what is looked at.
    await page.keyboard.type("\n\ndef late(flag=True): return not flag", { delay: 20 });
    await until("a hint", async () => /flag: bool/.test(await shownText()));
  });
  await step("a Python without typeinfer is told of", async () => {
    const choose = (chosen) => writeFileSync(join(project, ".vscode", "settings.json"), JSON.stringify({ "typeinfer.interpreter": chosen }));
    mkdirSync(join(project, ".vscode"));
    choose("/nowhere/python");
    await page.locator(".notifications-toasts", { hasText: "No Python was found that has typeinfer" }).waitFor();
    await page.screenshot({ path: join(pictures, "no-python.png") });
    choose(python);
    await page.locator(".notifications-toasts .monaco-button", { hasText: "Try Again" }).click();
    await page.locator(".statusbar-item[aria-label*='typeinfer is ready']").first().waitFor();
  });
  await step("the walkthrough has the pictures", async () => {
    await command("Welcome: Open Walkthrough...");
    await page.locator(".quick-input-widget input").first().fill("typeinfer");
    await page.keyboard.press("Enter");
    await page.locator(".getting-started-step", { hasText: "See what would be written" }).first().click();
    const picture = page.locator(".getting-started-media img").first();
    await until("the picture", () => picture.evaluate((one) => one.complete && one.naturalWidth > 0));
  });
} catch (error) {
  failed = true;
  console.error(error.message);
} finally {
  await browser.close();
  process.kill(-server.pid, "SIGTERM"); // with all that it started
  rmSync(place, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(failed ? 1 : 0);
