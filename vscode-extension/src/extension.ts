/**
 * The extension: finds the Python that has typeinfer, starts its language server and shows how it is doing.
 *
 * Whatever is known of types is the server's; there is no logic of that kind here, and nothing is sent anywhere.
 */

import { execFile } from "node:child_process";
import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, RevealOutputChannelOn, State, Trace } from "vscode-languageclient/node";

const LANGUAGES = ["python", "typescript", "typescriptreact", "javascript", "javascriptreact"];

const PATIENCE = 20_000; // milliseconds that a Python may take to say whether it has typeinfer

let client: LanguageClient | undefined;
let turn: Promise<void> = Promise.resolve();
let log: vscode.LogOutputChannel;
let status: vscode.StatusBarItem;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  log = vscode.window.createOutputChannel("typeinfer", { log: true });
  status = vscode.window.createStatusBarItem("typeinfer.status", vscode.StatusBarAlignment.Right, 90);
  status.name = "typeinfer";
  status.command = "typeinfer.menu";
  const commands: Record<string, () => unknown> = {
    "typeinfer.annotateFile": () =>
      vscode.commands.executeCommand("editor.action.codeAction", { kind: "source.fixAll.typeinfer", apply: "first" }),
    "typeinfer.previewWorkspace": previewWorkspace,
    "typeinfer.showEvidence": () => vscode.commands.executeCommand("editor.action.showHover"),
    "typeinfer.restart": restart,
    "typeinfer.openLog": () => log.show(),
    "typeinfer.menu": () => vscode.commands.executeCommand("workbench.action.quickOpen", ">typeinfer: "),
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, run));
  }
  context.subscriptions.push(
    log,
    status,
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("typeinfer.interpreter")) void restart();
    }),
  );
  const python = await pythonExtension();
  python?.environments?.onDidChangeActiveEnvironmentPath?.(() => void restart(), undefined, context.subscriptions);
  await restart();
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function start(): Promise<void> {
  show("$(sync~spin) typeinfer", "typeinfer is starting");
  const python = await findPython();
  if (python === undefined) return void missing(); // Nothing waits for what is clicked, or when.
  log.info(`typeinfer runs in ${python}`);
  const options: LanguageClientOptions = {
    documentSelector: LANGUAGES.flatMap((language) => [
      { scheme: "file", language },
      { scheme: "untitled", language },
    ]),
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: vscode.workspace.getConfiguration("typeinfer"),
    synchronize: { configurationSection: "typeinfer" },
    middleware: {
      // The client counts who asked from 0, as VS Code does; the protocol from 1.
      provideInlineCompletionItems: (document, position, context, token, next) =>
        next(document, position, { ...context, triggerKind: context.triggerKind + 1 }, token),
    },
  };
  const server = { command: python, args: ["-m", "typeinfer", "lsp"] };
  client = new LanguageClient("typeinfer", "typeinfer", { run: server, debug: server }, options);
  client.registerProposedFeatures(); // Lines in grey are among them.
  client.onDidChangeState(({ newState }) => {
    if (newState === State.Running) show("typeinfer", "typeinfer is ready");
    if (newState === State.Starting) show("$(sync~spin) typeinfer", "typeinfer is starting");
    if (newState === State.Stopped) show("$(warning) typeinfer", "typeinfer has stopped: run “typeinfer: Restart Server”");
  });
  try {
    await client.start();
    const trace = vscode.workspace.getConfiguration("typeinfer").get("trace.server", "off");
    await client.setTrace(Trace.fromString(trace));
  } catch (error) {
    log.error(String(error));
    void failed();
  }
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  try {
    await running?.dispose();
  } catch (error) {
    log.warn(String(error)); // A server that is gone can't be told to go.
  }
}

/** One after the other: settings may change while the last change is still being answered, and two servers can't have one command. */
function restart(): Promise<void> {
  turn = turn.catch(() => undefined).then(stop).then(start);
  return turn;
}

async function previewWorkspace(): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const uri = document?.uri.scheme === "file" ? document.uri.toString() : null;
  const said = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: "typeinfer: annotating the workspace" },
    () => vscode.commands.executeCommand<string>("typeinfer.annotateWorkspace", uri, true),
  );
  void vscode.window.setStatusBarMessage(`typeinfer: ${said}`, 10_000);
}

function show(text: string, tooltip: string): void {
  status.text = text;
  status.tooltip = tooltip;
  status.show();
}

async function failed(): Promise<void> {
  show("$(error) typeinfer", "typeinfer could not start; click for the log");
  const chosen = await vscode.window.showErrorMessage("typeinfer could not start.", "Open Log", "Restart");
  if (chosen === "Open Log") log.show();
  if (chosen === "Restart") await restart();
}

async function missing(): Promise<void> {
  show("$(error) typeinfer", "No Python here has typeinfer");
  const told = "No Python was found that has typeinfer: pip install typeinfer, or choose the one that has it.";
  const chosen = await vscode.window.showErrorMessage(told, "Install", "Choose Python", "Try Again");
  if (chosen === "Install") {
    const [python] = await candidates();
    const terminal = vscode.window.createTerminal("typeinfer");
    terminal.show();
    terminal.sendText(`${python ?? "python3"} -m pip install typeinfer`, false);
  }
  if (chosen === "Choose Python") {
    await vscode.commands.executeCommand("workbench.action.openSettings", "typeinfer.interpreter");
  }
  if (chosen === "Try Again") await restart();
}

/** The first Python that can import typeinfer. */
async function findPython(): Promise<string | undefined> {
  for (const python of await candidates()) {
    if (await hasTypeinfer(python)) return python;
    log.info(`${python} has no typeinfer`);
  }
  return undefined;
}

async function candidates(): Promise<string[]> {
  const chosen = vscode.workspace.getConfiguration("typeinfer").get("interpreter", "").trim();
  if (chosen) return [chosen];
  const python = await pythonExtension();
  const active = python?.environments?.getActiveEnvironmentPath?.(vscode.workspace.workspaceFolders?.[0]?.uri);
  const resolved = active && (await python?.environments?.resolveEnvironment?.(active));
  const own = resolved?.executable?.uri?.fsPath;
  return [...(own ? [own] : []), "python3", "python"];
}

function hasTypeinfer(python: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(python, ["-m", "typeinfer", "--version"], { timeout: PATIENCE }, (error, said) => {
      resolve(error === null && said.startsWith("typeinfer "));
    });
  });
}

/** What is used here of the API of Microsoft's Python extension. */
interface PythonApi {
  environments?: {
    getActiveEnvironmentPath?(resource?: vscode.Uri): { path: string };
    resolveEnvironment?(environment: { path: string }): Promise<{ executable?: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

async function pythonExtension(): Promise<PythonApi | undefined> {
  try {
    return (await vscode.extensions.getExtension<PythonApi>("ms-python.python")?.activate()) ?? undefined;
  } catch {
    return undefined; // Its trouble is not ours.
  }
}
