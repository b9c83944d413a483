; What completion reads of a text. Read by completion/cursor.py, habits.py and reading.py; the captures mean:
;   @receiver   an expression before a dot, which is the @member just behind it
;   @member     a name behind a dot
;   @written    a @member that is bound there: it need not exist before
;   @open       a leaf that waits for another one
;   @close      a leaf that one waited for
;   @statement  what a cut-off text is cut off in
;   @aside, @documentation   what is written for people alone
;   @import, @header         what outlines a text; of a header what stands before its body

(attribute object: (_) @receiver attribute: (identifier) @member)

(assignment left: (attribute attribute: (identifier) @written))
(assignment left: (pattern_list (attribute attribute: (identifier) @written)))
(assignment left: (tuple_pattern (attribute attribute: (identifier) @written)))
(for_statement left: (attribute attribute: (identifier) @written))

["(" "[" "{" (string_start)] @open
[")" "]" "}" (string_end)] @close

(module (_) @statement)
(block (_) @statement)

(comment) @aside
(module (expression_statement (string) @documentation))
(block (expression_statement (string) @documentation))

(import_statement) @import
(import_from_statement) @import

(class_definition) @header
(function_definition) @header
