// Edits: a text and [{ start, length, text }] in; the text with all of them made out. And the parameters that stand without
// parentheses, which need some before they can be annotated.
import ts from "typescript";

export function edited(text, edits) {
  let [after, position] = ["", 0];
  // Of two at one place the one that was given first stands first.
  for (const { start, length, text: added } of [...edits].sort((one, other) => one.start - other.start)) {
    if (start < position) throw new Error(`edits overlap at ${start}`);
    after += text.slice(position, start) + added;
    position = start + length;
  }
  return after + text.slice(position);
}

// `x => ...`: the parameter's place, in source order.
export function bareParameters(file) {
  const found = [];
  const visit = (node) => {
    if (ts.isArrowFunction(node) && !node.getChildren(file).some((child) => child.kind === ts.SyntaxKind.OpenParenToken)) {
      found.push({ start: node.parameters[0].getStart(file), end: node.parameters[0].end });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
