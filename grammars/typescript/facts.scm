; What the reader asks of a TypeScript or JavaScript file. Everything else of the tree is looked at only from these places.

(function_declaration) @function
(generator_function_declaration) @function
(function_expression) @function
(generator_function) @function
(arrow_function) @function
(method_definition) @function
(function_signature) @function
(method_signature) @function
(abstract_method_signature) @function

(class_declaration) @class
(abstract_class_declaration) @class
(class) @class
(interface_declaration) @class
(enum_declaration) @class
(type_alias_declaration) @class
(internal_module) @namespace
(module) @namespace
(class_static_block) @block

(variable_declarator) @declarator
(public_field_definition) @field
(property_signature) @member
(assignment_expression) @assignment
(import_alias) @alias
; A name bound to something that no expression here shows.
(for_in_statement) @loop

(return_statement) @return
(yield_expression) @yield
(call_expression) @call
(new_expression) @call

(import_statement) @import
(export_statement) @export

; Where the use of a name says something of its type.
(member_expression object: (identifier) @identifier)
(subscript_expression [(identifier)] @identifier)
(call_expression function: (identifier) @identifier)
(new_expression constructor: (identifier) @identifier)
(arguments (identifier) @identifier)
(binary_expression [left: (identifier) right: (identifier)] @identifier)
(unary_expression argument: (identifier) @identifier)
(update_expression argument: (identifier) @identifier)
(augmented_assignment_expression [left: (identifier) right: (identifier)] @identifier)
(for_in_statement right: (identifier) @identifier)
(spread_element (identifier) @identifier)
(await_expression (identifier) @identifier)
(parenthesized_expression (identifier) @identifier)
(ternary_expression condition: (identifier) @identifier)
(template_substitution (identifier) @identifier)
(non_null_expression (identifier) @identifier)
(yield_expression (identifier) @identifier)

(comment) @comment

(ERROR) @error
(MISSING) @error
