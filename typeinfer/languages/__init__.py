"""Languages: one folder each, behind one protocol. Outside this package no module asks which language it is on."""
