"""What a TypeScript project's settings say of its imports, and what becomes of JavaScript: laws and cases over folders."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from typeinfer.languages.typescript.projects import localize, migrated, module_name, project_additions
from typeinfer.languages.typescript.syntax import read
from typeinfer.values.module import Module
from typeinfer.values.source import SourceFile

CODE = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")


def lay_out(root: Path, files: Mapping[str, str]) -> dict[str, Module]:
    """The files, written below the root; those that hold code as they are read."""
    modules: dict[str, Module] = {}
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        if path.endswith(CODE) and "node_modules" not in path:
            file = SourceFile(path, "typescript", text.encode("utf-8"))
            modules[path] = read(file, *module_name(path))
    return modules


def imported(root: Path, files: Mapping[str, str], path: str) -> list[str]:
    """The modules that one file imports, by the names that the settings give them."""
    return [found.module for found in localize(root, lay_out(root, files))[path].imports]


def test_files_are_named_by_their_path() -> None:
    assert module_name("src/shop/cart.ts") == ("src/shop/cart", False)
    assert module_name("src/shop/index.tsx") == ("src/shop", True)
    assert module_name("index.mjs") == ("index", True)
    assert module_name("types/cart.d.ts") == ("types/cart", False)
    assert module_name("cart.service.ts") == ("cart.service", False)
    assert module_name("src/indexer.js") == ("src/indexer", False)


# --- tsconfig.json ----------------------------------------------------------------------------------------------------

SHOP = {
    "src/shop/cart.ts": "export class Cart {}",
    "src/shop/index.ts": "export * from './cart';",
    "src/main.ts": """\
import { Cart } from "@/shop/cart";
import type { Cart as Same } from "@/shop/cart.js";
import * as shop from "shop";
import { nothing } from "@/shop/nothing";
import { useState } from "react";
export { Cart as Passed } from "@shop";
""",
}


def test_aliases_name_the_modules_of_the_project(tmp_path: Path) -> None:
    configuration = """\
// Comments, and commas at the end.
{ "compilerOptions": { /* "paths": {} */
    "baseUrl": "./src", "paths": { "@/*": ["./*"], "@shop": ["shop/index.ts"], }, }, }
