; What completion reads of a text; the captures are those of grammars/python/completion.scm.

(member_expression object: (_) @receiver property: [(property_identifier) (private_property_identifier)] @member)

(assignment_expression left: (member_expression property: (_) @written))

["(" "[" "{" "${" "`"] @open
[")" "]" "}" "`"] @close

(program (_) @statement)
(statement_block (_) @statement)
(class_body (_) @statement)

(comment) @aside

(import_statement) @import

(class_declaration) @header
(abstract_class_declaration) @header
(function_declaration) @header
(method_definition) @header
(interface_declaration) @header
(type_alias_declaration) @header
