; Names of a text; the captures are those of grammars/python/reads.scm.

(identifier) @name
(shorthand_property_identifier) @name
(type_identifier) @name

(function_declaration name: (identifier) @bound)
(function_expression name: (identifier) @bound)
(function_signature name: (identifier) @bound)
(generator_function_declaration name: (identifier) @bound)
(class_declaration name: (type_identifier) @bound)
(abstract_class_declaration name: (type_identifier) @bound)
(class name: (type_identifier) @bound)
(interface_declaration name: (type_identifier) @bound)
(type_alias_declaration name: (type_identifier) @bound)
(enum_declaration name: (identifier) @bound)
(internal_module name: (identifier) @bound)
(type_parameter name: (type_identifier) @bound)
(variable_declarator name: (identifier) @bound)
(required_parameter pattern: (identifier) @bound)
(required_parameter (rest_pattern (identifier) @bound))
(optional_parameter pattern: (identifier) @bound)
(arrow_function parameter: (identifier) @bound)
(array_pattern (identifier) @bound)
(pair_pattern value: (identifier) @bound)
(rest_pattern (identifier) @bound)
(catch_clause parameter: (identifier) @bound)
(for_in_statement left: (identifier) @bound)
(namespace_export (identifier) @bound)

(assignment_expression left: (identifier) @written)

(nested_identifier property: (property_identifier) @other)
(nested_type_identifier name: (type_identifier) @other)

(import_statement) @import
(export_clause) @import
