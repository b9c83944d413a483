; What the reader asks of a Python file. Everything else of the tree is looked at only from these places.

(function_definition) @function
(class_definition) @class
(lambda) @lambda

(assignment) @assignment
; Names bound to a part of something, which no expression here shows whole.
(pattern_list [(identifier) (attribute)] @rebound)
(tuple_pattern [(identifier) (attribute)] @rebound)
(list_pattern [(identifier) (attribute)] @rebound)
(for_statement left: [(identifier) (attribute)] @rebound)
(as_pattern_target [(identifier) (attribute)] @rebound)
(named_expression name: (identifier) @rebound)

(global_statement) @global
(nonlocal_statement) @global

(return_statement) @return
(yield) @yield
(call) @call

(import_statement) @import
(import_from_statement) @import
(future_import_statement) @import

(identifier) @identifier

; Python 2, which the grammar reads too.
(print_statement) @python2
(exec_statement) @python2

(ERROR) @error
(MISSING) @error
