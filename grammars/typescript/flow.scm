; Where values go inside one file of TypeScript or JavaScript; the captures mean what `grammars/python/flow.scm` says, and:
;   @apart    a value whose names say nothing of what it is bound to

(arrow_function) @apart
(function_expression) @apart
(generator_function) @apart
(class) @apart

(variable_declarator name: (_) @target value: (_) @value)
(assignment_expression left: (_) @target right: (_) @value)
(augmented_assignment_expression left: (_) @target right: (_) @value)
(for_in_statement left: (_) @target right: (_) @value)
(public_field_definition name: (_) @target value: (_) @value)
(required_parameter pattern: (_) @target value: (_) @value)
(assignment_pattern left: (_) @target right: (_) @value)
(object_assignment_pattern left: (_) @target right: (_) @value)

(for_statement increment: (_) @body body: (_) @clause)