"""
    found = imported(tmp_path, {**SHOP, "tsconfig.json": configuration}, "src/main.ts")
    assert found == ["src/shop/cart", "src/shop/cart", "src/shop", "@/shop/nothing", "react", "src/shop"]


def test_only_the_module_of_an_import_is_another(tmp_path: Path) -> None:
    modules = lay_out(tmp_path, {**SHOP, "jsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}'})
    localized = localize(tmp_path, modules)
    before, after = modules["src/main.ts"], localized["src/main.ts"]
    assert [(a.alias, a.name, a.span, a.type_only, a.passed_on) for a in before.imports] == [
        (b.alias, b.name, b.span, b.type_only, b.passed_on) for b in after.imports
    ]
    assert before.slots == after.slots
    assert localized["src/shop/cart.ts"] is modules["src/shop/cart.ts"]
    assert list(localized) == list(modules)


def test_the_nearest_of_several_configurations_counts(tmp_path: Path) -> None:
    files = {
        "tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./apps/shop/src/*"]}}}',
        "apps/shop/src/cart.ts": "export class Cart {}",
        "apps/shop/src/main.ts": 'import { Cart } from "@/cart";',
        "apps/admin/tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}',
        "apps/admin/src/cart.ts": "export class Cart {}",
        "apps/admin/src/main.ts": 'import { Cart } from "@/cart";',
        "apps/broken/tsconfig.json": '{"compilerOptions": {"paths": ',
        "apps/broken/src/main.ts": 'import { Cart } from "@/cart";',
    }
    localized = localize(tmp_path, lay_out(tmp_path, files))
    assert localized["apps/shop/src/main.ts"].imports[0].module == "apps/shop/src/cart"
    assert localized["apps/admin/src/main.ts"].imports[0].module == "apps/admin/src/cart"
    assert localized["apps/broken/src/main.ts"].imports[0].module == "apps/shop/src/cart", "passed over"


def test_what_a_configuration_extends_counts_from_its_own_folder(tmp_path: Path) -> None:
    files = {
        "config/base.json": '{"compilerOptions": {"paths": {"@/*": ["../packages/app/src/*"]}}}',
        "config/middle.json": '{"extends": "./base"}',
        "packages/app/tsconfig.json": '{"extends": "../../config/middle.json", "compilerOptions": {"strict": true}}',
        "packages/app/src/cart.ts": "export class Cart {}",
        "packages/app/src/main.ts": 'import { Cart } from "@/cart";',
        "packages/other/tsconfig.json": '{"extends": ["@acme/config/base.json"]}',
        "packages/other/cart.ts": "export class Cart {}",
        "packages/other/main.ts": 'import { Cart } from "~/cart";',
        "node_modules/@acme/config/base.json": '{"compilerOptions": {"paths": {"~/*": ["${configDir}/*"]}}}',
    }
    localized = localize(tmp_path, lay_out(tmp_path, files))
    assert localized["packages/app/src/main.ts"].imports[0].module == "packages/app/src/cart"
    assert localized["packages/other/main.ts"].imports[0].module == "packages/other/cart"


def test_project_references_are_followed(tmp_path: Path) -> None:
    files = {
        "tsconfig.json": '{"files": [], "references": [{"path": "./tsconfig.node.json"}, {"path": "./tsconfig.app.json"}]}',
        "tsconfig.app.json": '{"include": ["src"], "compilerOptions": {"paths": {"@/*": ["./src/*"]}}}',
        "tsconfig.node.json": '{"include": ["tools/*.ts"], "compilerOptions": {"paths": {"@/*": ["./tools/*"]}}}',
        "src/cart.ts": "export class Cart {}",
        "src/main.ts": 'import { Cart } from "@/cart";',
        "tools/cart.ts": "export class Cart {}",
        "tools/build.ts": 'import { Cart } from "@/cart";',
    }
    localized = localize(tmp_path, lay_out(tmp_path, files))
    assert localized["src/main.ts"].imports[0].module == "src/cart"
    assert localized["tools/build.ts"].imports[0].module == "tools/cart"


def test_of_several_patterns_the_exact_and_the_longest_counts(tmp_path: Path) -> None:
    paths = {"*": ["./lib/*"], "@/*": ["./a/*"], "@/shop/*": ["./gone/*", "./b/*"], "@/shop/cart": ["./c/cart"]}
    files = {
        "tsconfig.json": json.dumps({"compilerOptions": {"paths": paths}}),
        **{f"{folder}/cart.ts": "export class Cart {}" for folder in ("a", "b", "c", "lib")},
        "b/list.ts": "",
        "main.ts": 'import "@/shop/cart"; import { a } from "@/shop/cart"; import b from "@/shop/list";'
        'import c from "@/cart"; import d from "cart";',
    }
    found = imported(tmp_path, files, "main.ts")
    assert found[-4:] == ["c/cart", "b/list", "a/cart", "lib/cart"]


# --- package.json -----------------------------------------------------------------------------------------------------


def test_workspaces_mean_their_sources(tmp_path: Path) -> None:
    files = {
        "package.json": '{"name": "shop", "workspaces": ["packages/*"]}',
        "packages/core/package.json": json.dumps(
            {
                "name": "@shop/core",
                "main": "./dist/index.js",
                "exports": {
                    ".": {"types": "./dist/index.d.ts", "import": "./dist/index.mjs"},
                    "./parts/*": "./dist/parts/*.js",
                    "./money": {"node": {"import": "./build/esm/money/index.js"}},
                },
            }
        ),
        "packages/core/src/index.ts": "export * from './cart';",
        "packages/core/src/cart.ts": "export class Cart {}",
        "packages/core/src/parts/item.tsx": "export class Item {}",
        "packages/core/src/money/index.ts": "export class Money {}",
        "packages/old/package.json": '{"name": "@shop/core-old", "main": "lib/main.js"}',
        "packages/old/lib/main.js": "module.exports = {}",
        "packages/old/test/all.js": 'const old = require(".."); const same = require("@shop/core-old");',
        "packages/source/package.json": '{"name": "source", "source": "code/entry.ts", "main": "index.js"}',
        "packages/source/code/entry.ts": "export {}",
        "packages/bare/package.json": '{"name": "bare"}',
        "packages/bare/index.ts": "export {}",
        "app/main.ts": """\
