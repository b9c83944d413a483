; Where values go inside one file. Read by program/graph.py, a match at a time:
;   @target is computed from @value, and written after all of @value was read
;   @body is evaluated after @clause, though it stands before it

(assignment left: (_) @target right: (_) @value)
(augmented_assignment left: (_) @target right: (_) @value)
(named_expression name: (_) @target value: (_) @value)
(for_statement left: (_) @target right: (_) @value)
(for_in_clause left: (_) @target right: (_) @value)
(as_pattern . (_) @value alias: (as_pattern_target) @target)

(list_comprehension body: (_) @body (_) @clause .)
(set_comprehension body: (_) @body (_) @clause .)
(dictionary_comprehension body: (_) @body (_) @clause .)
(generator_expression body: (_) @body (_) @clause .)
