"""Declaration files: each is one that the compiler takes, and declares what the annotated file holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_typescript_erasure import NODE_PACKAGES
from test_typescript_rewriting_spec import Case, cases

from typeinfer.languages.typescript import parsing
from typeinfer.languages.typescript.stubs import stub
from typeinfer.values.source import SourceFile

ANNOTATED = """\
#!/usr/bin/env node
import type { Item } from "./item";
import { Base } from './base'

/** A limit. */
export const LIMIT = 10, table: Record<string, Item> = {};
const hidden = "x";
export const { a, b: [c, ...d] } = read();
export type Name<T> = T | string
interface Shape { x: number }
export enum Colour { Red = 1, Blue }
export function f(a: string, b = 1, { c }: { c: number } = { c: 1 }, ...rest: Item[]): string { return a; }
export function late(a = 1, b: string): void {}
export async function* g<T>(x: T) { yield x; }
export function over(a: string): string;
export function over(a: number): number;
export function over(a: any) { return a; }
export default class Cart<T = Item> extends Base implements Shape {
  declare private readonly q: string;
  x = 1;
  static y?: string = "a";
  #p = 1; #z() {}
  protected readonly list: T[] = [];
  names = new Map<string, number>();
  constructor(private key: string, readonly limit = 1, public item?: Item) { super(); }
  get v(): string { return ""; }
  set v(value: string) {}
  private gone(a: string) {}
  async load(id: string, force = false): Promise<void> {}
  over(a: string): void;
  over(a) {}
  handle = (e: Event): void => {};
  static { f("") }
  [index: string]: any;
  m(this: Cart, a, b?) {}
}
export abstract class Q { abstract m(): void; abstract f: string; is(x: unknown): x is Q { return true } }
export namespace N { export const x: number = 1; export class Inner { y(): void {} } }
declare module "q" { export const z: string; }
export const arrow = async <T,>(x: T, y = 2): Promise<T> => x;
export { hidden as shown };
"""

DECLARED = """\
import type { Item } from "./item";
import { Base } from './base';
export declare const LIMIT: number;
export declare const table: Record<string, Item>;
declare const hidden: string;
export declare const a: any;
export declare const c: any;
export declare const d: any;
export declare type Name<T> = T | string;
interface Shape { x: number }
export declare enum Colour { Red = 1, Blue }
export declare function f(a: string, b?: number, arg2?: { c: number }, ...rest: Item[]): string;
export declare function late(a: number | undefined, b: string): void;
export declare function g<T>(x: T): any;
export declare function over(a: string): string;
export declare function over(a: number): number;
export default class Cart<T = Item> extends Base implements Shape {
  private readonly q;
  x: number;
  static y?: string;
  #private;
  protected readonly list: T[];
  names: Map<string, number>;
  private key;
  readonly limit: number;
  public item?: Item;
  constructor(key: string, limit?: number, item?: Item);
  get v(): string;
  set v(value: string);
  private gone;
  load(id: string, force?: boolean): Promise<void>;
  over(a: string): void;
  handle: (e: Event) => void;
  [index: string]: any;
  m(this: Cart, a: any, b?: any): any;
}
export declare abstract class Q {
  abstract m(): void;
  abstract f: string;
  is(x: unknown): x is Q;
}
export declare namespace N {
  export const x: number;
  export class Inner {
    y(): void;
  }
}
declare module "q" { export const z: string; }
export declare const arrow: <T,>(x: T, y?: number) => Promise<T>;
export { hidden as shown };
export {};
"""

SCRIPT = """\
const path = require("path");
/**
 * @param {string} a
 * @param {number} [b]
 * @param {...string} c
 * @returns {Promise<import("./x.js").X>}
 */
async function f(a, b = 1, ...c) {}
class K {
  constructor() {
    /** @type {string} */
    this.x = 1;
    this.y = 2;
  }
  /** @returns {?string} */
  m() {}
}
/** @type {number} */
let n;
module.exports = { f, K, q: n };
"""

DECLARED_SCRIPT = """\
import path = require("path");
declare function f(a: string, b?: number, ...c: (string)[]): Promise<import("./x.js").X>;
declare class K {
  x: string;
  y: any;
  constructor();
  m(): any;
}
declare let n: number;
export { f, K, n as q };
"""


def stub_of(text: str, path: str) -> str:
    return stub(SourceFile(path, "typescript", text.encode()))


def test_what_is_annotated_is_declared() -> None:
    assert stub_of(ANNOTATED, "src/cart.ts") == DECLARED


def test_what_comments_say_is_declared() -> None:
    assert stub_of(SCRIPT, "src/cart.js") == DECLARED_SCRIPT


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"line {case.line}")
def test_every_stub_parses(case: Case) -> None:
    declared = stub_of(case.after, case.path)
    assert not parsing.parse("a.d.ts", declared.encode()).root_node.has_error, declared


def test_the_compiler_takes_it(tmp_path: Path) -> None:
    compiler = NODE_PACKAGES / "typescript" / "bin" / "tsc"
    if not compiler.is_file():
        pytest.fail("typescript is missing; run: npm ci --prefix benchmarks/node", pytrace=False)
    (tmp_path / "item.d.ts").write_text("export interface Item {}\n")
    (tmp_path / "base.d.ts").write_text("export class Base { x: number; [index: string]: any }\n")
    (tmp_path / "cart.d.ts").write_text(DECLARED.replace("declare module", "declare namespace").replace('"q"', "q"))
    command = ["node", str(compiler), "--noEmit", "--target", "esnext", "--strict", str(tmp_path / "cart.d.ts")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""
