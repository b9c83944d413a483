; Which leaf is an occurrence of a variable, and where names live. Read by program/graph.py; the captures mean:
;   @scope.function       a range whose bindings are its own
;   @scope.class          the same, and invisible from functions inside it
;   @scope.comprehension  the same, but a walrus inside binds around it
;   @outer                a range that stands inside a scope and belongs to the one around it
;   @name                 a leaf that may be an occurrence
;   @binding              a leaf that writes its variable
;   @binding.function     a leaf that writes a variable of the nearest scope that is no comprehension
;   @member               the name of an attribute of a plain name, which is the @name just before it
;   @binding.member       the name of an attribute that is written
;   @receiver             the parameter by which a method reaches its own object
;   @global, @nonlocal    a leaf that sends its name to the file, or to the next function that binds it
;   @label                a leaf that looks like a name and is no variable

(function_definition) @scope.function
(lambda) @scope.function
(class_definition body: (block) @scope.class)
(list_comprehension) @scope.comprehension
(set_comprehension) @scope.comprehension
(dictionary_comprehension) @scope.comprehension
(generator_expression) @scope.comprehension

(function_definition name: (identifier) @outer @binding)
(function_definition return_type: (type) @outer)
(typed_parameter type: (type) @outer)
(typed_default_parameter type: (type) @outer)
(typed_default_parameter value: (_) @outer)
(default_parameter value: (_) @outer)

(identifier) @name

(class_definition name: (identifier) @binding)
(parameters (identifier) @binding)
(lambda_parameters (identifier) @binding)
(typed_parameter . (identifier) @binding)
(default_parameter name: (identifier) @binding)
(typed_default_parameter name: (identifier) @binding)
(list_splat_pattern (identifier) @binding)
(dictionary_splat_pattern (identifier) @binding)

(assignment left: (identifier) @binding)
(augmented_assignment left: (identifier) @binding)
(named_expression name: (identifier) @binding.function)
(for_statement left: (identifier) @binding)
(for_in_clause left: (identifier) @binding)
(pattern_list (identifier) @binding)
(tuple_pattern (identifier) @binding)
(list_pattern (identifier) @binding)
(as_pattern_target (identifier) @binding)
(as_pattern_target [(tuple (identifier) @binding) (list (identifier) @binding)])
(delete_statement (identifier) @binding)

(assignment left: (attribute attribute: (identifier) @binding.member))
(augmented_assignment left: (attribute attribute: (identifier) @binding.member))
(for_statement left: (attribute attribute: (identifier) @binding.member))
(pattern_list (attribute attribute: (identifier) @binding.member))
(tuple_pattern (attribute attribute: (identifier) @binding.member))
(list_pattern (attribute attribute: (identifier) @binding.member))
(as_pattern_target (attribute attribute: (identifier) @binding.member))

(case_pattern (dotted_name . (identifier) @binding .))
(case_pattern (as_pattern (identifier) @binding))
(splat_pattern (identifier) @binding)
(keyword_pattern . (identifier) @label)
(case_pattern (dotted_name (identifier) (identifier) @label))
(class_pattern (dotted_name (identifier) (identifier) @label))

(import_statement name: (dotted_name . (identifier) @binding))
(import_statement name: (dotted_name (identifier) (identifier) @label))
(import_statement name: (aliased_import name: (dotted_name (identifier) @label)))
(import_from_statement module_name: (dotted_name (identifier) @label))
(import_from_statement module_name: (relative_import (dotted_name (identifier) @label)))
(import_from_statement name: (dotted_name (identifier) @binding))
(import_from_statement name: (aliased_import name: (dotted_name (identifier) @label)))
(future_import_statement name: (dotted_name (identifier) @binding))
(aliased_import alias: (identifier) @binding)

(attribute attribute: (identifier) @label)
(attribute object: (identifier) attribute: (identifier) @member)
(keyword_argument name: (identifier) @label)
(global_statement (identifier) @global)
(nonlocal_statement (identifier) @nonlocal)

(class_definition body: (block (function_definition parameters: (parameters . [
  (identifier) @receiver
  (typed_parameter . (identifier) @receiver)]))))
(class_definition body: (block (decorated_definition
  (decorator) @_decorator
  definition: (function_definition parameters: (parameters . [
    (identifier) @receiver
    (typed_parameter . (identifier) @receiver)])))
  (#not-eq? @_decorator "@staticmethod")))
