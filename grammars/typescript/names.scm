; Which leaf is an occurrence of a variable, and where names live, in TypeScript and JavaScript; the captures mean what
; `grammars/python/names.scm` says, and these besides:
;   @scope.closure        a function that reaches the object of the code around it
;   @hoisted              a range whose bindings are of the nearest scope that is no comprehension
;   @assigned             a range whose bindings write what is bound elsewhere
;   @receiver.word        the word by which a method reaches its own object; every function but a closure has its own
;   @binding.parameter    a parameter that is a member of the class as well
; Values and types share one space of names here. Blocks are `comprehensions`: what `var` binds in one goes around it.

(function_declaration) @scope.function
(generator_function_declaration) @scope.function
(function_signature) @scope.function
(function_expression) @scope.function
(generator_function) @scope.function
(method_definition) @scope.function
(method_signature) @scope.function
(abstract_method_signature) @scope.function
(call_signature) @scope.function
(construct_signature) @scope.function
(function_type) @scope.function
(constructor_type) @scope.function
(class_static_block) @scope.function
(internal_module body: (statement_block) @scope.function)
(module body: (statement_block) @scope.function)
(arrow_function) @scope.closure

; What a field begins with is evaluated as if a method of the class held it.
(public_field_definition value: (_) @scope.function)
(class_body) @scope.class
(enum_body) @scope.class

(statement_block) @scope.comprehension
(switch_body) @scope.comprehension
(for_statement) @scope.comprehension
(for_in_statement) @scope.comprehension
(catch_clause) @scope.comprehension
; Type parameters are seen from what stands inside.
(class_declaration) @scope.comprehension
(abstract_class_declaration) @scope.comprehension
(class) @scope.comprehension
(interface_declaration) @scope.comprehension
(type_alias_declaration) @scope.comprehension
(conditional_type) @scope.comprehension
(index_signature (mapped_type_clause)) @scope.comprehension

; A bare name in a class body means nothing of the class.
(class_body (decorator) @outer)
(public_field_definition (decorator) @outer)
(public_field_definition name: (computed_property_name) @outer)
(public_field_definition type: (_) @outer)

(identifier) @name
(type_identifier) @name
(shorthand_property_identifier) @name
(shorthand_property_identifier_pattern) @name @binding
(this) @name @receiver.word
(member_expression object: [(identifier) (this)] property: (_) @name @member)

(function_declaration name: (identifier) @outer @binding.function)
(generator_function_declaration name: (identifier) @outer @binding.function)
(function_signature name: (identifier) @outer @binding.function)
(function_expression name: (identifier) @binding)
(generator_function name: (identifier) @binding)
(class_declaration name: (type_identifier) @outer @binding)
(abstract_class_declaration name: (type_identifier) @outer @binding)
(class name: (type_identifier) @binding)
(interface_declaration name: (type_identifier) @outer @binding)
(type_alias_declaration name: (type_identifier) @outer @binding)
(enum_declaration name: (identifier) @binding)
(internal_module name: [(identifier) @binding (nested_identifier . (identifier) @binding)])
(module name: [(identifier) @binding (nested_identifier . (identifier) @binding)])
(type_parameter name: (type_identifier) @binding)
(infer_type . (type_identifier) @binding)
(mapped_type_clause name: (type_identifier) @binding)

(class_body (public_field_definition name: [(property_identifier) (private_property_identifier)] @name @binding))
(class_body (method_definition name: [(property_identifier) (private_property_identifier)] @name @outer @binding))
(class_body (method_signature name: [(property_identifier) (private_property_identifier)] @name @outer @binding))
(class_body (abstract_method_signature name: (property_identifier) @name @outer @binding))
(enum_body name: (property_identifier) @name @binding)
(enum_assignment name: (property_identifier) @name @binding)

(required_parameter pattern: (identifier) @binding)
(optional_parameter pattern: (identifier) @binding)
(required_parameter (accessibility_modifier) pattern: (identifier) @binding.parameter)
(optional_parameter (accessibility_modifier) pattern: (identifier) @binding.parameter)
(required_parameter "readonly" pattern: (identifier) @binding.parameter)
(optional_parameter "readonly" pattern: (identifier) @binding.parameter)
(arrow_function parameter: (identifier) @binding)
(catch_clause parameter: (identifier) @binding)

(variable_declarator name: (identifier) @binding)
(variable_declaration (variable_declarator name: (_) @hoisted))
(array_pattern (identifier) @binding)
(assignment_pattern left: (identifier) @binding)
(pair_pattern value: (identifier) @binding)
(rest_pattern (identifier) @binding)
(for_in_statement left: (identifier) @binding)
(for_in_statement kind: "var" left: (_) @hoisted)

(for_in_statement !kind left: (_) @assigned)
(assignment_expression left: (_) @assigned)
(assignment_expression left: (identifier) @binding)
(assignment_expression left: (parenthesized_expression (identifier) @binding))
(augmented_assignment_expression left: (identifier) @binding @assigned)
(update_expression argument: (identifier) @binding @assigned)

(assignment_expression left: (member_expression property: (_) @binding.member))
(augmented_assignment_expression left: (member_expression property: (_) @binding.member))
(update_expression argument: (member_expression property: (_) @binding.member))
(for_in_statement left: (member_expression property: (_) @binding.member))
(array_pattern (member_expression property: (_) @binding.member))
(pair_pattern value: (member_expression property: (_) @binding.member))

(import_clause (identifier) @binding)
(namespace_import (identifier) @binding)
(import_specifier name: (identifier) @binding !alias)
(import_specifier name: (identifier) @label alias: (identifier) @binding)
(import_require_clause (identifier) @binding)
(import_alias . (identifier) @binding)

(export_specifier alias: (identifier) @label)
(export_statement (export_clause (export_specifier name: (identifier) @label)) source: (_))
(namespace_export (identifier) @label)
(export_statement "namespace" (identifier) @label)
(nested_type_identifier name: (type_identifier) @label)
(index_signature name: (identifier) @label)
(required_parameter name: (identifier) @label)
(optional_parameter name: (identifier) @label)
