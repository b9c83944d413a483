; Where names are read, and where they are made. Read by completion/cursor.py and training/dots.py; the captures mean:
;   @name    a name; if it is nothing of what follows it stands for what something in scope is called
;   @bound   a name that is made here: it need not exist before
;   @written the same, of a statement that begins as one does that reads it
;   @other   a name that something else is called by: a member
;   @argument the same, of what a call is given
;   @import  what names things that aren't in scope yet

(identifier) @name

(attribute attribute: (identifier) @other)
(keyword_argument name: (identifier) @argument)

(function_definition name: (identifier) @bound)
(class_definition name: (identifier) @bound)
(parameters (identifier) @bound)
(lambda_parameters (identifier) @bound)
(default_parameter name: (identifier) @bound)
(typed_default_parameter name: (identifier) @bound)
(typed_parameter . (identifier) @bound)
(parameters (list_splat_pattern (identifier) @bound))
(parameters (dictionary_splat_pattern (identifier) @bound))
(typed_parameter (list_splat_pattern (identifier) @bound))
(typed_parameter (dictionary_splat_pattern (identifier) @bound))
(lambda_parameters (list_splat_pattern (identifier) @bound))
(lambda_parameters (dictionary_splat_pattern (identifier) @bound))
(for_statement left: (identifier) @bound)
(for_in_clause left: (identifier) @bound)
(for_statement left: (_ (identifier) @bound))
(for_in_clause left: (_ (identifier) @bound))
(as_pattern_target (identifier) @bound)
(as_pattern_target (_ (identifier) @bound))
(type_parameter (type (identifier) @bound))
(type_alias_statement left: (type (identifier) @bound))
(global_statement (identifier) @bound)
(nonlocal_statement (identifier) @bound)
(named_expression name: (identifier) @bound)

(assignment left: (identifier) @written)
(assignment left: (pattern_list (identifier) @written))
(assignment left: (tuple_pattern (identifier) @written))

(import_statement) @import
(import_from_statement) @import
(future_import_statement) @import
