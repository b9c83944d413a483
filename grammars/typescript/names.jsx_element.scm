; What JSX adds to names.scm: `<Foo>` and `<Foo.Bar>` are uses of Foo, `<div>` is the name of an element.

(jsx_opening_element name: (identifier) @label (#match? @label "^[a-z]"))
(jsx_closing_element name: (identifier) @label (#match? @label "^[a-z]"))
(jsx_self_closing_element name: (identifier) @label (#match? @label "^[a-z]"))
(jsx_namespace_name (identifier) @label)