import { Cart } from "@shop/core";
import { Item } from "@shop/core/parts/item";
import { Money } from "@shop/core/money";
import { Cart as Deep } from "@shop/core/dist/cart.js";
import old from "@shop/core-old";
import source from "source";
import bare from "bare";
import gone from "@shop/core/gone";
import other from "@shop/corer";
""",
    }
    modules = lay_out(tmp_path, files)
    localized = localize(tmp_path, modules)
    assert [found.module for found in localized["app/main.ts"].imports] == [
        "packages/core/src",
        "packages/core/src/parts/item",
        "packages/core/src/money",
        "packages/core/src/cart",
        "packages/old/lib/main",
        "packages/source/code/entry",
        "packages/bare",
        "@shop/core/gone",
        "@shop/corer",
    ]
    tests = localized["packages/old/test/all.js"].imports
    assert [found.module for found in tests] == ["packages/old/lib/main", "packages/old/lib/main"]


def test_the_root_imports_itself_by_name_and_by_path(tmp_path: Path) -> None:
    files = {
        "package.json": '{"name": "cart", "main": "lib/cart.js"}',
        "lib/cart.js": "exports.a = 1;",
        "test/cart.js": 'const { a } = require(".."); const cart = require("cart");',
    }
    assert imported(tmp_path, files, "test/cart.js") == ["lib/cart", "lib/cart"]


def test_names_inside_a_package(tmp_path: Path) -> None:
    imports = {"#cart": {"node": "./lib/cart.js", "default": "./lib/web.js"}, "#parts/*.js": "./src/parts/*.js"}
    files = {
        "package.json": json.dumps({"name": "shop", "imports": imports}),
        "lib/cart.js": "",
        "src/parts/item.ts": "",
        "src/deep/main.ts": 'import a from "#cart"; import b from "#parts/item.js"; import c from "#gone";',
    }
    assert imported(tmp_path, files, "src/deep/main.ts") == ["lib/cart", "src/parts/item", "#gone"]


# --- settings that can't be read --------------------------------------------------------------------------------------

BROKEN = {
    "no JSON": "paths: @/*",
    "empty": "",
    "a list": "[]",
    "a number": "1e999",
    "unclosed": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}',
    "not UTF-8": "\udcff{}",
    "deep": "[" * 200_000,
    "huge": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}' + " " * 2_000_000,
    "null": '{"compilerOptions": null, "extends": null, "references": null, "files": null}',
    "of other kinds": '{"compilerOptions": {"paths": {"@/*": "./src/*", "@shop": [1]}, "baseUrl": 3}, "extends": 5}',
    "lists of other kinds": '{"references": 5, "files": [{}], "include": {"a": 1}, "extends": [[]]}',
    "extends itself": '{"extends": "./tsconfig.json"}',
    "extends itself twice": '{"extends": ["./tsconfig.json", "./tsconfig.json", "./tsconfig"]}',
    "extends what is gone": '{"extends": ["./gone.json", "gone/package.json"]}',
    "lists itself": '{"files": [], "references": [{"path": "."}]}',
    "a NUL": '{"extends": "./a\\u0000b", "references": [{"path": "\\u0000"}], "files": []}',
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("name", ["tsconfig.json", "package.json"])
def test_what_can_not_be_read_is_not_used(tmp_path: Path, kind: str, name: str) -> None:
    modules = lay_out(tmp_path, SHOP)
    (tmp_path / name).write_bytes(BROKEN[kind].encode("utf-8", "surrogateescape"))
    assert localize(tmp_path, modules) == modules


def test_a_folder_or_a_pipe_is_no_configuration(tmp_path: Path) -> None:
    modules = lay_out(tmp_path, SHOP)
    (tmp_path / "tsconfig.json").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "package.json")
    assert localize(tmp_path, modules) == modules


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", ".", "./src/*", "@/*", "*", "..", "#a", "/", "a\0"]),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "compilerOptions paths baseUrl extends references path files include name main exports imports . ./* #a "
                "@/* * types import default".split()
            ),
            parts,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(configuration=JSON, package=JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_settings_are_too_odd(tmp_path: Path, configuration: object, package: object) -> None:
    files = {**SHOP, "a.ts": 'import a from "#a"; import b from "src"; import c from "";'}
    settings_of = {"tsconfig.json": json.dumps(configuration), "package.json": json.dumps(package)}
    modules = lay_out(tmp_path, {**files, **settings_of})
    names = {module.name for module in modules.values()}
    for path, module in localize(tmp_path, modules).items():
        for before, after in zip(modules[path].imports, module.imports, strict=True):
            assert after.module == before.module or after.module in names


# --- becoming TypeScript ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "new"),
    [
        ("src/cart.js", "export const a = 1;", "src/cart.ts"),
        ("src/cart.js", "export const a = () => <b>c</b>;", "src/cart.tsx"),
        ("src/cart.js", "export const a = <b />;", "src/cart.tsx"),
        ("src/cart.js", "const a = b </c>/ d; // </x>", "src/cart.ts"),
        ("src/cart.js", "const a = '</b>';", "src/cart.ts"),
        ("src/cart.test.jsx", "", "src/cart.test.tsx"),
        ("cart.mjs", "", "cart.mts"),
        ("cart.cjs", "", "cart.cts"),
        ("cart.ts", "", None),
        ("cart.d.ts", "", None),
        ("cart.tsx", "", None),
    ],
)
def test_new_names(path: str, text: str, new: str | None) -> None:
    assert migrated(SourceFile(path, "typescript", text.encode("utf-8"))) == new


def test_a_configuration_is_made_where_there_is_none(tmp_path: Path) -> None:
    added = project_additions(tmp_path, ["src/cart.ts", "src/deep/list.tsx", "test/all.ts", "index.ts"])
    made = json.loads(added["tsconfig.json"])
    assert made["include"] == ["*", "src", "test"]
    assert added["tsconfig.json"].endswith("}\n")
    lay_out(tmp_path, {"src/tsconfig.json": "{}"})
    assert project_additions(tmp_path, ["src/cart.ts"]) == {}
    assert json.loads(project_additions(tmp_path, ["test/a.ts"])["tsconfig.json"])["include"] == ["test"]
    lay_out(tmp_path, {"tsconfig.json": "{}"})
    assert project_additions(tmp_path, ["src/cart.ts", "index.ts"]) == {}
    assert project_additions(tmp_path, []) == {}


TOOLS = Path(__file__).parents[2] / "benchmarks" / "node" / "node_modules"
COMPILERS = {"5.9": TOOLS / "typescript" / "bin" / "tsc", "7.0": TOOLS / "typescript7" / "bin" / "tsc"}


@pytest.mark.usefixtures("compilers")
@pytest.mark.parametrize("version", COMPILERS)
def test_the_compiler_takes_what_was_never_typed(tmp_path: Path, version: str) -> None:
    """Modules of all kinds, without file endings, two files with one name of their own, a JavaScript file beside."""
    files = {
        "src/cart.ts": "const total = 0;\nexport default class Cart { declare items; add(item) { this.items.push(item); } }",
        "src/list.ts": 'const total = 1;\nimport Cart from "./cart.js";\nimport data from "./data.json";\n'
        "export const all = (first, second = null) => [new Cart(), data.a, first.any, second.any];",
        "src/script.ts": "var total = 2;\nfunction go(a) { if (a) return; return total; }",
        "src/view.tsx": 'import { all } from "./list";\nimport { old } from "./old";\nexport const a = [all(1, 2), old(3)];',
        "src/old.js": "exports.old = function (x) { return x.nothing + missing; };",
        "src/data.json": '{"a": 1}',
    }
    lay_out(tmp_path, files)
    lay_out(tmp_path, project_additions(tmp_path, [path for path in files if path.endswith((".ts", ".tsx"))]))
    said = subprocess.run(
        ["node", str(COMPILERS[version]), "-p", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.stdout == ""
